"""The ``source_records`` collection: its queries. ``source_record_codec`` has the stored names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from discretion.store.document import Document, MutableDocument
from discretion.store.driver.database import Database, Session
from discretion.store.source_record import SourceRecord
from discretion.store.source_record_codec import (
    AMBIENT_CHOICES,
    BORN,
    CELLS,
    CLAIM_REFUSALS,
    CONTESTED,
    CORRECTS,
    CUSTOMER,
    EXPLICIT_CHOICES,
    GUARDIAN_CHOICES,
    HOME,
    IDENTIFIERS,
    JOINED_CHOICES,
    LEDGER_PERIODS,
    MAP_MEMBERS,
    NUMBER_ASSURANCE,
    OWN_CHOICES,
    OWN_GUARDIAN_CHOICES,
    PLACE,
    REMOVALS,
    RESTRICTED,
    SIGNALS,
    SIMPLE_MEMBERS,
    SOURCE,
    TOTALS,
    VERSION,
    build_record_change,
    build_record_document,
    parse_record,
)
from discretion.store.transactions import PendingWrite, plan_insert, plan_update

COLLECTION = "source_records"

_ATTRIBUTE_MEMBERS = (CELLS, TOTALS)
"""Members that are objects by attribute key, of which a partial read has only the wanted keys."""

_WHOLE_MEMBERS = (
    VERSION,
    *(member.stored for member in (*SIMPLE_MEMBERS, *MAP_MEMBERS) if member.stored not in _ATTRIBUTE_MEMBERS),
)
"""Members that are read whole."""

_STATEMENT_MEMBERS = (
    *(SOURCE, CUSTOMER, PLACE, RESTRICTED, NUMBER_ASSURANCE, CLAIM_REFUSALS),
    *(AMBIENT_CHOICES, EXPLICIT_CHOICES, GUARDIAN_CHOICES, SIGNALS, OWN_CHOICES, OWN_GUARDIAN_CHOICES),
    JOINED_CHOICES,
)


NAMING_MEMBERS = (
    SOURCE,
    CUSTOMER,
    BORN,
    HOME,
    IDENTIFIERS,
    REMOVALS,
    NUMBER_ASSURANCE,
    CLAIM_REFUSALS,
    CORRECTS,
)
"""Members that say whose the identifiers of a record are."""


class SourceRecordStore:
    """Reads and writes of source records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, customer: bytes, session: Session | None = None) -> list[SourceRecord]:
        """List a customer's records, by id. The id must be the current one."""
        return await self.of_all((customer,), session)

    async def of_all(
        self, customers: Collection[bytes], session: Session | None = None
    ) -> list[SourceRecord]:
        """List the records of these customers, by id."""
        return await self._list({CUSTOMER: {"$in": list(customers)}}, session=session)

    async def list_by_ids(
        self, record_ids: Collection[bytes], session: Session | None = None
    ) -> list[SourceRecord]:
        """List the records with these ids that exist, by id."""
        return await self._list({"_id": {"$in": list(record_ids)}}, session=session)

    async def list_concerning(
        self,
        customers: Collection[bytes],
        record_ids: Collection[bytes],
        session: Session | None = None,
    ) -> list[SourceRecord]:
        """List the records of these customers and those with these ids, by id."""
        alternatives = [{CUSTOMER: {"$in": sorted(customers)}}, {"_id": {"$in": sorted(record_ids)}}]
        return await self._list({"$or": alternatives}, session=session)

    async def list_ids_by_home(self, customers: Collection[bytes]) -> list[bytes]:
        """List the ids of the records that first became these customers."""
        first_became = {HOME: {"$in": sorted(customers)}}
        return [row["_id"] for row in await self._database.find(COLLECTION, first_became, {"_id": 1})]

    async def is_named_elsewhere(
        self, entry: bytes, own_records: Collection[bytes], session: Session | None = None
    ) -> bool:
        """Return whether a record that is none of these names an identifier. It searches without an index."""
        query = {f"{IDENTIFIERS}.e": entry, "_id": {"$nin": sorted(own_records)}}
        return await self._database.find_one(COLLECTION, query, {"_id": 1}, session=session) is not None

    async def list_ids(self, customer: bytes, session: Session | None = None) -> list[bytes]:
        """List the ids of a customer's records, sorted."""
        documents = await self._database.find(
            COLLECTION, {CUSTOMER: customer}, {"_id": 1}, sort=[("_id", 1)], session=session
        )
        return [document["_id"] for document in documents]

    async def find_customers(
        self, record_ids: Iterable[bytes], session: Session | None = None
    ) -> dict[bytes, bytes]:
        """Return the customers of the records that exist, by record id."""
        documents = await self._database.find(
            COLLECTION, {"_id": {"$in": list(record_ids)}}, {CUSTOMER: 1}, session=session
        )
        return {document["_id"]: document[CUSTOMER] for document in documents}

    async def list_addressed(
        self, record_ids: Collection[bytes], attributes: Collection[str], session: Session
    ) -> list[SourceRecord]:
        """List records that messages address, with only these attributes."""
        projection = _build_projection(_WHOLE_MEMBERS, attributes)
        return await self._list({"_id": {"$in": list(record_ids)}}, projection, session)

    async def list_others(
        self,
        customers: Collection[bytes],
        excluded: Collection[bytes],
        attributes: Collection[str],
        session: Session,
        *,
        reads_identifiers: bool,
    ) -> list[SourceRecord]:
        """List the customers' records except some, with only these attributes.

        A message adds no identifier to a record that it does not address, so most need none of these.
        """
        query = {CUSTOMER: {"$in": list(customers)}, "_id": {"$nin": list(excluded)}}
        members = [member for member in _WHOLE_MEMBERS if reads_identifiers or member != IDENTIFIERS]
        return await self._list(query, _build_projection(members, attributes), session)

    async def list_explicit_choices(
        self, record_ids: Collection[bytes], session: Session
    ) -> list[SourceRecord]:
        """List records with their customers, explicit choices and own choices only."""
        projection = {CUSTOMER: 1, EXPLICIT_CHOICES: 1, OWN_CHOICES: 1}
        return await self._list({"_id": {"$in": sorted(record_ids)}}, projection, session)

    async def list_statements(
        self, customers: Collection[bytes], attributes: Collection[str], session: Session | None = None
    ) -> list[SourceRecord]:
        """List the records of customers with what permissions depend on: statements, and some attributes."""
        projection = dict.fromkeys(_STATEMENT_MEMBERS, 1) | {f"{CELLS}.{key}": 1 for key in attributes}
        return await self._list({CUSTOMER: {"$in": list(customers)}}, projection, session)

    async def list_identifiers(
        self, customer: bytes, types: Collection[str], session: Session | None = None
    ) -> list[SourceRecord]:
        """List a customer's records with identifiers of these types, removals, and what is contested."""
        # MongoDB filters the list, so identifiers of other types do not reach this process.
        is_wanted_type = {"$in": ["$$identifier.k", sorted(types)]}
        identifiers = {"$filter": {"input": f"${IDENTIFIERS}", "as": "identifier", "cond": is_wanted_type}}
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {CUSTOMER: customer}},
            {"$sort": {"_id": 1}},
            {
                "$project": {
                    **dict.fromkeys((SOURCE, CONTESTED, REMOVALS, NUMBER_ASSURANCE), 1),
                    **dict.fromkeys((CLAIM_REFUSALS, CORRECTS), 1),
                    IDENTIFIERS: identifiers,
                }
            },
        ]
        documents = await self._database.aggregate(COLLECTION, pipeline, session)
        return [parse_record(document) for document in documents]

    async def list_numbered(self, customers: Collection[bytes]) -> list[SourceRecord]:
        """List the records of customers that have an account or loyalty number, without their identifiers."""
        query = {CUSTOMER: {"$in": sorted(customers)}, NUMBER_ASSURANCE: {"$exists": True}}
        return await self._list(query, {CUSTOMER: 1, NUMBER_ASSURANCE: 1})

    async def list_ledger_periods(self, customer: bytes) -> list[SourceRecord]:
        """List a customer's records that have ledger periods, with only these."""
        return await self._list({CUSTOMER: customer, LEDGER_PERIODS: {"$exists": True}}, {LEDGER_PERIODS: 1})

    async def list_naming(
        self, record_ids: Collection[bytes], entry: bytes, session: Session | None = None
    ) -> list[SourceRecord]:
        """List those of these records that name an identifier, with only their mention of it, by id."""
        named_by = {"_id": {"$in": sorted(record_ids)}, f"{IDENTIFIERS}.e": entry}
        projection = {CUSTOMER: 1, BORN: 1, HOME: 1, f"{IDENTIFIERS}.$": 1}
        return await self._list(named_by, projection, session)

    async def list_value_times(self, customers: Sequence[bytes]) -> list[SourceRecord]:
        """List the records of customers with the times of their values; values and ids are not read."""
        observed = {"k": "$$this.k", "v": {"t": "$$this.v.t", "b": "$$this.v.b", "e": "$$this.v.e"}}
        cells = {"$map": {"input": {"$objectToArray": f"${CELLS}"}, "in": observed}}
        documents = await self._database.aggregate(
            COLLECTION,
            [
                {"$match": {CUSTOMER: {"$in": list(customers)}}},
                {"$project": {CUSTOMER: 1, TOTALS: 1, CELLS: {"$arrayToObject": cells}}},
            ],
        )
        return [parse_record(document) for document in documents]

    def plan_save(self, before: SourceRecord | None, after: SourceRecord) -> PendingWrite | None:
        """Return the write that turns one state of a record into another; None if they are equal.

        Args:
            before: The record as it was read, whole or in part; None or version 0 if it is not stored.
            after: The record as it should be, read in the same part.
        """
        if before is None or before.version == 0:
            return plan_insert(COLLECTION, {**build_record_document(after), VERSION: 1})
        change = build_record_change(before, after)
        if not change:
            return None
        return plan_update(COLLECTION, {"_id": after.id}, {**change, "$inc": {VERSION: 1}}, must_match=True)

    async def _list(
        self,
        query: MutableDocument,
        projection: Document | None = None,
        session: Session | None = None,
    ) -> list[SourceRecord]:
        documents = await self._database.find(COLLECTION, query, projection, session=session)
        return [parse_record(document) for document in sorted(documents, key=_read_id)]


def _build_projection(members: Iterable[str], attributes: Collection[str]) -> dict[str, int]:
    # With no attributes, a key that does not exist (``-``) is named, so that not all are read.
    return dict.fromkeys(members, 1) | {
        f"{member}.{key}": 1 for member in _ATTRIBUTE_MEMBERS for key in attributes or ("-",)
    }


def _read_id(document: Document) -> bytes:
    record_id: bytes = document["_id"]
    return record_id
