"""Taking facts in: linked, recorded, folded and written in one transaction.

A transaction carries up to ``MAX_TOGETHER`` facts. Everything is read inside it, so a race with
another process is a write conflict and runs again; everything is written by key, so an answer
that was lost on the way can be asked for again without counting anything twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.catalogue.model import Catalogue
from discretion.domain.channels.fact import Fact, Outcome, Status
from discretion.domain.identity.link import Component, link
from discretion.domain.profiles.fold import Profile, fold
from discretion.domain.profiles.record import Sealer, Telling, empty, tell
from discretion.seal.blind import BlindIndex
from discretion.seal.cell import event_key, shut
from discretion.seal.keyring import KEY_BYTES, NONCE_BYTES, Buckets
from discretion.seal.move import move
from discretion.store.driver import Database, Operation, Session, delete, insert, update
from discretion.store.fault import Again

MAX_TOGETHER = 200
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Marks:
    """Blind entries of one fact: its source record and its identifiers with their types."""

    record: bytes
    identifiers: tuple[tuple[str, bytes], ...]
    event: bytes

    def all(self) -> list[bytes]:
        """Everything that links."""
        return [self.record, *(entry for _, entry in self.identifiers)]


@dataclass(frozen=True, slots=True)
class Known:
    """What the database holds about the people of a batch."""

    owners: dict[bytes, bytes]
    identifiers: frozenset[bytes]
    customers: dict[bytes, Document]
    records: dict[bytes, list[Document]]
    events: frozenset[bytes]


class Unify:
    """Turns facts into profiles."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        buckets: Buckets,
        blind: BlindIndex,
        entropy: Callable[[int], bytes],
        now_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._buckets = buckets
        self._blind = blind
        self._entropy = entropy
        self._now_ms = now_ms

    async def take(self, facts: Sequence[Fact]) -> list[Outcome]:
        """Take facts in; when this returns, they are durable.

        Returns:
            One outcome for each fact, in their order.

        Raises:
            Unavailable: the store is away; some chunks may have been taken in, and telling them
                again changes nothing.
        """
        outcomes: list[Outcome] = []
        for start in range(0, len(facts), MAX_TOGETHER):
            chunk = facts[start : start + MAX_TOGETHER]
            marks = [self._marks(fact) for fact in chunk]

            async def work(
                session: Session, chunk: Sequence[Fact] = chunk, marks: list[Marks] = marks
            ) -> list[Outcome]:
                return await self._together(session, chunk, marks)

            outcomes += await self._database.transaction(work)
        return outcomes

    def _marks(self, fact: Fact) -> Marks:
        person = fact.identifiers[0]
        return Marks(
            record=self._blind.of("record", fact.source.key, person.type, person.value.value),
            identifiers=tuple(
                (one.type, self._blind.of(one.type, one.value.value))
                for one in dict.fromkeys(fact.identifiers)
            ),
            event=hashlib.sha256(f"{fact.source.key}\0{fact.message}".encode()).digest()[:16],
        )

    async def _together(self, session: Session, facts: Sequence[Fact], marks: list[Marks]) -> list[Outcome]:
        known = await self._known(session, facts, marks)
        batch = Batch(self, known, facts, marks)
        for component in link([one.all() for one in marks], known.owners):
            await batch.person(session, component)
        await batch.write(session, self._database)
        return batch.outcomes()

    async def _known(self, session: Session, facts: Sequence[Fact], marks: list[Marks]) -> Known:
        find = self._database.find
        entries = list({entry for one in marks for _, entry in one.identifiers})
        records = list({one.record for one in marks})
        events = [one.event for one, fact in zip(marks, facts, strict=True) if fact.event is not None]
        owners: dict[bytes, bytes] = {}
        indexed = await find("identifiers", {"_id": {"$in": entries}}, {"customer": 1}, session=session)
        owners.update((one["_id"], one["customer"]) for one in indexed)
        of_record = await find("source_records", {"_id": {"$in": records}}, {"customer": 1}, session=session)
        owners.update((one["_id"], one["customer"]) for one in of_record)
        ids = list(set(owners.values()))
        customers = await find("customers", {"_id": {"$in": ids}}, session=session) if ids else []
        told = await find("source_records", {"customer": {"$in": ids}}, session=session) if ids else []
        seen = await find("events", {"_id": {"$in": events}}, {"_id": 1}, session=session) if events else []
        of_customer: dict[bytes, list[Document]] = {}
        for record in told:
            of_customer.setdefault(record["customer"], []).append(record)
        return Known(
            owners,
            frozenset(one["_id"] for one in indexed),
            {one["_id"]: one for one in customers},
            of_customer,
            frozenset(one["_id"] for one in seen),
        )

    def new_customer(self, now_ms: int) -> tuple[Document, bytes]:
        """A customer nobody knows anything about, and their data key."""
        customer, key = self._entropy(16), self._entropy(KEY_BYTES)
        wrapped = self._buckets.wrap(customer, key, self._entropy(NONCE_BYTES))
        return {
            "_id": customer,
            "v": 0,
            "key": wrapped,
            "created": now_ms,
            "restricted": False,
            "merged": [],
        }, key

    def data_key(self, customer: Document) -> bytes:
        """The data key of a known customer."""
        return self._buckets.unwrap(customer["_id"], customer["key"])

    def sealer(self, customer: bytes, key: bytes) -> Sealer:
        """Seals this customer's values."""
        cipher = AESGCM(key)

        def seal(name: bytes, observed: int, value: Any) -> bytes:
            return shut(cipher, customer, name, observed, self._entropy(NONCE_BYTES), value)

        return seal

    def moved(self, cell: bytes, name: str, origin: tuple[bytes, bytes], goal: tuple[bytes, bytes]) -> bytes:
        """A cell under another customer's key."""
        return move(cell, name.encode(), origin, goal, self._entropy(NONCE_BYTES))

    def profile(self, records: Sequence[Document], *, restricted: bool) -> Profile:
        """The fold of these records, now."""
        return fold(self._catalogue, records, restricted=restricted, now_ms=self._now_ms())

    def tell(self, record: Document, telling: Telling, seal: Sealer) -> None:
        """Apply a fact to a record."""
        tell(record, telling, self._catalogue, seal)

    def now(self) -> int:
        """The present in ms."""
        return self._now_ms()

    @property
    def database(self) -> Database:
        """Where events of merged customers are looked up."""
        return self._database


