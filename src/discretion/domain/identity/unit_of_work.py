"""What a transaction changes, collected person by person and then sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.catalogue.model import Catalogue
from discretion.domain.identity.assignment import Settled
from discretion.domain.identity.clustering import shared
from discretion.domain.identity.evidence_reader import Known
from discretion.domain.ingest.mention import Mention
from discretion.domain.ingest.message import Fact
from discretion.domain.ingest.message_index import Marks
from discretion.domain.profiles.document_update import difference
from discretion.domain.profiles.erased_scopes import told, without
from discretion.domain.profiles.fold import fold
from discretion.domain.profiles.minimisation import minimised
from discretion.domain.profiles.permission_window import standing
from discretion.domain.profiles.person_state import Jurisdiction, state_of
from discretion.domain.profiles.source_record import Sealer, empty, hear, name, tell, touched
from discretion.purpose.permission_engine import Judge
from discretion.seal.bucket_keys import Buckets
from discretion.seal.cell import event_key, identifier_key, shut
from discretion.seal.cell_transfer import move
from discretion.seal.key_files import KEY_BYTES, NONCE_BYTES
from discretion.store.driver.database import Database, Operation, Session, delete, insert, update
from discretion.store.driver.error_translation import Again

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Workshop:
    """What writing needs: the catalogue, who judges by which law, keys, chance and the present (ms)."""

    catalogue: Catalogue
    judge: Judge
    jurisdiction: Jurisdiction
    buckets: Buckets
    entropy: Callable[[int], bytes]
    now: int


@dataclass(frozen=True, slots=True)
class Word:
    """A message to be told, with its marks."""

    fact: Fact
    marks: Marks


@dataclass(frozen=True, slots=True)
class Owner:
    """Under whom values are shut: a customer's id and data key."""

    customer: bytes
    key: bytes = field(repr=False)


