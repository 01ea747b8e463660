"""A broken jurisdiction is refused; the message names file, line, problem and correction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from discretion.errors import Misconfigured
from discretion.law.load import load_lawbook
from tests.unit.law.small_law import (
    CATALOGUE,
    SMALL_LAW,
    UNKNOWN_LAW,
    load_small_lawbook,
    write_jurisdictions,
)


@dataclass(frozen=True)
class BrokenCase:
    """One change of at.yaml.

    ``valid_text`` becomes ``broken_text``; the problem is reported for the line of ``marker``,
    by default for the first new line."""

    name: str
    valid_text: str
    broken_text: str
    problem: str
    correction: str
    marker: str = ""


HEALTH = "{kinds: [health], model: opt_out, from: 2020-01-01, source: Art. 3}"
RESPOND = "{rights: [access], step: respond, within: 45 cd, from: 2020-01-01, source: Art. 8}"
AGE = "{below: 16, needs: guardian, families: [sharing], from: 2020-01-01, source: Art. 4}"

BROKEN_CASES = (
    # shape
    BrokenCase("unknown key", "label: Small", "lable: Small", "unknown key 'lable'", "mean 'label'?"),
    BrokenCase("key left out", "law: The small law\n", "", "has no 'law'", "the name of the law", "label:"),
    BrokenCase("no source", ", source: Art. 3", "", "no 'source'", "the article of law", "  - {kinds"),
    BrokenCase(
        "no date", "from: 2020-01-01, source: Art. 3", "source: Art. 3", "no 'from'", "such as 2018-05-25"
    ),
    BrokenCase(
        "not a date", "from: 2020-01-01, source: Art. 3", "from: 2020, source: Art. 3", "'2020'", "2026-01-31"
    ),
    BrokenCase(
        "no such day",
        "from: 2020-01-01, source: Art. 4",
        "from: 2023-02-29, source: A",
        "2023-02-29",
        "a date",
    ),
    BrokenCase("no such model", "model: opt_out, from", "model: optout, from", "'optout'", "mean 'opt_out'?"),
    BrokenCase(
        "no such family", "families: [sharing]\n", "families: [sharin]\n", "'sharin'", "mean 'sharing'?"
    ),
    BrokenCase("no such need", "needs: guardian", "needs: gardian", "'gardian'", "mean 'guardian'?"),
    BrokenCase(
        "no such right", "  - {rights: [access], from", "  - {rights: [acess], from", "'acess'", "'access'?"
    ),
    BrokenCase("no such step", "step: respond", "step: responde", "'responde'", "mean 'respond'?"),
    BrokenCase("no length", "within: 45 cd", "within: 45 days", "'45 days'", "45 cd, 15 bd, 1 mo or at_once"),
    BrokenCase("no number", "within: 45 cd", "within: 0 cd", "'0 cd'", "45 cd, 15 bd"),
    BrokenCase("too old", "below: 16", "below: 21", "'21'", "at most 18"),
    BrokenCase("not a boolean", "bind: false", "bind: perhaps", "'perhaps'", "true or false"),
    BrokenCase("a key twice", "law: The small law", "label: Small", "'label' is declared twice", "keep one"),
    # names
    BrokenCase("no such zone", "Europe/Vienna", "Europe/Viena", "not an IANA time zone", "'Europe/Vienna'?"),
    BrokenCase("no holidays there", "holidays: AT", "holidays: XX", "no holidays of 'XX'", "GB-ENG"),
    BrokenCase("no such kind", "kinds: [health]", "kinds: [helth]", "'helth' is not a sens", "'health'?"),
    BrokenCase("no code", "places: [AT]", "places: [AT, Austria]", "'Austria' is not the code", "such as DE"),
    BrokenCase("no place", "places: [AT]\n", "", "at has no places", "ISO 3166", "label:"),
    BrokenCase("name of elsewhere", "  AT: [Austria]", "  DE: [Germany]", "'DE' is not a place of at", "AT"),
    BrokenCase("age of elsewhere", "below: 16,", "below: 16, places: [DE],", "'DE' is not a place", "AT"),
    # required rules
    BrokenCase(
        "a family left out", "security, ", "", "no rule of consent for security", "'consent:'", "consent:"
    ),
    BrokenCase("unsure without note", HEALTH, HEALTH[:-1] + ", confidence: unsure}", "is unsure", "'note:'"),
    BrokenCase("probable without note", AGE, AGE[:-1] + ", confidence: probable}", "is probable", "'note:'"),
    BrokenCase(
        "ends before",
        HEALTH,
        HEALTH[:-1] + ", until: 2019-01-01}",
        "until 2019-01-01",
        "for at least one day",
    ),
    BrokenCase(
        "a family that ends",
        "    model: opt_out\n",
        "    model: opt_out\n    until: 2021-01-01\n",
        "no rule of consent for sharing from 2021-01-01",
        "at all times",
        "consent:",
    ),
    BrokenCase(
        "two of one day",
        f"  - {HEALTH}",
        f"  - {HEALTH}\n  -   {HEALTH}",
        "two rules about health",
        "line 19",
        "  -   {",
    ),
    BrokenCase(
        "no such entitlement",
        "rights: [access], step",
        "rights: [erasure], step",
        "not give the right 'erasure'",
        "access",
    ),
    BrokenCase(
        "longer than nothing", "step: respond", "step: extend", "has no deadline to extend", "'respond'"
    ),
    BrokenCase(
        "an extension at once",
        f"  - {RESPOND}",
        f"  - {RESPOND}\n  - {RESPOND.replace('respond', 'extend').replace('45 cd', 'at_once')}",
        "an extension has no length",
        "such as 45 cd",
        "  - {rights: [access], step: extend",
    ),
    BrokenCase(
        "uncounted",
        "holidays: AT\n",
        "",
        "no holidays are named",
        "'holidays:'",
        "  - {rights: [access], step",
    ),
)


@pytest.mark.parametrize("case", BROKEN_CASES, ids=lambda case: case.name)
def test_a_broken_file_is_reported_with_line_problem_and_correction(case: BrokenCase, tmp_path: Path) -> None:
    start = SMALL_LAW if case.name != "uncounted" else SMALL_LAW.replace("45 cd", "15 bd")
    assert case.valid_text in start
    text = start.replace(case.valid_text, case.broken_text, 1)
    line_number = (
        text[: text.index(case.marker) if case.marker else _find_difference(start, text)].count("\n") + 1
    )
    with pytest.raises(Misconfigured) as refusal:
        load_small_lawbook(tmp_path, text)
    assert refusal.value.code == "JURISDICTIONS_INVALID"
    reported = [
        message for message in str(refusal.value).splitlines() if f"at.yaml:{line_number}: " in message
    ]
    assert any(
        case.problem in message and case.correction in message.partition(case.problem)[2]
        for message in reported
    ), refusal.value


STRICTNESS_CASES = (
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


@pytest.mark.parametrize(
    ("rule_name", "strict", "lax", "small_rule", "problem"),
    STRICTNESS_CASES,
    ids=lambda value: str(value)[:9],
)
def test_unknown_must_stay_the_strictest(
    rule_name: str, strict: str, lax: str, small_rule: str, problem: str, tmp_path: Path
) -> None:
    """If ``unknown`` is laxer than the small law in one rule, that rule is reported."""
    law = {
        "consent": SMALL_LAW.replace("model: opt_out\n", "model: opt_in\n"),
        "sensitive": SMALL_LAW.replace("[health], model: opt_out", small_rule),
        "signals": SMALL_LAW.replace("bind: false", small_rule),
        "renewal": SMALL_LAW.replace("anew: false", small_rule),
    }.get(rule_name, SMALL_LAW)
    assert strict in UNKNOWN_LAW
    load_small_lawbook(tmp_path, law)
    with pytest.raises(Misconfigured) as refusal:
        load_small_lawbook(tmp_path, law, UNKNOWN_LAW.replace(strict, lax))
    assert (
        f"unknown.yaml:1: unknown is laxer than at in {'' if rule_name != 'sensitive' else 'sensitive '}"
        in str(refusal.value)
    )
    assert problem in str(refusal.value)


def test_a_right_that_unknown_does_not_give_is_reported(tmp_path: Path) -> None:
    small = SMALL_LAW.replace("[access], from", "[access, erasure], from")
    with pytest.raises(Misconfigured, match="unknown is laxer than at in the right erasure"):
        load_small_lawbook(tmp_path, small)


def test_unknown_has_no_extension(tmp_path: Path) -> None:
    """Some laws allow no extension, and the person may live under one of them."""
    extension = "  - {rights: [access], step: extend, within: 5 cd, from: 1970-01-01, source: All}\n"
    with pytest.raises(Misconfigured, match="unknown is laxer than at in extend access"):
        load_small_lawbook(tmp_path, SMALL_LAW, UNKNOWN_LAW + extension)


def test_without_unknown_no_lawbook_is_loaded(tmp_path: Path) -> None:
    write_jurisdictions(tmp_path)
    (tmp_path / "unknown.yaml").unlink()
    with pytest.raises(Misconfigured, match="there is no jurisdiction 'unknown'"):
        load_lawbook(tmp_path, CATALOGUE)


def test_one_place_has_one_law(tmp_path: Path) -> None:
    (tmp_path / "de.yaml").write_text(SMALL_LAW, "utf-8")
    with pytest.raises(Misconfigured, match=r"de\.yaml:6: 'AT' is also a place of at"):
        load_small_lawbook(tmp_path)


def test_a_country_with_several_laws_is_not_a_place(tmp_path: Path) -> None:
    """A person who lives somewhere in it may live where the other law applies."""
    (tmp_path / "at-9.yaml").write_text(
        SMALL_LAW.replace("[AT]\n", "[AT-9]\n").replace("  AT:", "  AT-9:"), "utf-8"
    )
    with pytest.raises(
        Misconfigured, match=r"at\.yaml:6: 'AT' is a place of at, and 'AT-9' of at-9\. .* list its"
    ):
        load_small_lawbook(tmp_path)


def test_a_name_stands_for_one_place(tmp_path: Path) -> None:
    (tmp_path / "de.yaml").write_text(
        SMALL_LAW.replace("[AT]\n", "[DE]\n").replace("  AT:", "  DE:"), "utf-8"
    )
    with pytest.raises(Misconfigured, match=r"de\.yaml:8: 'Austria' is AT and DE"):
        load_small_lawbook(tmp_path)


def test_all_problems_are_reported_together(tmp_path: Path) -> None:
    text = SMALL_LAW.replace("Vienna", "Wien").replace("[health]", "[helth]").replace("opt_out,", "optout,")
    with pytest.raises(Misconfigured) as refusal:
        load_small_lawbook(tmp_path, text, UNKNOWN_LAW.replace("bind: true", "bind: yes, really: no"))
    assert len(str(refusal.value).splitlines()) == 1 + 3
    assert "optout" in str(refusal.value)
    assert "'really'" in str(refusal.value)


def _find_difference(valid: str, broken: str) -> int:
    """Return where two texts begin to differ, which is in the first new line."""
    return next(
        index
        for index, (valid_character, broken_character) in enumerate(
            zip(valid, broken + "\0" * len(valid), strict=False)
        )
        if valid_character != broken_character
    )
