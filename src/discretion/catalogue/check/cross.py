"""Cross checks: every name that an entry uses exists, and what it says of itself can hold.

Each check yields problems and stops nothing, so that one run shows them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from discretion.catalogue.check.computed import computed, properties
from discretion.catalogue.check.recipients import received
from discretion.catalogue.check.sources import believed, supplied
from discretion.catalogue.duration import parse
from discretion.catalogue.entry import AttributeEntry, EventEntry, IdentifierEntry, Uses
from discretion.catalogue.model import Channel, Form, Sensitivity, ValueType
from discretion.catalogue.nearest_name import nearest
from discretion.catalogue.parsed_file import Shaped, Whole
from discretion.catalogue.problem import Problem
from discretion.catalogue.taxonomy import taxonomy
from discretion.catalogue.yaml_file import Place

NORMALISE = frozenset({"email", "e164", "token"})
"""Rules of ``seal/normalise.py``; a test compares."""

COARSE_TYPES = frozenset(
    {ValueType.DATE, ValueType.DATETIME, ValueType.MONEY, ValueType.INT, ValueType.FLOAT}
)
"""Types with a coarse rule: age band, month, magnitude."""

COARSE_CATEGORIES = frozenset({"user.contact.address.postal_code"})
"""Texts whose beginning is coarser than the whole, not merely shorter."""

_NAMED = (
    "purposes",
    "groups",
    "objects",
    "attributes",
    "identifiers",
    "sources",
    "properties",
    "events",
    "sensitive",
    "recipients",
)
_NAME = re.compile(r"(?!__)[_A-Za-z][_0-9A-Za-z]*")  # GraphQL, October 2021, section 2.1.9
_DURATION = "It takes an ISO 8601 duration, such as P3Y, P13M or P90D"


def check(parts: Sequence[Shaped]) -> Iterator[Problem]:
    """Everything wrong between the entries of a catalogue."""
    whole = Whole(parts)
    for one in _CHECKS:
        yield from one(whole)


def _once(whole: Whole) -> Iterator[Problem]:
    for section in _NAMED:
        first: dict[str, Shaped] = {}
        for part, name, _ in whole.each(section):
            if (known := first.setdefault(name, part)) is not part:
                other = f"{known.file.path.name}:{known.file.line((section, name))}"
                yield part.file.problem(
                    (section, name), f"{name!r} stands twice", f"It is in {other} too; keep one of them."
                )
    told = [part for part in whole.parts if part.entries.controller is not None]
    for part in told[1:]:
        right = f"It is in {told[0].file.path.name} too; keep one of them."
        yield part.file.problem(("controller",), "'controller' stands twice", right)
    if not told and whole.parts:
        file = whole.parts[0].file
        right = "Add 'controller:' with the name of who answers for the data (GDPR Art. 4(7)) to one file."
        yield Problem(file.path.parent, 1, "no file names a controller", right)


def _purposes(whole: Whole) -> Iterator[Problem]:
    retired = {bit for part in whole.parts for bit in part.entries.retired}
    bits: dict[int, str] = {}
    for part, key, purpose in whole.each("purposes"):
        if key not in taxonomy().uses:
            yield part.file.problem(
                ("purposes", key), f"{key!r} is not a Fideslang data use", nearest(key, taxonomy().uses)
            )
        place = ("purposes", key, "bit")
        if purpose.bit in retired:
            yield part.file.problem(place, f"bit {purpose.bit} is retired", "Take one that was never used.")
        if (other := bits.setdefault(purpose.bit, key)) != key:
            wrong = f"bit {purpose.bit} of {key!r} is the bit of {other!r}"
            free = next((bit for bit in range(63) if bit > max(bits) and bit not in retired), None)
            right = "All 63 are taken." if free is None else f"The next free one is {free}."
            yield part.file.problem(place, wrong, right)
        for name in ("lasts", "retention"):
            yield from _duration(part, ("purposes", key, name), getattr(purpose, name))


def _uses(whole: Whole) -> Iterator[Problem]:
    known = whole.names("purposes")
    for part in whole.parts:
        yield from _each_use(part, ("always",), part.entries.always, known)
        yield from _each_use(part, ("defaults", "uses"), part.entries.defaults.uses, known)
    always = {form for part in whole.parts for form, held in part.entries.always.items() if held}
    for section in ("attributes", "events"):
        for part, name, entry in whole.each(section):
            yield from _each_use(part, (section, name, "uses"), entry.uses, known)
            complete = part.complete(entry)
            forms = always | {form for form, held in (complete.uses or {}).items() if held}
            if not forms:
                right = "Add 'uses:' here or in the file's defaults (GDPR Art. 5(1)(b))."
                yield part.file.problem((section, name), f"{name} has no use", right)
            for form in sorted(forms):
                if right := _unfit(form, complete):
                    place = (section, name, "uses", form.value)
                    yield part.file.problem(place, f"{name} cannot be shown {form}", right)


def _each_use(part: Shaped, place: Place, uses: Uses | None, known: set[str]) -> Iterator[Problem]:
    seen: dict[str, Form] = {}
    for form, purposes in (uses or {}).items():
        for index, purpose in enumerate(purposes):
            here = (*place, form.value, index)
            if purpose not in known:
                wrong = f"{purpose!r} is not a purpose of this catalogue"
                yield part.file.problem(here, wrong, nearest(purpose, known))
            if purpose in seen:
                wrong = f"{purpose!r} sees it {seen[purpose]} and {form}"
                yield part.file.problem(here, wrong, "Name it under one form, once.")
            seen[purpose] = form


def _unfit(form: Form, entry: AttributeEntry | EventEntry) -> str:
    """Why an entry has no such form, as advice; the empty string if it has."""
    if form is Form.CLEAR:
        return ""
    if isinstance(entry, EventEntry):
        return "" if form is Form.COARSE else "An event takes clear, or coarse to learn that it happened."
    if form is Form.COARSE:
        if entry.type in COARSE_TYPES or entry.category in COARSE_CATEGORIES:
            return ""
        types = ", ".join(sorted(COARSE_TYPES))
        return f"Coarse is for {types} and for {', '.join(COARSE_CATEGORIES)}."
    return "" if entry.type is ValueType.STRING else f"Only a String is {form}; this is {entry.type}."


def _categories(whole: Whole) -> Iterator[Problem]:
    for section in ("attributes", "identifiers", "properties", "events"):
        for part, name, entry in whole.each(section):
            if entry.category not in taxonomy().categories:
                wrong = f"{entry.category!r} is not a Fideslang data category"
                right = nearest(entry.category, taxonomy().categories)
                yield part.file.problem((section, name, "category"), wrong, right)
    for part, kind, tops in whole.each("sensitive"):
        for index, top in enumerate(tops):
            if top not in taxonomy().categories:
                wrong = f"{top!r} is not a Fideslang data category"
                yield part.file.problem(
                    ("sensitive", kind, index), wrong, nearest(top, taxonomy().categories)
                )


def _kept(whole: Whole) -> Iterator[Problem]:
    for part in whole.parts:
        yield from _duration(part, ("defaults", "retention"), part.entries.defaults.retention)
        for section in ("attributes", "events"):
            for name, entry in getattr(part.entries, section).items():
                yield from _duration(part, (section, name, "retention"), entry.retention)
                if part.complete(entry).retention is None:
                    right = f"Add 'retention:' here or in the file's defaults. {_DURATION}."
                    yield part.file.problem((section, name), f"{name} has no retention", right)
                if entry.channels == []:
                    right = f"It takes some of {', '.join(Channel)}; leave the key out for all."
                    yield part.file.problem((section, name, "channels"), f"{name} has no channel", right)


def _duration(part: Shaped, place: Place, text: str | None) -> Iterator[Problem]:
    if text is None:
        return
    try:
        parse(text)
    except ValueError as error:
        yield part.file.problem(place, f"{place[-1]} {text!r} is {error}", f"{_DURATION}.")


def _paths(whole: Whole) -> Iterator[Problem]:
    groups, paths, objects = whole.names("groups"), whole.names("attributes"), whole.names("objects")
    for section in ("attributes", "objects"):
        for part, path, _ in whole.each(section):
            group, *inner = path.split(".")
            at = (section, path)
            longest = 2 if section == "attributes" else 1
            if not 1 <= len(inner) <= longest or not all(map(_NAME.fullmatch, inner)):
                form = "group.name or group.object.name" if longest == 2 else "group.name"
                right = f"It takes {form}, in letters, digits and '_'."
                yield part.file.problem(at, f"{path!r} is not a path", right)
            elif group not in groups:
                yield part.file.problem(at, f"{group!r} is not a group", nearest(group, groups))
            if section == "attributes" and (path in objects or any(p.startswith(path + ".") for p in paths)):
                yield part.file.problem(at, f"{path!r} is an object too", "Give one of them another name.")
    for section, words in (("groups", "group"), ("objects", "object")):
        for part, name, _ in whole.each(section):
            if section == "groups" and not _NAME.fullmatch(name):
                wrong = f"{name!r} is not a name GraphQL can have"
                yield part.file.problem((section, name), wrong, "It takes letters, digits and '_'.")
            elif not any(path.startswith(name + ".") for path in paths):
                wrong = f"{words} {name!r} has no attribute"
                right = f"Add one, such as {name + '.name'!r}, or take the {words} out."
                yield part.file.problem((section, name), wrong, right)


def _attributes(whole: Whole) -> Iterator[Problem]:
    identifiers = whole.names("identifiers")
    for part, path, entry in whole.completed("attributes"):
        for key, wrong, right in _faults(entry, identifiers, whole.kinds(entry.category)):
            yield part.file.problem(("attributes", path, key), f"{path} {wrong}", right)


def _faults(
    entry: AttributeEntry, identifiers: set[str], kinds: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    """What an attribute says of itself and cannot be: key, what is wrong, what would be right."""
    is_open = entry.sealed is False
    if entry.ordered and (entry.many or not is_open):
        yield (
            "ordered",
            "is ordered and cannot be sorted by",
            "Only one open value can be; take 'ordered' out.",
        )
    if entry.identifier is not None:
        if entry.identifier not in identifiers:
            wrong = f"is the unknown identifier type {entry.identifier!r}"
            yield "identifier", wrong, nearest(entry.identifier, identifiers)
        if entry.type is not ValueType.STRING or entry.many:
            yield "type", "is an identifier and not one text", "Make it a String, without 'many'."
        if is_open:
            yield "sealed", "is an identifier and open", "Make it 'sealed: true'."
    if kinds and is_open:
        wrong = f"is {' and '.join(kinds)} data, which laws protect, and open"
        yield "sealed", wrong, "Make it 'sealed: true'."
    elif entry.sensitivity is Sensitivity.SPECIAL and is_open:
        yield "sealed", "is special (GDPR Art. 9) and open", "Make it 'sealed: true'."
    if entry.values and entry.type is not ValueType.STRING:
        yield "values", f"has values and is {entry.type}", "Values are for String; take them out."
    if len(set(entry.values)) < len(entry.values):
        yield "values", "names a value twice", "Name each once."


def _protection(entry: IdentifierEntry) -> Iterator[tuple[str, str, str]]:
    """What merge protection cannot be."""
    for pattern in entry.blocked:
        try:
            re.compile(pattern)
        except re.error as error:
            yield "blocked", f"blocks {pattern!r}, which is no regular expression ({error})", "Write one."
    if entry.within is None:
        return
    if entry.most is None:
        yield "within", "says 'within' and not how many", "Add 'most', or take it out."
    try:
        parse(entry.within)
    except ValueError:
        yield "within", f"counts within {entry.within!r}", "It takes an ISO 8601 duration, such as P7D."


def _ids(whole: Whole) -> Iterator[Problem]:
    known = whole.names("identifiers")
    for part, name, entry in whole.each("identifiers"):
        if entry.normalise not in NORMALISE:
            wrong, right = f"{entry.normalise!r} is not a rule", nearest(entry.normalise, NORMALISE)
            yield part.file.problem(("identifiers", name, "normalise"), wrong, right)
        for key, wrong, right in _protection(entry):
            yield part.file.problem(("identifiers", name, key), f"{name} {wrong}", right)
    for part, name, source in whole.each("sources"):
        for key, kind in (("user_id", source.user_id), ("anonymous_id", source.anonymous_id)):
            if kind not in known:
                wrong = f"{key} of {name!r} is the unknown identifier type {kind!r}"
                yield part.file.problem(("sources", name, key), wrong, nearest(kind, known))


_CHECKS: Iterable[Callable[[Whole], Iterator[Problem]]] = (
    _once,
    _purposes,
    _uses,
    _categories,
    _kept,
    _paths,
    _attributes,
    supplied,
    believed,
    received,
    computed,
    properties,
    _ids,
)
