"""E-mail addresses of a customer that are old enough to receive an identity code.

Write keys are public (they are part of web pages and apps). An attacker can therefore send a message that
adds an address to a customer, or that merges the attacker's own profile into the customer's. Two rules
prevent the attacker from receiving the code:

- An address counts if it was known for a day when the request was received, or if it arrived with the
  customer's first message, before the request.
- If the customer was merged less than a day before the request was received, or later, an address counts only
  if every merged side that names an address names this one.

All times are those of the server's clock, never the sender's. Waiting after the request does not help: an
address that was added too late never counts for this request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.store.identifiers import IdentifierStore
from discretion.store.identity_events import IdentityChange, IdentityEventStore
from discretion.store.people import PeopleStore
from discretion.store.source_records import SourceRecordStore
from discretion.store.subject_request import SubjectRequest

EMAIL_TYPE = "email"
"""Identifier type of the catalogue that codes are sent to."""

ADDRESS_MIN_AGE_MS = 86_400_000
"""How long before the receipt of a request an address became known, or a merge happened, to count (ms)."""

FIRST_MESSAGE_WINDOW_MS = 60_000
"""How long it may take from the receipt of a message until its identifiers are written (ms)."""


@dataclass(frozen=True, slots=True)
class CodeAddresses:
    """Reader of the addresses that may receive a code."""

    people: PeopleStore
    source_records: SourceRecordStore
    identifiers: IdentifierStore
    identity_events: IdentityEventStore

    async def find(self, request: SubjectRequest) -> dict[bytes, int]:
        """Return the addresses that count for a request, each with the time it became known.

        Without a customer the result is empty. The same queries are run, so that the response time does not
        show whether a customer was found.

        Returns:
            Mapping from the blind index of an e-mail address (bytes) to ms since 1970.
        """
        current = await self.people.current(request.customer or b"")
        customer = b"" if current is None else current.id
        latest_change_at = request.received - ADDRESS_MIN_AGE_MS
        emails_by_record = {
            record.id: frozenset(identifier.entry for identifier in record.identifiers)
            for record in await self.source_records.list_identifiers(customer, (EMAIL_TYPE,))
        }
        entries = sorted({entry for emails in emails_by_record.values() for entry in emails})
        identifiers = await self.identifiers.list_by_entries(entries)
        merges = await self.identity_events.list_merges_after(customer, latest_change_at)
        first_message_before = (
            0 if current is None else min(current.created + FIRST_MESSAGE_WINDOW_MS, request.received)
        )
        known_since = {
            identifier.entry: identifier.at
            for identifier in identifiers
            if identifier.at <= max(latest_change_at, first_message_before)
        }
        return {
            entry: since
            for entry, since in known_since.items()
            if all(_is_on_every_side(entry, merge, emails_by_record) for merge in merges)
        }


def _is_on_every_side(
    entry: bytes, merge: IdentityChange, emails_by_record: Mapping[bytes, frozenset[bytes]]
) -> bool:
    """Return whether every side of a merge that names an address names this one."""
    emails_by_side = [
        frozenset().union(*(emails_by_record.get(record, frozenset()) for record in side))
        for side in merge.sides
    ]
    return all(entry in emails for emails in emails_by_side if emails)
