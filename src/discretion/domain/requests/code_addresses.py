"""E-mail addresses that may receive a code which opens a customer's data.

Whoever types an address claims it, and write keys of web pages are public. So a claim opens nothing:

- An address counts if a record of this customer has *proven* it before the request was received, and is
  current: the record has not replaced it, and the person has not corrected it since. Of a customer who has a
  record with an account or loyalty number, only such records count (``proving_records``).
- For a request that names the customer by the address alone, and for a login that asks for a record which may
  be theirs, the proof must be young (``young`` of the type). Mailboxes are given up and assigned again, and
  nobody else vouches for the requester.
- If the customer was merged less than a day before the request was received, or later, an address counts only
  if every merged side that has proven an address has proven this one.

Claims take nothing away either, however many there are: they are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.domain.profiles.proving_records import select_proving_records
from discretion.domain.profiles.record_identifiers import find_replacement
from discretion.store.identity_events import IdentityChange, IdentityEventStore
from discretion.store.people import PeopleStore
from discretion.store.source_record import SourceRecord
from discretion.store.source_records import SourceRecordStore
from discretion.store.subject_request import SubjectRequest

EMAIL_TYPE = "email"
"""Identifier type of the catalogue that codes are sent to."""

MERGE_MIN_AGE_MS = 86_400_000
"""How long before the receipt of a request a merge must have happened to add addresses (ms)."""

ProofTimes = Mapping[bytes, int]
"""When addresses were proven (ms), by blind index; of several proofs, the latest."""


@dataclass(frozen=True, slots=True)
class CodeAddresses:
    """Reader of the addresses that may receive a code; ``types`` are the catalogue's identifier types."""

    people: PeopleStore
    source_records: SourceRecordStore
    identity_events: IdentityEventStore
    types: Mapping[str, IdentifierType]

    async def find(self, request: SubjectRequest) -> ProofTimes:
        """Return the addresses that count for a request.

        Without a customer the result is empty. The same queries are run, so that the response time does not
        show whether a customer was found.
        """
        proofs_by_record = await self._find_by_record(
            request.customer, request.received, must_be_young=request.contact is not None
        )
        proven_at: dict[bytes, int] = {}
        for proofs in proofs_by_record.values():
            for entry, at in proofs.items():
                proven_at[entry] = max(at, proven_at.get(entry, at))
        return proven_at

    async def find_of_record(self, record: bytes, customer: bytes, now_ms: int) -> ProofTimes:
        """Return the addresses that a record has proven and that count for a login which asks for it."""
        return (await self._find_by_record(customer, now_ms, must_be_young=True)).get(record, {})

    async def _find_by_record(
        self, customer: bytes | None, asked_at: int, *, must_be_young: bool
    ) -> dict[bytes, ProofTimes]:
        current = await self.people.current(customer or b"")
        customer_now = b"" if current is None else current.id
        records = await self.source_records.list_identifiers(customer_now, (EMAIL_TYPE,))
        merges = await self.identity_events.list_merges_after(customer_now, asked_at - MERGE_MIN_AGE_MS)
        proving = {record.id for record in select_proving_records(records)}
        proofs_by_record = {
            record: proofs
            for record, proofs in find_proven_addresses(records, EMAIL_TYPE).items()
            if record in proving
        }
        identifier_type = self.types.get(EMAIL_TYPE)
        young_ms = 0 if identifier_type is None else identifier_type.young_ms
        earliest = asked_at - young_ms if must_be_young else 0
        return {
            record: {
                entry: at
                for entry, at in proofs.items()
                if earliest <= at <= asked_at
                and all(_is_on_every_side(entry, merge, proofs_by_record) for merge in merges)
            }
            for record, proofs in proofs_by_record.items()
        }


def find_proven_addresses(records: Sequence[SourceRecord], identifier_type: str) -> dict[bytes, ProofTimes]:
    """Return for each record of one customer the addresses that it has proven and that are current.

    Args:
        records: All records of the customer, with ``removals`` and their identifiers of the type.
        identifier_type: A type of address.
    """
    corrected_at = max(
        (
            period.last
            for record in records
            if record.source == CORRECTION_SOURCE.key
            for period in (
                record.removals.get(identifier_type),
                *(each.stated for each in record.identifiers),
            )
            if period is not None
        ),
        default=-1,
    )
    return {
        record.id: {
            identifier.entry: identifier.times[Assurance.PROVEN]
            for identifier in record.identifiers
            if Assurance.PROVEN in identifier.times
            and find_replacement(record, identifier) is None
            # What the person replaced does not come back because a source repeats it.
            and (record.source == CORRECTION_SOURCE.key or identifier.times[Assurance.PROVEN] > corrected_at)
        }
        for record in records
    }


def _is_on_every_side(
    entry: bytes, merge: IdentityChange, proofs_by_record: Mapping[bytes, ProofTimes]
) -> bool:
    """Return whether every side of a merge that has proven an address has proven this one."""
    entries_by_side = [
        {proven for record in side for proven in proofs_by_record.get(record, ())} for side in merge.sides
    ]
    return all(entry in entries for entries in entries_by_side if entries)
