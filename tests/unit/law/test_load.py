"""A broken jurisdiction is refused with file, line, what is wrong and what would be right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from discretion.errors import Misconfigured
from discretion.law.load import load
from tests.unit.law.small_law import CATALOGUE, SMALL, UNKNOWN, book, written


@dataclass(frozen=True)
class Break:
    """``old`` becomes ``new`` in at.yaml; the message is about the line where ``at`` stands."""

    name: str
    old: str
    new: str
    wrong: str
    right: str
    at: str = ""


HEALTH = "{kinds: [health], model: opt_out, from: 2020-01-01, source: Art. 3}"
RESPOND = "{rights: [access], step: respond, within: 45 cd, from: 2020-01-01, source: Art. 8}"
AGE = "{below: 16, needs: guardian, families: [sharing], from: 2020-01-01, source: Art. 4}"

BREAKS = (
    # shape
    Break("unknown key", "label: Small", "lable: Small", "unknown key 'lable'", "mean 'label'?"),
    Break("key left out", "law: The small law\n", "", "has no 'law'", "the name of the law", "label:"),
    Break("no source", ", source: Art. 3", "", "no 'source'", "the article of law", "  - {kinds"),
    Break("no date", "from: 2020-01-01, source: Art. 3", "source: Art. 3", "no 'from'", "such as 2018-05-25"),
    Break(
        "not a date", "from: 2020-01-01, source: Art. 3", "from: 2020, source: Art. 3", "'2020'", "2026-01-31"
    ),
    Break(
        "no such day",
        "from: 2020-01-01, source: Art. 4",
        "from: 2023-02-29, source: A",
        "2023-02-29",
        "a date",
    ),
    Break("no such model", "model: opt_out, from", "model: optout, from", "'optout'", "mean 'opt_out'?"),
    Break("no such family", "families: [sharing]\n", "families: [sharin]\n", "'sharin'", "mean 'sharing'?"),
    Break("no such need", "needs: guardian", "needs: gardian", "'gardian'", "mean 'guardian'?"),
    Break(
        "no such right", "  - {rights: [access], from", "  - {rights: [acess], from", "'acess'", "'access'?"
    ),
    Break("no such step", "step: respond", "step: responde", "'responde'", "mean 'respond'?"),
    Break("no length", "within: 45 cd", "within: 45 days", "'45 days'", "45 cd, 15 bd, 1 mo or at_once"),
    Break("no number", "within: 45 cd", "within: 0 cd", "'0 cd'", "45 cd, 15 bd"),
    Break("too old", "below: 16", "below: 21", "'21'", "at most 18"),
    Break("not a boolean", "bind: false", "bind: perhaps", "'perhaps'", "true or false"),
    Break("a key twice", "law: The small law", "label: Small", "'label' stands twice", "keep one"),
    # names
    Break("no such zone", "Europe/Vienna", "Europe/Viena", "not an IANA time zone", "'Europe/Vienna'?"),
    Break("no holidays there", "holidays: AT", "holidays: XX", "no holidays of 'XX'", "GB-ENG"),
    Break("no such kind", "kinds: [health]", "kinds: [helth]", "'helth' is not a sens", "'health'?"),
    Break("no code", "places: [AT]", "places: [AT, Austria]", "'Austria' is not the code", "such as DE"),
    Break("no place", "places: [AT]\n", "", "at has no places", "ISO 3166", "label:"),
    Break("name of elsewhere", "  AT: [Austria]", "  DE: [Germany]", "'DE' is not a place of at", "AT"),
    Break("age of elsewhere", "below: 16,", "below: 16, places: [DE],", "'DE' is not a place", "AT"),
    # what must be ruled
    Break("a family left out", "security, ", "", "no rule of consent for security", "'consent:'", "consent:"),
    Break("unsure without note", HEALTH, HEALTH[:-1] + ", confidence: unsure}", "is unsure", "'note:'"),
    Break("probable without note", AGE, AGE[:-1] + ", confidence: probable}", "is probable", "'note:'"),
    Break("ends before", HEALTH, HEALTH[:-1] + ", until: 2019-01-01}", "until 2019-01-01", "for a day"),
    Break(
        "a family that ends",
        "    model: opt_out\n",
        "    model: opt_out\n    until: 2021-01-01\n",
        "no rule of consent for sharing from 2021-01-01",
        "at all times",
        "consent:",
    ),
    Break(
        "two of one day",
        f"  - {HEALTH}",
        f"  - {HEALTH}\n  -   {HEALTH}",
        "two rules about health",
        "line 19",
        "  -   {",
    ),
    Break(
        "no such entitlement",
        "rights: [access], step",
        "rights: [erasure], step",
        "no right 'erasure'",
        "access",
    ),
    Break("longer than nothing", "step: respond", "step: extend", "makes nothing longer", "'respond'"),
    Break(
        "an extension at once",
        f"  - {RESPOND}",
        f"  - {RESPOND}\n  - {RESPOND.replace('respond', 'extend').replace('45 cd', 'at_once')}",
        "an extension is at once",
        "such as 45 cd",
        "  - {rights: [access], step: extend",
    ),
    Break(
        "uncounted", "holidays: AT\n", "", "no holidays named", "'holidays:'", "  - {rights: [access], step"
    ),
)


@pytest.mark.parametrize("case", BREAKS, ids=lambda case: case.name)
def test_a_broken_file_is_told_by_file_line_wrong_and_right(case: Break, tmp_path: Path) -> None:
    start = SMALL if case.name != "uncounted" else SMALL.replace("45 cd", "15 bd")
    assert case.old in start
    text = start.replace(case.old, case.new, 1)
    line = text[: text.index(case.at) if case.at else _differing(start, text)].count("\n") + 1
    with pytest.raises(Misconfigured) as caught:
        book(tmp_path, text)
    assert caught.value.code == "JURISDICTIONS_INVALID"
    told = [one for one in str(caught.value).splitlines() if f"at.yaml:{line}: " in one]
    assert any(case.wrong in one and case.right in one.partition(case.wrong)[2] for one in told), caught.value


STRICTNESS = (
    ("consent", "model: opt_in\n", "model: opt_out\n", "opt_in", "consent for sharing"),
    ("kinds", "kinds: [health, criminal]", "kinds: [criminal]", "", "sensitive health"),
    (
        "sensitive",
        "criminal], model: opt_in",
        "criminal], model: opt_out",
        "[health], model: opt_in",
        "health",
    ),
    ("age", "below: 18", "below: 15", "", "age below 16 for sharing"),
    ("needs", "needs: never", "needs: own", "", "age below 16 for sharing"),
    ("signals", "bind: true", "bind: false", "bind: true", "signals"),
    ("renewal", "anew: true", "anew: false", "anew: true", "renewal"),
    ("time", "within: 10 cd", "within: 90 cd", "", "respond access"),
)


@pytest.mark.parametrize(("name", "old", "new", "small", "wrong"), STRICTNESS, ids=lambda one: str(one)[:9])
def test_unknown_must_stay_the_strictest(
    name: str, old: str, new: str, small: str, wrong: str, tmp_path: Path
) -> None:
    """Where ``unknown`` is made laxer than the small law in one rule, that rule is told."""
    law = {
        "consent": SMALL.replace("model: opt_out\n", "model: opt_in\n"),
        "sensitive": SMALL.replace("[health], model: opt_out", small),
        "signals": SMALL.replace("bind: false", small),
        "renewal": SMALL.replace("anew: false", small),
    }.get(name, SMALL)
    assert old in UNKNOWN
    book(tmp_path, law)
    with pytest.raises(Misconfigured) as caught:
        book(tmp_path, law, UNKNOWN.replace(old, new))
    assert (
        f"unknown.yaml:1: unknown is laxer than at in {'' if name != 'sensitive' else 'sensitive '}"
        in str(caught.value)
    )
    assert wrong in str(caught.value)


def test_a_right_that_unknown_does_not_give_is_told(tmp_path: Path) -> None:
    small = SMALL.replace("[access], from", "[access, erasure], from")
    with pytest.raises(Misconfigured, match="unknown is laxer than at in the right erasure"):
        book(tmp_path, small)


def test_unknown_makes_nothing_longer(tmp_path: Path) -> None:
    """Somewhere an extension is unlawful, and that may be where the person lives."""
    longer = "  - {rights: [access], step: extend, within: 5 cd, from: 1970-01-01, source: All}\n"
    with pytest.raises(Misconfigured, match="unknown is laxer than at in extend access"):
        book(tmp_path, SMALL, UNKNOWN + longer)


def test_without_unknown_nothing_loads(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "unknown.yaml").unlink()
    with pytest.raises(Misconfigured, match="no file is the jurisdiction 'unknown'"):
        load(tmp_path, CATALOGUE)


def test_one_place_has_one_law(tmp_path: Path) -> None:
    (tmp_path / "de.yaml").write_text(SMALL, "utf-8")
    with pytest.raises(Misconfigured, match=r"de\.yaml:6: 'AT' is a place of at too"):
        book(tmp_path)


def test_a_country_with_several_laws_is_nobodys_place(tmp_path: Path) -> None:
    """Who lives somewhere in it may live where the other law holds."""
    (tmp_path / "at-9.yaml").write_text(
        SMALL.replace("[AT]\n", "[AT-9]\n").replace("  AT:", "  AT-9:"), "utf-8"
    )
    with pytest.raises(
        Misconfigured, match=r"at\.yaml:6: 'AT' is a place of at, and 'AT-9' of at-9\. .* list its"
    ):
        book(tmp_path)


def test_a_name_leads_to_one_place(tmp_path: Path) -> None:
    (tmp_path / "de.yaml").write_text(SMALL.replace("[AT]\n", "[DE]\n").replace("  AT:", "  DE:"), "utf-8")
    with pytest.raises(Misconfigured, match=r"de\.yaml:8: 'Austria' is AT and DE"):
        book(tmp_path)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = SMALL.replace("Vienna", "Wien").replace("[health]", "[helth]").replace("opt_out,", "optout,")
    with pytest.raises(Misconfigured) as caught:
        book(tmp_path, text, UNKNOWN.replace("bind: true", "bind: yes, really: no"))
    assert len(str(caught.value).splitlines()) == 1 + 3
    assert "optout" in str(caught.value)
    assert "'really'" in str(caught.value)


def _differing(old: str, new: str) -> int:
    """Where two texts begin to differ; that is in the first line that is new."""
    return next(index for index, (a, b) in enumerate(zip(old, new + "\0" * len(old), strict=False)) if a != b)
