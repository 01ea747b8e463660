"""An address is spelled as the record spells it that has proven it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from discretion.catalogue.assurance import Assurance
from discretion.domain.requests.proven_spelling import AddressSpellings
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.store.identities import IdentityStore
from discretion.store.source_record import Cell, RecordIdentifier, SourceRecord
from tests.fixtures.platform import read_shipped_catalogue

CATALOGUE = read_shipped_catalogue()
(EMAIL_KEY,) = (each.key for each in CATALOGUE.attributes.values() if each.identifier == "email")
ENTRY, ADDRESS, PROVEN_SPELLING = b"entry", "ann@shop.example", "Ann@shop.example"


def build_record(
    name: bytes, assurance: Assurance, spelling: str, *, is_claimed: bool = False
) -> SourceRecord:
    """Return a record that spells the address; cells are not sealed here."""
    identifier = RecordIdentifier(ENTRY, "email", {assurance: 1}, ADDRESS.encode())
    cell = Cell(1, "message", sealed=spelling.encode(), is_claimed=is_claimed)
    return SourceRecord(
        name, "web-shop", b"c", 1, 1, 1, 1, identifiers=(identifier,), cells={EMAIL_KEY: cell}
    )


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (build_record(b"1", Assurance.CLAIMED, "ANN@shop.example", is_claimed=True), PROVEN_SPELLING),
        (build_record(b"1", Assurance.CLAIMED, "ANN@shop.example"), PROVEN_SPELLING),
        # Proven once, and claimed in another spelling since.
        (build_record(b"1", Assurance.PROVEN, "ANN@shop.example", is_claimed=True), PROVEN_SPELLING),
        (build_record(b"1", Assurance.PROVEN, "Bob@shop.example"), PROVEN_SPELLING),
        (build_record(b"1", Assurance.PROVEN, "aNN@shop.example"), "aNN@shop.example"),
    ],
)
async def test_only_what_a_record_says_that_has_proven_the_address_counts(
    other: SourceRecord, expected: str
) -> None:
    records = [other, build_record(b"2", Assurance.PROVEN, PROVEN_SPELLING)]

    async def list_spellings(_customer: bytes, _attributes: set[str]) -> list[SourceRecord]:
        return records

    def reveal_cell(_row: CustomerRow, cell: bytes, _key: str, label: str) -> str:
        assert label == "contact"
        return cell.decode()

    identities = cast(IdentityStore, SimpleNamespace(list_spellings=list_spellings))
    reading = cast(Reading, SimpleNamespace(reveal_cell=reveal_cell))
    row = cast(CustomerRow, SimpleNamespace(id=b"c"))
    revealed = await AddressSpellings(identities, CATALOGUE).reveal(reading, row, records, {ENTRY: 1})
    assert revealed == [(ENTRY, expected)]
