"""Cross checks: every name that a rule uses exists, and nothing that must be ruled is left out.

Each check yields problems and stops nothing, so that one run shows them all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from discretion.catalogue.model import Family
from discretion.catalogue.nearest_name import nearest
from discretion.catalogue.problem import Problem
from discretion.catalogue.yaml_file import Place
from discretion.law.build_jurisdiction import Consent
from discretion.law.holiday_calendar import knows
from discretion.law.jurisdiction import EXTENDED, Confidence, Jurisdiction, Unit
from discretion.law.model import UNKNOWN
from discretion.law.parse_file import Placed, Shaped
from discretion.law.place_index import CODE, folded
from discretion.law.strictness import laxer

_KEY = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,3})?")
_SUBJECTS = ("families", "kinds", "rights", "events")
"""Members of a rule that say what it is about."""


def check(parts: Sequence[Shaped], kinds: Collection[str], *, whole: bool) -> Iterator[Problem]:
    """Everything wrong with the jurisdictions, which may name these sensitive kinds.

    ``whole`` is false if some rules could not be read.
    """
    for part in parts:
        yield from _head(part)
        yield from _names(part, kinds)
        yield from _dates(part)
        yield from _twice(part)
        if whole:
            yield from _left_out(part)
            yield from _answered(part)
    yield from _places(parts)
    if whole and parts and UNKNOWN not in {part.key for part in parts}:
        folder = parts[0].file.path.parent
        right = f"Add {UNKNOWN}.yaml, for people of whom it is not known where they live."
        yield Problem(folder, 1, f"no file is the jurisdiction {UNKNOWN!r}", right)


def strictest(parts: Iterable[Shaped], found: Mapping[str, Jurisdiction]) -> Iterator[Problem]:
    """Where ``unknown`` is laxer than some jurisdiction that a person may turn out to live in."""
    unknown = next(part for part in parts if part.key == UNKNOWN)
    for key, one in found.items():
        for what in dict.fromkeys(laxer(found[UNKNOWN], one)):
            wrong = f"{UNKNOWN} is laxer than {key} in {what}"
            right = "Who may live anywhere is judged by the strictest; make it as strict here."
            yield unknown.file.problem((), wrong, right)


def _head(part: Shaped) -> Iterator[Problem]:
    head, file = part.head, part.file
    if not _KEY.fullmatch(part.key):
        yield file.problem((), f"{part.key!r} is not a key", "Name the file as eu.yaml or us-ca.yaml.")
    if not _zone(head.time_zone):
        right = nearest(head.time_zone, available_timezones())
        yield file.problem(("time_zone",), f"{head.time_zone!r} is not an IANA time zone", right)
    if head.holidays is not None and not knows(head.holidays):
        right = "It takes a country and perhaps a part of it, such as US or GB-ENG."
        yield file.problem(("holidays",), f"no holidays of {head.holidays!r} are known", right)
    business = [one for one in part.rules.get("deadlines", ()) if _needs_holidays(one)]
    if head.holidays is None and business:
        right = "Add 'holidays:' with the place whose holidays do not count."
        yield part.problem(business[0], "working days are counted and no holidays named", right)
    if not head.places and part.key != UNKNOWN:
        yield file.problem(("places",), f"{part.key} has no places", "Add 'places:' with ISO 3166 codes.")
    if head.places and part.key == UNKNOWN:
        yield file.problem(("places",), f"{UNKNOWN} has places", "It holds wherever no other does.")
    for member in ("places", "without"):
        for index, code in enumerate(getattr(head, member)):
            if not CODE.fullmatch(code):
                right = "It takes a code of ISO 3166-1 or -2, such as DE or US-CA."
                yield file.problem((member, index), f"{code!r} is not the code of a place", right)


def _needs_holidays(one: Placed) -> bool:
    return one.rule.rolls or one.rule.within.unit is Unit.BUSINESS_DAYS


def _zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _names(part: Shaped, kinds: Collection[str]) -> Iterator[Problem]:
    for section, one in part.each():
        member = {"sensitive": "kinds", "rights": "withheld"}.get(section)
        for index, kind in enumerate(getattr(one.rule, member) if member else ()):
            if kind not in kinds:
                wrong = f"{kind!r} is not a sensitive kind of the catalogue"
                yield part.problem(one, wrong, nearest(kind, kinds), str(member), index)
        for index, place in enumerate(getattr(one.rule, "places", ())):
            if place not in part.head.places:
                wrong = f"{place!r} is not a place of {part.key}"
                yield part.problem(one, wrong, nearest(place, part.head.places), "places", index)


def _dates(part: Shaped) -> Iterator[Problem]:
    for _, one in part.each():
        rule = one.rule
        if rule.until is not None and rule.until <= rule.start:
            wrong = f"until {rule.until} is not after from {rule.start}"
            yield part.problem(one, wrong, "A rule holds for a day at least; mend one of them.", "until")
        if rule.confidence is not Confidence.SURE and rule.note is None:
            wrong = f"the rule is {rule.confidence} and has no note"
            right = "Add 'note:' saying what is not sure about it."
            yield part.problem(one, wrong, right, "confidence")


def _twice(part: Shaped) -> Iterator[Problem]:
    seen: dict[tuple[object, ...], Placed] = {}
    for section, one in part.each():
        if section == "ages":  # all that apply hold
            continue
        rule = one.rule
        unsure = rule.confidence is Confidence.UNSURE
        for subject in _subjects(rule):
            about = (section, subject, getattr(rule, "step", None), rule.start, unsure)
            if (first := seen.setdefault(about, one)) is not one:
                wrong = f"two rules about {subject or section} begin on {rule.start}"
                right = f"The other is on line {part.file.line(first.place)}; keep one."
                yield part.problem(one, wrong, right)


def _subjects(rule: object) -> Sequence[str]:
    for member in _SUBJECTS:
        if found := getattr(rule, member, None):
            return [str(one) for one in found]
    return ("",)


def _left_out(part: Shaped) -> Iterator[Problem]:
    consent = Consent(part)
    days = consent.days()
    for family in Family:
        if gaps := [day for day in days if consent.model(family, day) is None] or not days:
            when = f" from {gaps[0]}" if isinstance(gaps, list) and consent.families[family] else ""
            right = "Every family of purposes needs a rule at all times; add one under 'consent:'."
            yield part.file.problem(("consent",), f"no rule of consent for {family}{when}", right)
    for section, rule in (("signals", consent.signal), ("renewal", consent.renewed)):
        if gaps := [day for day in days if rule(day) is None] or not days:
            right = f"Add a rule under {section + ':'!r}."
            yield part.file.problem((section,), f"nothing says what holds of {section}", right)


def _answered(part: Shaped) -> Iterator[Problem]:
    given = {right for one in part.rules.get("rights", ()) for right in one.rule.rights}
    steps = {(right, one.rule.step) for one in part.rules.get("deadlines", ()) for right in one.rule.rights}
    for one in part.rules.get("deadlines", ()):
        for index, right in enumerate(one.rule.rights):
            if right not in given:
                wrong = f"{part.key} gives no right {str(right)!r}"
                yield part.problem(one, wrong, nearest(right, given), "rights", index)
            needed = EXTENDED.get(one.rule.step)
            if needed is not None and (right, needed) not in steps:
                wrong = f"{one.rule.step} of {right} makes nothing longer"
                yield part.problem(one, wrong, f"Add its {str(needed)!r}, or take it out.", "step")
        if one.rule.step in EXTENDED and one.rule.within.unit is Unit.AT_ONCE:
            yield part.problem(one, "an extension is at once", "It takes a length, such as 45 cd.", "within")


def _places(parts: Sequence[Shaped]) -> Iterator[Problem]:
    held: dict[str, Shaped] = {}
    for part in parts:
        for index, code in enumerate(part.head.places):
            if (other := held.setdefault(code, part)) is not part:
                wrong = f"{code!r} is a place of {other.key} too"
                yield part.file.problem(("places", index), wrong, "One law holds in a place; keep one.")
    for code, part in held.items():
        country = code.partition("-")[0]
        whole = held.get(country, part)
        if whole is not part:
            wrong = f"{country!r} is a place of {whole.key}, and {code!r} of {part.key}"
            right = "Where only the country is known, both may hold; list its parts, and not the country."
            index = whole.head.places.index(country)
            yield whole.file.problem(("places", index), wrong, right)
    yield from _called(parts)


def _called(parts: Sequence[Shaped]) -> Iterator[Problem]:
    names: dict[tuple[str, str], str] = {}
    for part in parts:
        for code, called in part.head.called.items():
            at: Place = ("called", code)
            if part.key != UNKNOWN and code not in {*part.head.places, *part.head.without}:
                wrong = f"{code!r} is not a place of {part.key}"
                yield part.file.problem(at, wrong, nearest(code, part.head.places))
            country = code.partition("-")[0] if "-" in code else ""
            for index, name in enumerate(called):
                if (known := names.setdefault((country, folded(name)), code)) != code:
                    wrong = f"{name!r} is {known} and {code}"
                    yield part.file.problem((*at, index), wrong, "A name leads to one place; keep one.")
