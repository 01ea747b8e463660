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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from discretion.store.document import Document
from discretion.store.driver.database import Database
from discretion.store.identity_events import IdentityChangeKind

EMAIL_TYPE = "email"
"""Identifier type of the catalogue that codes are sent to."""

ADDRESS_MIN_AGE_MS = 86_400_000
"""How long before the receipt of a request an address became known, or a merge happened, to count (ms)."""

FIRST_MESSAGE_WINDOW_MS = 60_000
"""How long it may take from the receipt of a message until its identifiers are written (ms)."""


@dataclass(frozen=True, slots=True)
class CodeAddresses:
    """Reader of the addresses that may receive a code."""

    database: Database

    async def find(self, request: Document) -> dict[bytes, int]:
        """Return the addresses that count for a request, each with the time it became known.

        Without a customer the result is empty. The same queries are run, so that the response time does not
        show whether a customer was found.

        Args:
            request: The stored request; ``customer`` (may be missing) and ``received`` (ms) are read.

        Returns:
            Mapping from the blind index of an e-mail address (bytes) to ms since 1970.
        """
        named_id = request.get("customer") or b""
        customer_query = {"$or": [{"_id": named_id}, {"merged.id": named_id}]}
        customer_document = await self.database.find_one("customers", customer_query, {"created": 1})
        customer: bytes = b"" if customer_document is None else customer_document["_id"]
        latest_change_at = request["received"] - ADDRESS_MIN_AGE_MS
        records = await self.database.find("source_records", {"customer": customer}, {"ids": 1})
        emails_by_record = {record["_id"]: _email_entries(record) for record in records}
        entries = sorted({entry for emails in emails_by_record.values() for entry in emails})
        identifiers = await self.database.find(
            "identifiers", {"_id": {"$in": entries}, "customer": customer}, {"t": 1}
        )
        recent_merges_query = {
            "customers": customer,
            "kind": IdentityChangeKind.MERGED.value,
            "at": {"$gt": latest_change_at},
        }
        merges = await self.database.find("identity_events", recent_merges_query, {"sides": 1})
        first_message_before = (
            0
            if customer_document is None
            else min(customer_document["created"] + FIRST_MESSAGE_WINDOW_MS, request["received"])
        )
        known_since = {
            identifier["_id"]: identifier["t"]  # `t`: when the identifier became known (ms)
            for identifier in identifiers
            if identifier["t"] <= max(latest_change_at, first_message_before)
        }
        return {
            entry: since
            for entry, since in known_since.items()
            if all(_is_on_every_side(entry, merge, emails_by_record) for merge in merges)
        }


def _email_entries(record: Document) -> frozenset[bytes]:
    # `k`: identifier type, `e`: blind index of the identifier
    return frozenset(identifier["e"] for identifier in record["ids"] if identifier["k"] == EMAIL_TYPE)


def _is_on_every_side(
    entry: bytes, merge: Document, emails_by_record: Mapping[bytes, frozenset[bytes]]
) -> bool:
    """Return whether every side of a merge that names an address names this one."""
    sides: Sequence[Sequence[bytes]] = merge["sides"]
    emails_by_side = [
        frozenset().union(*(emails_by_record.get(record, frozenset()) for record in side)) for side in sides
    ]
    return all(entry in emails for emails in emails_by_side if emails)
