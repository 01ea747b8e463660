"""Reading identity data for an answer: a customer's identifiers, former ids, merges and splits."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from discretion.store.document import TimePosition
from discretion.store.driver.database import Database, Session
from discretion.store.identifiers import IdentifierStore, NamedIdentifier
from discretion.store.identity_events import IdentityChange, IdentityEventStore
from discretion.store.people import PeopleStore
from discretion.store.source_record import SourceRecord
from discretion.store.source_records import SourceRecordStore


class IdentityStore:
    """The reads of identity data that resolvers may make; of attributes only those of addresses are read."""

    def __init__(self, database: Database) -> None:
        self._people = PeopleStore(database)
        self._identifiers = IdentifierStore(database)
        self._records = SourceRecordStore(database)
        self._events = IdentityEventStore(database)

    async def list_identifiers(
        self, customer: bytes, types: Collection[str], session: Session | None = None
    ) -> list[SourceRecord]:
        """List a customer's records with only their identifiers of these types, and what is contested."""
        return await self._records.list_identifiers(customer, types, session)

    async def list_numbered(self, customers: Collection[bytes]) -> list[SourceRecord]:
        """List the records of customers that have an account or loyalty number, without their identifiers."""
        return await self._records.list_numbered(customers)

    async def list_spellings(self, customer: bytes, attributes: Collection[str]) -> list[SourceRecord]:
        """List a customer's records with the values of these attributes, which are identifiers as spelled."""
        return await self._records.list_statements((customer,), attributes)

    async def list_linking(self, entry: bytes, session: Session | None = None) -> list[SourceRecord]:
        """List the records that have proven or presented an identifier, with only their mention of it.

        Those that claim it are not read: whoever types a number must not slow its owner's login.
        """
        identifiers = await self._identifiers.list_by_entries([entry], session)
        linking = [record for identifier in identifiers for record in identifier.records]
        return await self._records.list_naming(linking, entry, session) if linking else []

    async def find_named(self, entry: bytes) -> NamedIdentifier | None:
        """Return an identifier by its blind index with the records that name it; None if it is not stored."""
        return await self._identifiers.find_named(entry)

    async def list_former_ids(self, customer: bytes) -> list[tuple[bytes, bytes]]:
        """List the ids of customers that were merged into this one, each with its wrapped key."""
        return [(former.id, former.wrapped_key) for former in await self._people.list_former(customer)]

    async def list_ledger_periods(self, customer: bytes) -> list[SourceRecord]:
        """List a customer's records that have ledger periods, with only these."""
        return await self._records.list_ledger_periods(customer)

    async def list_history(
        self, customers: Sequence[bytes], before: TimePosition | None, limit: int
    ) -> list[IdentityChange]:
        """List merges and splits of any of these customers, newest first, older than ``before``."""
        return await self._events.of(customers, before, limit)
