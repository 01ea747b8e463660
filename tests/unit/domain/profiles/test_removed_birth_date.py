"""A source that no longer states a birth date takes no protection from a child."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.domain.ingest.message import Fact
from discretion.domain.profiles.person_state import build_person_state
from discretion.domain.profiles.source_record import apply_fact, build_source_record, parse_utc_midnight
from discretion.law.model import UNKNOWN
from discretion.seal.redacted import Redacted
from discretion.store.source_record import Cell, SourceRecord
from discretion.store.source_record_codec import build_record_document, parse_record
from tests.fixtures.platform import read_shipped_catalogue
from tests.unit.domain.profiles.test_fold import PERSON

CATALOGUE = read_shipped_catalogue()
BIRTH_DATE = CATALOGUE.attributes["demographics.birthDate"]
NOW = parse_utc_midnight("2026-11-01")
CHILD, YOUNGER, ADULT = "2014-05-06", "2016-05-06", "1980-05-06"


def build_fact(at: int, day: str | None) -> Fact:
    """Return a message that states a birth date, or that there is none."""
    value = (BIRTH_DATE, Redacted(day))
    return Fact(CATALOGUE.sources["web-shop"], f"m{at}", at, NOW, (PERSON,), values=(value,))


def build_record(*facts: Fact) -> SourceRecord:
    """Return a record after these messages."""
    record = build_source_record(b"r" * 16, facts[0], b"c" * 16)
    for fact in facts:
        apply_fact(record, fact, CATALOGUE, lambda _key, _at, value: str(value).encode(), {})
    return record


def find_birth(*records: SourceRecord) -> int | None:
    """Return the birth time that laws go by."""
    return build_person_state(CATALOGUE, lambda _country, _region: UNKNOWN, records).born_at


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((CHILD, None), CHILD),
        ((CHILD, YOUNGER, None), YOUNGER),
        ((CHILD, None, None), CHILD),
        ((CHILD, None, ADULT), None),
        ((CHILD, ADULT, None), None),
        ((ADULT, CHILD, None), CHILD),
        ((None, CHILD, None), CHILD),
        ((None,), None),
    ],
)
def test_a_removed_birth_date_protects_until_another_one_is_stated(
    days: tuple[str | None, ...], expected: str | None
) -> None:
    """In whatever order the messages come; the value itself is gone."""
    facts = [build_fact(at, day) for at, day in enumerate(days, start=1)]
    records = [build_record(*order) for order in permutations(facts)]
    for record in records:
        assert find_birth(record) == (None if expected is None else parse_utc_midnight(expected))
        assert record.cells[BIRTH_DATE.key].is_empty is (days[-1] is None)
        assert record.cells == records[0].cells
        assert parse_record(build_record_document(record)).cells == record.cells


def test_a_correction_that_removes_the_date_makes_no_child_an_adult() -> None:
    """A correction to another date, which needs evidence, does."""
    child = build_record(build_fact(1, CHILD))
    own = replace(child, id=b"o" * 16, source=CORRECTION_SOURCE.key, cells={BIRTH_DATE.key: Cell(9, "q")})
    assert find_birth(child, own) == parse_utc_midnight(CHILD)
    corrected = replace(own, cells={BIRTH_DATE.key: Cell(9, "q", sealed=b"adult")})
    assert find_birth(child, corrected) is None
