"""The ``consents`` and ``consent_terms`` collections: statements about purposes, and the terms they refer to.

Both are append-only: a document is written once and never changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from discretion.store.consent_event import ConsentEvent, build_consent_document, parse_consent_event
from discretion.store.consent_terms import ConsentTerms, build_terms_document, parse_terms
from discretion.store.document import MutableDocument, TimePosition
from discretion.store.driver.database import Database, Session
from discretion.store.paging import KeysetOrder
from discretion.store.people import PeopleStore
from discretion.store.source_record import SourceRecord
from discretion.store.source_records import SourceRecordStore
from discretion.store.transactions import PendingWrite, Transactions, plan_insert, plan_update

CONSENTS = "consents"
TERMS = "consent_terms"
_LAST_RECEIVED = KeysetOrder("received")


class ConsentStore:
    """The ``consents`` and ``consent_terms`` collections."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._people = PeopleStore(database)
        self._records = SourceRecordStore(database)
        self._transactions = Transactions(database)

    async def list_record_ids(self, customer: bytes) -> list[bytes]:
        """List the ids of a customer's source records."""
        return await self._records.list_ids(customer)

    async def read_statements(self, customer: bytes, attributes: Collection[str]) -> list[SourceRecord]:
        """Read a customer's source records with their statements and the cells of some attributes."""
        return await self._records.list_statements((customer,), attributes)

    async def list_by_customer(
        self, customer: bytes, before: TimePosition | None, limit: int
    ) -> list[ConsentEvent]:
        """List the consent events of a customer's source records, newest first, older than ``before``."""
        # By source record: ``customer`` in an event is the customer of that time, and a merge or a split
        # moves records to another customer.
        query: MutableDocument = {"records": {"$in": await self.list_record_ids(customer)}}
        documents = await self._database.find(
            CONSENTS, _LAST_RECEIVED.continue_after(query, before), sort=_LAST_RECEIVED.sort, limit=limit
        )
        return [parse_consent_event(document) for document in documents]

    async def read_jurisdictions(
        self, customers: Collection[bytes], session: Session
    ) -> dict[bytes, tuple[str, ...]]:
        """Return the keys of the jurisdictions that protect each customer, as read in the transaction."""
        return await self._people.list_laws(customers, session)

    async def add(self, events: Sequence[ConsentEvent], session: Session) -> None:
        """Add consent events in a transaction."""
        await self._transactions.send(build_consent_inserts(events), session)

    async def read_latest(
        self, records: Collection[bytes], purposes: Collection[str], session: Session | None = None
    ) -> dict[str, ConsentEvent]:
        """Return the latest consent event of these source records for each purpose, by purpose."""
        latest: dict[str, ConsentEvent] = {}
        by_record = await self.read_latest_by_record(records, purposes, session)
        for event in sorted(by_record.values(), key=lambda event: (event.received, event.id)):
            latest[event.purpose] = event
        return latest

    async def read_latest_by_record(
        self, records: Collection[bytes], purposes: Collection[str], session: Session | None = None
    ) -> dict[tuple[bytes, str], ConsentEvent]:
        """Return the latest consent event of each source record for each purpose, by both."""
        pipeline: list[Mapping[str, object]] = [
            {"$match": {"records": {"$in": sorted(records)}, "purpose": {"$in": sorted(purposes)}}},
            {"$sort": {"received": -1, "_id": -1}},
            # An event may be about several records; ``records`` itself stays a list.
            {"$set": {"record": "$records"}},
            {"$unwind": "$record"},
            {"$match": {"record": {"$in": sorted(records)}}},
            {
                "$group": {
                    "_id": {"record": "$record", "purpose": "$purpose"},
                    "latest": {"$first": "$$ROOT"},
                }
            },
        ]
        groups = await self._database.aggregate(CONSENTS, pipeline, session=session)
        return {
            (group["_id"]["record"], group["_id"]["purpose"]): parse_consent_event(group["latest"])
            for group in groups
        }

    async def read_terms(self, digests: Collection[bytes]) -> dict[bytes, ConsentTerms]:
        """Return terms by their digest."""
        documents = await self._database.find(TERMS, {"_id": {"$in": sorted(set(digests))}})
        return {document["_id"]: parse_terms(document) for document in documents}

    async def save_terms(self, terms: Mapping[bytes, ConsentTerms]) -> None:
        """Save terms by their digest; terms that exist already stay unchanged."""
        await self._transactions.send(build_terms_upserts(terms))


def build_consent_inserts(events: Sequence[ConsentEvent]) -> list[PendingWrite]:
    """Return the writes that add consent events, for a transaction of the caller."""
    return [plan_insert(CONSENTS, build_consent_document(event)) for event in events]


def build_terms_upserts(terms: Mapping[bytes, ConsentTerms]) -> list[PendingWrite]:
    """Return the writes that save terms, for a transaction of the caller."""
    # Sorted, so that two transactions which save the same terms lock them in the same order.
    return [
        plan_update(
            TERMS, {"_id": digest}, {"$setOnInsert": build_terms_document(terms[digest])}, upsert=True
        )
        for digest in sorted(terms)
    ]
