"""The ``events`` collection: a customer's timeline of events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from discretion.store.document import Document, MutableDocument, TimePosition
from discretion.store.driver.database import Database, Session
from discretion.store.paging import KeysetOrder
from discretion.store.transactions import PendingWrite, plan_insert, plan_update

COLLECTION = "events"
CUSTOMER, RECORD, SOURCE, CHANNEL, TYPE = "c", "r", "s", "h", "k"
AT, RECEIVED, PROPERTIES = "t", "n", "p"
"""Stored names; the legend is in ``schema.profiles``."""

_NEWEST_FIRST = KeysetOrder(AT)


# Not frozen: every message makes some, and a frozen object takes three times as long to make.
@dataclass(slots=True)
class StoredEvent:
    """An event. One that was read in part has its other members empty.

    Attributes:
        id: Digest of the source and the message id.
        customer: The customer whom it belongs to now.
        record: Id of the source record.
        source: Key of the source.
        channel: Key of the channel.
        type: Key of the event type.
        at: When it happened (ms).
        received: When it was received (ms).
        properties: The sealed properties, if any.
    """

    id: bytes
    customer: bytes = b""
    record: bytes = b""
    source: str = ""
    channel: str = ""
    type: str = ""
    at: int = 0
    received: int = 0
    properties: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class EventSelection:
    """Some events of one customer.

    Attributes:
        customer: The customer.
        records: The source records that the events belong to.
        until: When they happened at the latest (ms).
        channel: Their channel; None selects by types.
        types: Their types, if no channel is given.
    """

    customer: bytes = field(repr=False)
    records: tuple[bytes, ...] = field(repr=False)
    until: int
    channel: str | None = None
    types: frozenset[str] = frozenset()

    def build_query(self) -> MutableDocument:
        """Return the MongoDB query of this selection."""
        kind = {TYPE: {"$in": sorted(self.types)}} if self.channel is None else {CHANNEL: self.channel}
        by_customer = {CUSTOMER: self.customer, AT: {"$lte": self.until}}
        return {**by_customer, RECORD: {"$in": list(self.records)}, **kind}


class EventStore:
    """Reads and writes of events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(
        self,
        customer: bytes,
        before: TimePosition | None,
        limit: int = 0,
        session: Session | None = None,
    ) -> list[StoredEvent]:
        """List a customer's events, newest first, older than ``before``; all of them if ``limit`` is 0."""
        query = _NEWEST_FIRST.continue_after({CUSTOMER: customer}, before)
        return await self._list(query, limit=limit, session=session, is_sorted=True)

    async def list_by_customer(
        self,
        customer: bytes,
        since: Mapping[str, int],
        before: TimePosition | None,
        limit: int,
    ) -> list[StoredEvent]:
        """List a customer's events, newest first.

        Args:
            customer: The customer's id.
            since: The event types to list, each with the earliest time (ms) that its retention allows.
            before: ``(at, event id)`` of the last event of the page before.
            limit: Length of a page.
        """
        # Expired events stay in the collection until the next retention sweep, so every read excludes them.
        query: MutableDocument = {
            CUSTOMER: customer,
            "$or": [
                {TYPE: {"$in": list(event_types)}, AT: {"$gte": at}}
                for at, event_types in _group_by_cut_off(since).items()
            ],
        }
        return await self._list(_NEWEST_FIRST.continue_after(query, before), limit=limit, is_sorted=True)

    async def find_recorded(self, events: Collection[bytes], session: Session) -> set[bytes]:
        """Return those of these event ids that are stored."""
        documents = await self._database.find(
            COLLECTION, {"_id": {"$in": list(events)}}, {"_id": 1}, session=session
        )
        return {document["_id"] for document in documents}

    async def of_all(
        self, customers: Collection[bytes], session: Session, types: Collection[str] | None = None
    ) -> list[StoredEvent]:
        """List all events of these customers, of all types or of some."""
        query: MutableDocument = {CUSTOMER: {"$in": sorted(customers)}}
        if types is not None:
            query[TYPE] = {"$in": sorted(types)}
        return await self._list(query, session=session)

    async def list_times(self, customers: Collection[bytes], session: Session) -> list[StoredEvent]:
        """List all events of these customers, with only types, times and channels."""
        query = {CUSTOMER: {"$in": sorted(customers)}}
        return await self._list(query, {TYPE: 1, AT: 1, CHANNEL: 1}, session=session)

    async def list_selected(
        self, selection: EventSelection, limit: int, session: Session
    ) -> list[StoredEvent]:
        """List selected events, with only types."""
        return await self._list(selection.build_query(), {TYPE: 1}, limit=limit, session=session)

    async def count_selected(self, selection: EventSelection) -> int:
        """Return how many events are selected."""
        return await self._database.count(COLLECTION, selection.build_query())

    async def list_selected_properties(
        self, selection: EventSelection, after: bytes, limit: int, session: Session
    ) -> list[StoredEvent]:
        """List selected events that have properties, by id, beginning after an id."""
        query = {**selection.build_query(), "_id": {"$gt": after}, PROPERTIES: {"$exists": True}}
        projection = {TYPE: 1, PROPERTIES: 1}
        events = await self._database.find(
            COLLECTION, query, projection, sort=[("_id", 1)], limit=limit, session=session
        )
        return [parse_event(event) for event in events]

    async def find_owned(self, customer: bytes, events: Collection[bytes], session: Session) -> set[bytes]:
        """Return those of these event ids that belong to a customer."""
        query = {"_id": {"$in": list(events)}, CUSTOMER: customer}
        return {event.id for event in await self._list(query, {"_id": 1}, session=session)}

    async def list_after(
        self, customers: Collection[bytes], types: Collection[str], at: int, session: Session
    ) -> list[StoredEvent]:
        """List events of these customers and types after a time (ms), with only their records and times."""
        query = {CUSTOMER: {"$in": sorted(customers)}, AT: {"$gt": at}, TYPE: {"$in": list(types)}}
        return await self._list(query, {RECORD: 1, AT: 1}, session=session)

    async def list_properties(
        self, customer: bytes, records: Collection[bytes], session: Session
    ) -> list[StoredEvent]:
        """List a customer's events of these records, with only ids, records, types and sealed properties."""
        query = {CUSTOMER: customer, RECORD: {"$in": list(records)}}
        return await self._list(query, {RECORD: 1, TYPE: 1, PROPERTIES: 1}, session=session)

    async def list_types(
        self, customer: bytes, records: Collection[bytes], session: Session
    ) -> list[StoredEvent]:
        """List a customer's events of these records, with only ids, records and types."""
        query = {CUSTOMER: customer, RECORD: {"$in": list(records)}}
        return await self._list(query, {RECORD: 1, TYPE: 1}, session=session)

    async def list_expired(
        self,
        customers: Sequence[bytes],
        cut_offs: Mapping[str, int],
        default_cut_off: int,
        limit: int,
        session: Session | None = None,
    ) -> list[StoredEvent]:
        """List events older than the cut-off of their type, with only types and customers.

        Args:
            customers: Their ids.
            cut_offs: The cut-off (ms) by event type.
            default_cut_off: The cut-off of all other types.
            limit: Events at most.
            session: The transaction, if any.
        """
        query = _build_expired_query(customers, cut_offs, default_cut_off)
        return await self._list(query, {TYPE: 1, CUSTOMER: 1}, limit=limit, session=session)

    async def count_expired(
        self, customers: Sequence[bytes], cut_offs: Mapping[str, int], default_cut_off: int
    ) -> Counter[str]:
        """Count expired events by type; the arguments are those of ``list_expired``."""
        groups = await self._database.aggregate(
            COLLECTION,
            [
                {"$match": _build_expired_query(customers, cut_offs, default_cut_off)},
                {"$group": {"_id": f"${TYPE}", "n": {"$sum": 1}}},
            ],
        )
        return Counter({group["_id"]: group["n"] for group in groups})

    async def delete(self, events: Sequence[bytes], session: Session) -> None:
        """Delete events by their ids."""
        await self._database.delete_many(COLLECTION, {"_id": {"$in": list(events)}}, session=session)

    def plan_add(self, event: StoredEvent) -> PendingWrite:
        """Return the write that adds an event."""
        return plan_insert(COLLECTION, build_event_document(event))

    def plan_move(self, event: bytes, customer: bytes, properties: bytes | None) -> PendingWrite:
        """Return the write that gives an event to another customer, with properties under that one's key."""
        change: MutableDocument = {CUSTOMER: customer}
        if properties is not None:
            change[PROPERTIES] = properties
        return plan_update(COLLECTION, {"_id": event}, {"$set": change})

    def plan_replace_properties(self, event: bytes, properties: bytes) -> PendingWrite:
        """Return the write that replaces the sealed properties of an event."""
        return plan_update(COLLECTION, {"_id": event}, {"$set": {PROPERTIES: properties}})

    async def _list(
        self,
        query: MutableDocument,
        projection: Mapping[str, int] | None = None,
        *,
        limit: int = 0,
        session: Session | None = None,
        is_sorted: bool = False,
    ) -> list[StoredEvent]:
        sort = _NEWEST_FIRST.sort if is_sorted else None
        documents = await self._database.find(
            COLLECTION, query, projection, sort=sort, limit=limit, session=session
        )
        return [parse_event(document) for document in documents]


