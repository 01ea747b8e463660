"""Links of a record: only what was proven or presented, from its first proof until it is replaced."""

from __future__ import annotations

import pytest

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.link import list_links
from discretion.store.source_record import RecordIdentifier, SourceRecord, StatedPeriod

TYPES = {
    "email": IdentifierType("email", "email", "", "", verified_by="emailVerified"),
    "cookie": IdentifierType("cookie", "token", "", ""),
}
OLD, NEW = b"old", b"new"


def build_record(*identifiers: RecordIdentifier, removed: StatedPeriod | None = None) -> SourceRecord:
    """Build a record that names identifiers, and may have stated that it has no address."""
    record = SourceRecord(b"r", "web-shop", b"c", 1, 1, 1, 1, identifiers=identifiers)
    record.removals = {} if removed is None else {"email": removed}
    return record


def build_address(
    entry: bytes, first: int, last: int, assurance: Assurance = Assurance.PROVEN
) -> RecordIdentifier:
    """Build an address that was stated from a first to a last time."""
    return RecordIdentifier(entry, "email", {assurance: first}, b"", stated=StatedPeriod(first, last))


def list_periods(record: SourceRecord) -> dict[bytes, tuple[int, int | None]]:
    """Return by identifier the period of its link."""
    return {link.entry: (link.since, link.until) for link in list_links(record, TYPES)}


def test_claims_and_unknown_types_are_no_links() -> None:
    """A claim before the proof does not make the link older."""
    claimed = RecordIdentifier(OLD, "email", {Assurance.CLAIMED: 1}, b"")
    proven_later = RecordIdentifier(NEW, "email", {Assurance.CLAIMED: 1, Assurance.PROVEN: 5}, b"")
    unknown = RecordIdentifier(b"x", "fax", {Assurance.PROVEN: 1}, b"")
    assert list_periods(build_record(claimed, proven_later, unknown)) == {NEW: (5, None)}


@pytest.mark.parametrize(
    ("old", "new", "until"),
    [
        ((1, 4), (6, 6), 6),  # replaced by the first statement of the new one
        ((1, 9), (6, 6), None),  # stated again after it
        ((3, 5), (1, 9), 6),  # the new one was there before: right after the last statement
        ((1, 4), (4, 4), None),  # both at the same time
    ],
)
def test_an_address_is_replaced_by_a_later_statement(
    old: tuple[int, int], new: tuple[int, int], until: int | None
) -> None:
    record = build_record(build_address(OLD, *old), build_address(NEW, *new))
    assert list_periods(record)[OLD] == (old[0], until)


def test_a_claim_of_another_address_replaces_a_proven_one() -> None:
    """The source says that the address is another one now, whoever it belongs to."""
    record = build_record(build_address(OLD, 1, 4), build_address(NEW, 6, 6, Assurance.CLAIMED))
    assert list_periods(record) == {OLD: (1, 6)}


def test_a_statement_that_there_is_no_address_replaces_it() -> None:
    record = build_record(build_address(OLD, 1, 4), removed=StatedPeriod(7, 9))
    assert list_periods(record) == {OLD: (1, 7)}


def test_a_cookie_is_never_replaced() -> None:
    """A person has several devices at the same time."""
    cookies = [
        RecordIdentifier(entry, "cookie", {Assurance.PRESENTED: at}, b"", stated=StatedPeriod(at, at))
        for at, entry in enumerate((OLD, NEW))
    ]
    assert list_periods(build_record(*cookies)) == {OLD: (0, None), NEW: (1, None)}
