"""Pairs without a common identifier: what makes them match, and that no value leaves the process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from discretion.domain.identity.duplicates import comparison
from discretion.domain.identity.duplicates.comparison import (
    Backend,
    FeatureTable,
    MatchedPair,
    compare_records,
)
from discretion.domain.identity.duplicates.match_rules import (
    DEFAULT_THRESHOLD,
    MATCH_MODEL,
    AgreementRule,
    build_comparison,
    normalise_feature,
)
from discretion.errors import Broken, Misconfigured

FEATURES = ("given_name", "family_name", "birth_date", "street", "city", "postal_code", "email", "phone")
HOME = ("Hauptstr. 5", "Berlin", "10115")
NO_ADDRESS = (None, None, None)
PEOPLE = {
    "margarethe": ("Margarethe", "Albrecht", "1980-05-01", *HOME, "m.albrecht@a.example", "+4930111"),
    "margarete": ("Margarete", "Albrecht", "1980-05-01", "Hauptstraße 5", "Berlin", "10115", None, None),
    "her husband": ("Jan", "Albrecht", "1983-02-01", *HOME, None, None),
    "her namesake": ("Margarete", "Schmidt", "1955-05-11", "Weg 1", "Bonn", "53111", None, None),
    "ines": ("Ines", "Kowalski", "1990-12-01", *NO_ADDRESS, "ines@b.example", None),
    "the wrong way round": ("Kowalski", "Ines", "1990-12-01", *NO_ADDRESS, "inez@b.example", None),
    "born on her day": ("Peter", "Meyer", "1990-12-01", *NO_ADDRESS, None, None),
    "her address after her name": (
        "Ines",
        "Kowalski",
        None,
        *NO_ADDRESS,
        "ines.kowalski.0890@c.example",
        None,
    ),
    "a namesake's after his": ("Ines", "Kowalski", None, *NO_ADDRESS, "ines.kowalski.7648@c.example", None),
    "known by name alone": ("Peter", "Meyer", None, *NO_ADDRESS, None, None),
}


def build_table(
    people: Mapping[str, Sequence[str | None]], features: Sequence[str] = FEATURES
) -> FeatureTable:
    """Build a table of records by their id."""
    columns = {
        name: [normalise_feature(values[index]) for values in people.values()]
        for index, name in enumerate(features)
    }
    return {"id": list(people), **columns}


def pair_ids(pair: MatchedPair) -> frozenset[str]:
    return frozenset((pair.left, pair.right))


def test_misspelt_and_swapped_names_match_and_relatives_do_not() -> None:
    pairs = compare_records([build_table(PEOPLE)], MATCH_MODEL, DEFAULT_THRESHOLD)
    assert {pair_ids(pair) for pair in pairs} == {
        frozenset(("margarethe", "margarete")),
        frozenset(("ines", "the wrong way round")),
    }
    assert all(DEFAULT_THRESHOLD <= pair.score <= 1 for pair in pairs)


def test_evidence_names_features_and_levels_and_no_value() -> None:
    pairs_by_ids = {
        pair_ids(match): match
        for match in compare_records([build_table(PEOPLE)], MATCH_MODEL, DEFAULT_THRESHOLD)
    }
    pair = pairs_by_ids[frozenset(("margarethe", "margarete"))]
    assert {item.name: item.level for item in pair.evidence} == {
        "given_name": "spelled nearly the same",
        "family_name": "the same",
        "birth_date": "the same",
        "address": "roughly the same street and postal code",
    }
    assert pair.weight == pytest.approx(sum(item.weight for item in pair.evidence) - 14.6, abs=0.1)
    shown = repr(pair)
    assert not any(str(value).casefold() in shown.casefold() for value in PEOPLE["margarethe"] if value)


def test_the_same_records_always_have_the_same_scores() -> None:
    assert compare_records([build_table(PEOPLE)], MATCH_MODEL, 0.01) == compare_records(
        [build_table(PEOPLE)], MATCH_MODEL, 0.01
    )


def test_without_a_feature_the_others_are_compared() -> None:
    """A catalogue may lack a feature; a comparison needs every feature it uses."""
    model = MATCH_MODEL.restrict_to({"given_name", "family_name", "birth_date"})
    assert [rule.name for rule in model.comparisons] == ["given_name", "family_name", "birth_date"]
    people = {name: values[:3] for name, values in PEOPLE.items()}
    pairs = compare_records([build_table(people, FEATURES[:3])], model, 0.9)
    assert frozenset(("margarethe", "margarete")) in {pair_ids(pair) for pair in pairs}
    assert {item.name for pair in pairs for item in pair.evidence} <= set(FEATURES[:3])
    assert (
        compare_records([build_table(people, FEATURES[:3])], MATCH_MODEL.restrict_to({"street"}), 0.1) == []
    )


def test_a_changed_model_has_another_version() -> None:
    extended = MATCH_MODEL.extend(
        (build_comparison("x", ("the same", 0.5, 0.1, AgreementRule.SAME, 0)),), MATCH_MODEL.blocks[0]
    )
    assert MATCH_MODEL.version == MATCH_MODEL.restrict_to(FEATURES).version != extended.version


def test_levels_leave_room_for_disagreement() -> None:
    """The probabilities of one comparison's levels sum to less than one; the rest is disagreement."""
    for rule in MATCH_MODEL.comparisons:
        assert 0 < sum(level.m for level in rule.levels) < 1, rule.name
        assert 0 < sum(level.u for level in rule.levels) < 1, rule.name
        assert rule.levels[0].m > rule.levels[0].u, rule.name


def test_no_value_is_written_to_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB can neither spill nor open a file; the folder it would spill to stays empty."""
    monkeypatch.chdir(tmp_path)
    api = comparison._build_api(Backend.DUCKDB)
    with pytest.raises(Exception, match="disabled by configuration"):
        api.duckdb_con.execute(f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'")
    with pytest.raises(Exception, match="disabled by configuration"):
        api.duckdb_con.execute("SET temp_directory = '.'")
    compare_records([build_table(PEOPLE)], MATCH_MODEL, DEFAULT_THRESHOLD)
    assert not list(tmp_path.iterdir())


def test_a_failure_names_the_error_type_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> list[MatchedPair]:
        raise ValueError("Could not convert 'Albrecht'")

    monkeypatch.setattr(comparison, "_find_pairs", fail)
    with pytest.raises(Broken, match="ValueError") as failure:
        compare_records([build_table(PEOPLE)], MATCH_MODEL, DEFAULT_THRESHOLD)
    assert failure.value.code == "COMPARISON_FAILED"
    assert "Albrecht" not in str(failure.value)
    assert failure.value.__cause__ is failure.value.__context__ is None


def test_too_little_memory_is_reported_and_nothing_is_spilled(monkeypatch: pytest.MonkeyPatch) -> None:
    limited_api = comparison._build_api(Backend.DUCKDB)
    limited_api.duckdb_con.execute("SET memory_limit = '3MB'")
    monkeypatch.setattr(comparison, "_build_api", lambda _: limited_api)
    people = {
        f"{number}": (f"given{number % 7}", f"family{number % 3}", "1990-01-01", *NO_ADDRESS, None, None)
        for number in range(5000)
    }
    with pytest.raises(Misconfigured) as failure:
        compare_records([build_table(people)], MATCH_MODEL, DEFAULT_THRESHOLD)
    assert failure.value.code == "MEMORY_TOO_SMALL"
