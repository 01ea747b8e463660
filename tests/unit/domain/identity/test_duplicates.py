"""Pairs that share no identifier: what makes them alike, and that nothing of them leaves the process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from discretion.domain.identity.duplicates import comparison as comparing
from discretion.domain.identity.duplicates.comparison import Backend, Pair, Table, compare
from discretion.domain.identity.duplicates.match_rules import LIKENESS, THRESHOLD, Rule, graded, plain
from discretion.errors import Broken, Misconfigured

FEATURES = ("given_name", "family_name", "birth_date", "street", "city", "postal_code", "email", "phone")
HOME = ("Hauptstr. 5", "Berlin", "10115")
NOWHERE = (None, None, None)
PEOPLE = {
    "margarethe": ("Margarethe", "Albrecht", "1980-05-01", *HOME, "m.albrecht@a.example", "+4930111"),
    "margarete": ("Margarete", "Albrecht", "1980-05-01", "Hauptstraße 5", "Berlin", "10115", None, None),
    "her husband": ("Jan", "Albrecht", "1983-02-01", *HOME, None, None),
    "her namesake": ("Margarete", "Schmidt", "1955-05-11", "Weg 1", "Bonn", "53111", None, None),
    "ines": ("Ines", "Kowalski", "1990-12-01", *NOWHERE, "ines@b.example", None),
    "the wrong way round": ("Kowalski", "Ines", "1990-12-01", *NOWHERE, "inez@b.example", None),
    "born on her day": ("Peter", "Meyer", "1990-12-01", *NOWHERE, None, None),
    "her address after her name": ("Ines", "Kowalski", None, *NOWHERE, "ines.kowalski.0890@c.example", None),
    "a namesake's after his": ("Ines", "Kowalski", None, *NOWHERE, "ines.kowalski.7648@c.example", None),
    "known by name alone": ("Peter", "Meyer", None, *NOWHERE, None, None),
}


def table(people: Mapping[str, Sequence[str | None]], features: Sequence[str] = FEATURES) -> Table:
    """Records by their id."""
    columns = {name: [plain(one[i]) for one in people.values()] for i, name in enumerate(features)}
    return {"id": list(people), **columns}


def both(pair: Pair) -> frozenset[str]:
    return frozenset((pair.left, pair.right))


def test_the_misspelt_and_the_swapped_are_found_and_relatives_are_not() -> None:
    found = compare([table(PEOPLE)], LIKENESS, THRESHOLD)
    assert {both(one) for one in found} == {
        frozenset(("margarethe", "margarete")),
        frozenset(("ines", "the wrong way round")),
    }
    assert all(THRESHOLD <= one.score <= 1 for one in found)


def test_the_evidence_says_what_agreed_how_far_and_no_value() -> None:
    found = {both(one): one for one in compare([table(PEOPLE)], LIKENESS, THRESHOLD)}
    pair = found[frozenset(("margarethe", "margarete"))]
    assert {one.name: one.says for one in pair.evidence} == {
        "given_name": "spelled nearly the same",
        "family_name": "the same",
        "birth_date": "the same",
        "address": "roughly the same street and postal code",
    }
    assert pair.weight == pytest.approx(sum(one.weight for one in pair.evidence) - 14.6, abs=0.1)
    shown = repr(pair)
    assert not any(str(value).casefold() in shown.casefold() for value in PEOPLE["margarethe"] if value)


def test_the_same_records_have_the_same_figures_again() -> None:
    assert compare([table(PEOPLE)], LIKENESS, 0.01) == compare([table(PEOPLE)], LIKENESS, 0.01)


def test_without_a_feature_the_others_are_compared() -> None:
    """A catalogue may not have it; a comparison needs all it looks at."""
    known = LIKENESS.of({"given_name", "family_name", "birth_date"})
    assert [one.name for one in known.comparisons] == ["given_name", "family_name", "birth_date"]
    people = {name: values[:3] for name, values in PEOPLE.items()}
    found = compare([table(people, FEATURES[:3])], known, 0.9)
    assert frozenset(("margarethe", "margarete")) in {both(one) for one in found}
    assert {one.name for pair in found for one in pair.evidence} <= set(FEATURES[:3])
    assert compare([table(people, FEATURES[:3])], LIKENESS.of({"street"}), 0.1) == []


def test_a_word_that_is_changed_is_another_version() -> None:
    more = LIKENESS.and_also((graded("x", ("the same", 0.5, 0.1, Rule.SAME, 0)),), LIKENESS.blocks[0])
    assert LIKENESS.version == LIKENESS.of(FEATURES).version != more.version


def test_levels_leave_room_for_disagreement() -> None:
    """Probabilities of one comparison sum to one, and what is left is for those who differ."""
    for one in LIKENESS.comparisons:
        assert 0 < sum(level.m for level in one.levels) < 1, one.name
        assert 0 < sum(level.u for level in one.levels) < 1, one.name
        assert one.levels[0].m > one.levels[0].u, one.name


def test_no_value_is_written_to_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB may neither spill nor open a file; the folder it would spill to stays empty."""
    monkeypatch.chdir(tmp_path)
    api = comparing._api(Backend.DUCKDB)
    with pytest.raises(Exception, match="disabled by configuration"):
        api.duckdb_con.execute(f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'")
    with pytest.raises(Exception, match="disabled by configuration"):
        api.duckdb_con.execute("SET temp_directory = '.'")
    compare([table(PEOPLE)], LIKENESS, THRESHOLD)
    assert not list(tmp_path.iterdir())


def test_a_failure_tells_its_kind_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> list[Pair]:
        raise ValueError("Could not convert 'Albrecht'")

    monkeypatch.setattr(comparing, "_compared", fail)
    with pytest.raises(Broken, match="ValueError") as failure:
        compare([table(PEOPLE)], LIKENESS, THRESHOLD)
    assert failure.value.code == "COMPARISON_FAILED"
    assert "Albrecht" not in str(failure.value)
    assert failure.value.__cause__ is failure.value.__context__ is None


def test_what_does_not_fit_into_memory_is_said_and_not_spilled(monkeypatch: pytest.MonkeyPatch) -> None:
    small = comparing._api(Backend.DUCKDB)
    small.duckdb_con.execute("SET memory_limit = '3MB'")
    monkeypatch.setattr(comparing, "_api", lambda _: small)
    many = {
        f"{i}": (f"given{i % 7}", f"family{i % 3}", "1990-01-01", *NOWHERE, None, None) for i in range(5000)
    }
    with pytest.raises(Misconfigured) as failure:
        compare([table(many)], LIKENESS, THRESHOLD)
    assert failure.value.code == "MEMORY_TOO_SMALL"


def test_what_is_not_installed_is_said_with_how_to_install_it() -> None:
    with pytest.raises(Misconfigured) as missing:
        comparing.library("splink_of_tomorrow", "SPLINK_MISSING", comparing.INSTALL)
    assert missing.value.code == "SPLINK_MISSING"
    assert "pip install 'discretion[suggest]'" in missing.value.advice