class Writing:
    """The writes of one transaction. ``left_out`` counts, by a message's mark, what of it is not stored."""

    def __init__(self, workshop: Workshop, known: Known) -> None:
        self._shop = workshop
        self._known = known
        opened = known.open & known.records.keys()
        self._before = {known.records[one]["customer"] for one in opened}
        self._keys = _keys(known.customers.values())
        self._owners: dict[bytes, bytes] = {}
        self._kept: set[bytes] = set()
        self.left_out: dict[bytes, int] = {}
        self._writes: dict[str, list[Operation]] = {}

    async def person(
        self, session: Session, database: Database, settled: Settled, words: Sequence[Word]
    ) -> bytes:
        """Everything that changes about one person; the customer they are now."""
        if settled.customer is not None and settled.records.isdisjoint(self._known.open):
            self._known.narrow(settled.customer, touched((word.fact for word in words), self._shop.catalogue))
        doc = None if settled.customer is None else self._known.customers.get(settled.customer)
        owner, wrapped = await self._owner(session, database, settled.customer)
        there = settled.records & self._known.records.keys()
        records = {one: _copy(self._known.records[one]) for one in there}
        changed = await self._move(session, database, records.values(), owner)
        changed |= self._tell(records, words, owner)
        for one in self._known.ruled.keys() & records.keys():
            records[one]["rulings"] = self._known.ruled[one]
            changed.add(one)
        if settled.customer is None:
            eldest = min(records.values(), key=lambda one: (one["born"], one["first"], one["_id"]))
            eldest["home"] = owner.customer
            changed.add(eldest["_id"])
        for one in sorted(changed):
            self._save(records[one])
        self._owners |= dict.fromkeys(settled.identifiers, owner.customer)
        self._kept.add(owner.customer)
        self._customer(settled, doc, {"key": wrapped}, owner.customer, list(records.values()))
        return owner.customer

    def identifiers(self, fresh: Sequence[Mention]) -> None:
        """Who names which identifier, and whose each is now."""
        namers: dict[bytes, dict[bytes, Mention]] = {}
        for mention in fresh:
            namers.setdefault(mention.entry, {})[mention.record] = mention
        for entry in sorted({*namers, *self._known.identifiers}):
            self._identifier(entry, namers.get(entry, {}))

    def gone(self) -> None:
        """Customers in question whose records are all somebody else's now."""
        for customer in sorted(self._before - self._kept):
            self.add("customers", delete({"_id": customer, "v": self._known.customers[customer]["v"]}))

    def add(self, collection: str, operation: Operation) -> None:
        """One more write."""
        self._writes.setdefault(collection, []).append(operation)

    async def send(self, session: Session, database: Database) -> None:
        """Send everything collected.

        Raises:
            Again: a customer changed meanwhile; the transaction runs again from its reads.
        """
        for collection, operations in self._writes.items():
            done = await database.bulk_write(collection, operations, session=session)
            if collection == "customers" and done.touched != len(operations):
                raise Again("STORE_UNAVAILABLE", "A customer changed while their profile was being written.")

    async def _owner(
        self, session: Session, database: Database, customer: bytes | None
    ) -> tuple[Owner, bytes]:
        """A customer's id and key, unwrapped and wrapped; whoever is parted again has the key they had."""
        wrapped = None if customer is None else self._keys.get(customer)
        if customer is not None and wrapped is not None:
            return Owner(customer, self._shop.buckets.unwrap(customer, wrapped)), wrapped
        await self._shop.buckets.hold(database.ends(session))
        owner = Owner(customer or self._shop.entropy(16), self._shop.entropy(KEY_BYTES))
        wrapped = self._shop.buckets.wrap(owner.customer, owner.key, self._shop.entropy(NONCE_BYTES))
        return owner, wrapped

    async def _move(
        self, session: Session, database: Database, records: Iterable[Document], owner: Owner
    ) -> set[bytes]:
        """Shut under this customer's key what came from others; records stay whole, so it can be undone."""
        strangers: dict[bytes, list[Document]] = {}
        for record in records:
            if record["customer"] != owner.customer:
                strangers.setdefault(record["customer"], []).append(record)
        for customer, moving in sorted(strangers.items()):
            origin, _ = await self._owner(session, database, customer)
            for record in moving:
                self._move_cells(record, origin, owner)
                record["customer"] = owner.customer
            await self._move_events(session, database, [one["_id"] for one in moving], origin, owner)
        return {record["_id"] for moving in strangers.values() for record in moving}

    def _move_cells(self, record: Document, origin: Owner, owner: Owner) -> None:
        for key, cell in record["cells"].items():
            if "c" in cell:
                record["cells"][key] = {**cell, "c": self._moved(cell["c"], key, origin, owner)}
        record["ids"] = [
            {**one, "c": self._moved(one["c"], identifier_key(one["e"]), origin, owner)}
            for one in record["ids"]
        ]

    async def _move_events(
        self, session: Session, database: Database, records: Sequence[bytes], origin: Owner, owner: Owner
    ) -> None:
        wanted = {"customer": origin.customer, "record": {"$in": records}}
        for event in await database.find("events", wanted, {"props": 1}, session=session):
            change: Document = {"customer": owner.customer}
            if "props" in event:
                change["props"] = self._moved(event["props"], event_key(event["_id"]), origin, owner)
            self.add("events", update({"_id": event["_id"]}, {"$set": change}))

    def _moved(self, cell: bytes, key: str, origin: Owner, goal: Owner) -> bytes:
        nonce = self._shop.entropy(NONCE_BYTES)
        return move(cell, key.encode(), (origin.customer, origin.key), (goal.customer, goal.key), nonce)

    def _tell(self, records: dict[bytes, Document], words: Sequence[Word], owner: Owner) -> set[bytes]:
        seal = self._sealer(owner)
        erased = {mark for record in records.values() for mark in told(record)}
        for word in words:
            fact, marks = word.fact, word.marks
            record = records.get(marks.record)
            if record is None:
                record = records[marks.record] = empty(marks.record, fact, owner.customer)
            name(record, marks, seal)
            hear(record, fact)
            left = without(fact, erased, self._shop.catalogue)
            kept, self.left_out[marks.message] = minimised(left.fact, record)
            tell(record, kept, self._shop.catalogue, seal, left.uncounted)
            self._mark(kept, marks, owner.customer, seal)
        return {word.marks.record for word in words}

    def _mark(self, fact: Fact, marks: Marks, customer: bytes, seal: Sealer) -> None:
        """The event, or if the message is none, the mark that it was heard."""
        if fact.event is None:
            heard = {"_id": marks.message, "record": marks.record, "t": fact.received}
            self.add("messages", insert(heard))
            return
        doc: Document = {
            "_id": marks.message,
            "customer": customer,
            "record": marks.record,
            "source": fact.source.key,
            "channel": fact.source.channel.value,
            "type": fact.event.type.key,
            "at": fact.at,
            "received": fact.received,
        }
        if fact.event.properties.value:
            key = event_key(marks.message).encode()
            doc["props"] = seal(key, fact.at, fact.event.properties.value)
        self.add("events", insert(doc))

    def _sealer(self, owner: Owner) -> Sealer:
        cipher = AESGCM(owner.key)

        def seal(key: bytes, observed: int, value: Any) -> bytes:
            return shut(cipher, owner.customer, key, observed, self._shop.entropy(NONCE_BYTES), value)

        return seal

    def _save(self, record: Document) -> None:
        told = {key: value for key, value in record.items() if key not in ("_id", "v")}
        known = self._known.records.get(record["_id"])
        change = {"$set": told} if known is None else difference(known, {**known, **told})
        if change:
            self.add(
                "source_records", update({"_id": record["_id"]}, {**change, "$inc": {"v": 1}}, upsert=True)
            )

    def _identifier(self, entry: bytes, namers: Mapping[bytes, Mention]) -> None:
        doc, owner = self._known.identifiers.get(entry), self._owners.get(entry)
        whose = {} if owner is None else {"customer": owner}
        if doc is None:
            first = min(namers.values())
            fresh = {"_id": entry, "type": first.kind, "records": sorted(namers), "t": self._shop.now}
            self.add("identifiers", insert({**fresh, **whose}))
            return
        change: Document = {}
        kind = self._shop.catalogue.identifiers.get(doc["type"])
        new = sorted(namers.keys() - set(doc["records"]))
        if new and not (kind and shared(len(doc["records"]), kind)):
            change["$addToSet"] = {"records": {"$each": new}}
        if doc.get("customer") != owner:
            change |= {"$set": whose} if whose else {"$unset": {"customer": ""}}
        if change:
            self.add("identifiers", update({"_id": entry}, change))

    def _customer(
        self,
        settled: Settled,
        known: Document | None,
        base: Document,
        customer: bytes,
        records: Sequence[Document],
    ) -> None:
        profile = fold(self._shop.catalogue, records)
        state = state_of(self._shop.catalogue, self._shop.jurisdiction, records)
        doc: Document = {
            **base,
            **standing(self._shop.judge, state, self._shop.now),
            "s": profile.sealed,
            "o": profile.open,
            "t": profile.observed,
            "p": profile.provenance,
            "created": min(one["born"] for one in records),
            "updated": self._shop.now,
            "merged": [{"id": one, "key": self._keys[one]} for one in settled.homes],
        }
        if profile.contested or "contested" in (known or ()):
            doc["contested"] = profile.contested
        if known is None:
            self.add("customers", insert({"_id": customer, "v": 1, **doc}))
            return
        change = difference(known, {"_id": customer, "v": known["v"], **doc})
        self.add("customers", update({"_id": customer, "v": known["v"]}, {**change, "$inc": {"v": 1}}))


def _keys(customers: Iterable[Document]) -> dict[bytes, bytes]:
    """Wrapped data keys by the customer id they belong to, those of merged ids too."""
    keys: dict[bytes, bytes] = {}
    for one in customers:
        keys[one["_id"]] = one["key"]
        keys |= {former["id"]: former["key"] for former in one["merged"]}
    return keys


_TOLD = ("cells", "folds", "choices", "words", "guards", "signals")


def _copy(record: Document) -> Document:
    """A record that can be told more while the one that was read stays as it was read."""
    return {**record, **{name: dict(record[name]) for name in _TOLD}}
