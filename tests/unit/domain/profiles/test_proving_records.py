"""Which records count for a customer: those with a number, and corrections of these."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.domain.profiles.proving_records import select_proving_mentions, select_proving_records
from discretion.store.identifiers import NamedIdentifier, StoredIdentifier
from discretion.store.identities import IdentityStore
from discretion.store.source_record import SourceRecord


def build_record(
    name: bytes,
    customer: bytes,
    number: Assurance | None = None,
    corrects: bytes | None = None,
) -> SourceRecord:
    source = "web-shop" if corrects is None else CORRECTION_SOURCE.key
    return SourceRecord(name, source, customer, 1, 1, 1, 1, number_assurance=number, corrects=corrects)


ACCOUNT = build_record(b"account", b"ann", Assurance.PROVEN)
CARD = build_record(b"card", b"ann", Assurance.PRESENTED)
BROWSER = build_record(b"browser", b"ann")
OF_ACCOUNT = build_record(b"of-account", b"ann", corrects=b"account")
OF_BROWSER = build_record(b"of-browser", b"ann", corrects=b"browser")
ANONYMOUS = build_record(b"anonymous", b"bob")
OF_ANONYMOUS = build_record(b"of-anonymous", b"bob", corrects=b"anonymous")


def test_only_numbered_records_and_their_corrections_count_for_a_numbered_customer() -> None:
    """A correction of a browser is stated by whoever used the browser."""
    records = [BROWSER, ACCOUNT, OF_BROWSER, CARD, OF_ACCOUNT]
    assert select_proving_records(records) == [ACCOUNT, CARD, OF_ACCOUNT]


def test_all_records_count_for_a_customer_without_a_number() -> None:
    """Also beside the records of another customer who has one."""
    assert select_proving_records([ANONYMOUS, ACCOUNT, OF_ANONYMOUS]) == [ANONYMOUS, ACCOUNT, OF_ANONYMOUS]


async def test_a_mention_is_judged_by_the_numbered_records_of_its_customer() -> None:
    """Those that do not mention the identifier are read, and are not returned."""

    async def list_numbered(customers: set[bytes]) -> list[SourceRecord]:
        return [record for record in (ACCOUNT, CARD) if record.customer in customers]

    identities = cast(IdentityStore, SimpleNamespace(list_numbered=list_numbered))
    identifier = cast(StoredIdentifier, SimpleNamespace(entry=b"entry"))
    for records, expected in (
        ((BROWSER, OF_ACCOUNT, OF_BROWSER, ANONYMOUS), (OF_ACCOUNT, ANONYMOUS)),
        ((CARD, BROWSER), (CARD,)),
        ((ANONYMOUS,), (ANONYMOUS,)),
    ):
        selected = await select_proving_mentions(identities, NamedIdentifier(identifier, records))
        assert selected.records == expected