def parse_event(document: Document) -> StoredEvent:
    """Parse a stored event, which may have been read in part."""
    get = document.get
    return StoredEvent(
        document["_id"],
        get(CUSTOMER, b""),
        get(RECORD, b""),
        get(SOURCE, ""),
        get(CHANNEL, ""),
        get(TYPE, ""),
        get(AT, 0),
        get(RECEIVED, 0),
        get(PROPERTIES),
    )


def build_event_document(event: StoredEvent) -> MutableDocument:
    """Build the stored document of an event."""
    properties = {} if event.properties is None else {PROPERTIES: event.properties}
    return {
        "_id": event.id,
        CUSTOMER: event.customer,
        RECORD: event.record,
        SOURCE: event.source,
        CHANNEL: event.channel,
        TYPE: event.type,
        AT: event.at,
        RECEIVED: event.received,
        **properties,
    }


def _group_by_cut_off(since: Mapping[str, int]) -> dict[int, Sequence[str]]:
    grouped: dict[int, list[str]] = {}
    for event_type, at in since.items():
        grouped.setdefault(at, []).append(event_type)
    return dict(grouped)


def _build_expired_query(
    customers: Sequence[bytes], cut_offs: Mapping[str, int], default_cut_off: int
) -> MutableDocument:
    alternatives: list[MutableDocument] = [
        {TYPE: event_type, AT: {"$lt": at}} for event_type, at in cut_offs.items()
    ]
    alternatives.append({TYPE: {"$nin": list(cut_offs)}, AT: {"$lt": default_cut_off}})
    # The condition on the latest of all cut-offs is redundant, but it lets the timeline index bound the scan.
    latest = max((*cut_offs.values(), default_cut_off))
    return {CUSTOMER: {"$in": list(customers)}, AT: {"$lt": latest}, "$or": alternatives}