class Batch:
    """The writes of one transaction, collected person by person."""

    def __init__(self, unify: Unify, known: Known, facts: Sequence[Fact], marks: list[Marks]) -> None:
        self._unify = unify
        self._known = known
        self._facts = facts
        self._marks = marks
        self._seen_events = set(known.events)
        self._duplicates: set[int] = set()
        self._writes: dict[str, list[Operation]] = {}

    async def person(self, session: Session, component: Component) -> None:
        """Everything these messages change about one person."""
        now = self._unify.now()
        docs = sorted(
            (self._known.customers[one] for one in component.customers),
            key=lambda doc: (doc["created"], doc["_id"]),
        )
        if docs:
            survivor, key = docs[0], self._unify.data_key(docs[0])
        else:
            survivor, key = self._unify.new_customer(now)
        records = {one["_id"]: one for one in self._known.records.get(survivor["_id"], [])}
        goal = (survivor["_id"], key)
        for loser in docs[1:]:
            await self._merge(session, loser, survivor, goal, records)
        touched = self._tell(component, goal, records)
        for record in touched:
            change = {name: value for name, value in records[record].items() if name not in ("_id", "v")}
            self._add(
                "source_records", update({"_id": record}, {"$set": change, "$inc": {"v": 1}}, upsert=True)
            )
        self._index(component, survivor["_id"], now)
        self._customer(survivor, docs, list(records.values()), now)

    def _tell(
        self, component: Component, goal: tuple[bytes, bytes], records: dict[bytes, Document]
    ) -> list[bytes]:
        seal = self._unify.sealer(*goal)
        touched: dict[bytes, None] = {}
        for position in component.messages:
            fact, marks = self._facts[position], self._marks[position]
            new = fact.event is not None and marks.event not in self._seen_events
            if fact.event is not None and not new:
                self._duplicates.add(position)
            if new:
                self._seen_events.add(marks.event)
                self._event(fact, marks.event, goal[0], seal)
            record = records.setdefault(marks.record, empty(marks.record, fact, goal[0]))
            self._unify.tell(record, Telling(fact, new), seal)
            touched[marks.record] = None
        return list(touched)

    def _event(self, fact: Fact, event: bytes, customer: bytes, seal: Sealer) -> None:
        assert fact.event is not None
        doc: Document = {
            "_id": event,
            "customer": customer,
            "source": fact.source.key,
            "channel": fact.source.channel.value,
            "type": fact.event.type.key,
            "at": fact.at,
            "received": fact.received,
        }
        if fact.event.properties.value:
            doc["props"] = seal(event_key(event).encode(), fact.at, fact.event.properties.value)
        self._add("events", insert(doc))

    def _index(self, component: Component, customer: bytes, now: int) -> None:
        fresh = {
            entry: kind
            for position in component.messages
            for kind, entry in self._marks[position].identifiers
            if entry not in self._known.identifiers
        }
        for entry, kind in fresh.items():
            self._add("identifiers", insert({"_id": entry, "type": kind, "customer": customer, "t": now}))

    async def _merge(
        self,
        session: Session,
        loser: Document,
        survivor: Document,
        goal: tuple[bytes, bytes],
        records: dict[bytes, Document],
    ) -> None:
        """Move everything of one customer to another; records stay whole, so it can be undone."""
        origin = (loser["_id"], self._unify.data_key(loser))
        for record in self._known.records.get(loser["_id"], []):
            for name, cell in record["cells"].items():
                if "c" in cell:
                    cell["c"] = self._unify.moved(cell["c"], name, origin, goal)
            record["customer"] = survivor["_id"]
            records[record["_id"]] = record
            change = {"cells": record["cells"], "customer": survivor["_id"]}
            self._add("source_records", update({"_id": record["_id"]}, {"$set": change, "$inc": {"v": 1}}))
        events = await self._unify.database.find(
            "events", {"customer": loser["_id"]}, {"props": 1}, session=session
        )
        for event in events:
            change = {"customer": survivor["_id"]}
            if "props" in event:
                change["props"] = self._unify.moved(event["props"], event_key(event["_id"]), origin, goal)
            self._add("events", update({"_id": event["_id"]}, {"$set": change}))
        entries = await self._unify.database.find(
            "identifiers", {"customer": loser["_id"]}, {"_id": 1}, session=session
        )
        for entry in entries:
            self._add("identifiers", update({"_id": entry["_id"]}, {"$set": {"customer": survivor["_id"]}}))
        survivor["merged"] = [*survivor.get("merged", []), loser["_id"], *loser.get("merged", [])]
        survivor["restricted"] = survivor.get("restricted", False) or loser.get("restricted", False)

    def _customer(self, survivor: Document, docs: list[Document], records: list[Document], now: int) -> None:
        profile = self._unify.profile(records, restricted=survivor.get("restricted", False))
        doc: Document = {
            "key": survivor["key"],
            "allow": profile.allow,
            "s": profile.sealed,
            "o": profile.open,
            "t": profile.observed,
            "p": profile.provenance,
            "choices": profile.choices,
            "restricted": survivor.get("restricted", False),
            "created": survivor["created"],
            "updated": now,
            "merged": survivor.get("merged", []),
        }
        change: Document = {"$set": doc, "$inc": {"v": 1}}
        if profile.minor_until is not None:
            doc["minor_until"] = profile.minor_until
        else:
            change["$unset"] = {"minor_until": ""}
        if not docs:
            fresh = {"_id": survivor["_id"], "v": 1, **doc}
            self._add("customers", insert(fresh))
            return
        self._add("customers", update({"_id": survivor["_id"], "v": survivor["v"]}, change))
        for loser in docs[1:]:
            self._add("customers", delete({"_id": loser["_id"], "v": loser["v"]}))

    def _add(self, collection: str, operation: Operation) -> None:
        self._writes.setdefault(collection, []).append(operation)

    async def write(self, session: Session, database: Database) -> None:
        """Send everything collected.

        Raises:
            Again: a customer changed meanwhile; the transaction runs again from its reads.
        """
        for collection, operations in self._writes.items():
            done = await database.bulk_write(collection, operations, ordered=True, session=session)
            if collection == "customers" and done.touched != len(operations):
                raise Again("STORE_UNAVAILABLE", "A customer changed while their profile was being written.")

    def outcomes(self) -> list[Outcome]:
        """What became of each message."""
        return [
            Outcome(
                fact.message,
                Status.DUPLICATE if position in self._duplicates else Status.ACCEPTED,
                fact.dropped,
            )
            for position, fact in enumerate(self._facts)
        ]
