"""Taking people out of a restored database: all that is by their ids, and their part in what is others' too.

Nobody is served meanwhile, so it takes no transactions; cut short, it is begun again from its start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from discretion.domain.identity.assignment import settle
from discretion.domain.identity.evidence_reader import Gathering
from discretion.domain.identity.unit_of_work import Workshop, Writing
from discretion.seal.blind_index import BlindIndex
from discretion.store.driver.database import Database, Operation, Session, delete, update

Document = dict[str, Any]
TOGETHER = 200
"""People who are taken out at once."""

_THEIRS = (
    ("customers", "_id"),
    ("source_records", "customer"),
    ("events", "customer"),
    ("suggestions", "customers"),
)
"""What is about these customers alone, by the member that names them."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Ids of people who are to be taken out, and the tombstones over their names."""

    customers: frozenset[bytes] = frozenset()
    records: frozenset[bytes] = frozenset()
    tombstones: Mapping[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Banish:
    """See the module."""

    database: Database
    blind: BlindIndex
    workshop: Callable[[], Workshop]

    async def __call__(self, gone: Gone) -> None:
        """Take people out, and put the tombstones over their names."""
        stones: list[Operation] = [
            update({"_id": one}, {"$setOnInsert": {"at": at}}, upsert=True)
            for one, at in sorted(gone.tombstones.items())
        ]
        await self.database.bulk_write("tombstones", stones)
        for customers, records in _parts(gone):
            await self._part(customers, records, gone)
        if gone.tombstones:
            await self._letters(gone.tombstones)

    async def _part(self, customers: Sequence[bytes], named: Sequence[bytes], gone: Gone) -> None:
        """Take some customers and some records out, which need not be of each other."""
        either = {"$or": [{"customer": {"$in": customers}}, {"_id": {"$in": named}}]}
        found = await self.database.find("source_records", either, {"customer": 1})
        records = sorted({*named, *(one["_id"] for one in found)})
        living = {one["customer"] for one in found} - gone.customers
        for collection, member in _THEIRS:
            await self.database.delete_many(collection, {member: {"$in": customers}})
        await self.database.delete_many("source_records", {"_id": {"$in": records}})
        for collection in ("events", "messages"):
            await self.database.delete_many(collection, {"record": {"$in": records}})
        await self._identifiers(customers, records)
        await self._shared("rulings", {}, lambda one: _ruling(one, set(records)))
        history = {"customers": {"$in": customers}}
        await self._shared(
            "identity_events", history, lambda one: _history(one, set(customers), set(records))
        )
        consents = {"records": {"$in": records}}
        await self._shared("consents", consents, lambda one: _consent(one, gone.customers, set(records)))
        bare = {"$set": {"sealed": {}}, "$unset": {"callback": "", "code": ""}}
        requests = await self.database.find("requests", {"customer": {"$in": customers}}, {"_id": 1})
        await self.database.bulk_write("requests", [update({"_id": one["_id"]}, bare) for one in requests])
        for customer in sorted(living):
            await self._fold(customer)

    async def _identifiers(self, customers: Sequence[bytes], records: Sequence[bytes]) -> None:
        wanted = {"$or": [{"customer": {"$in": customers}}, {"records": {"$in": records}}]}
        writes: list[Operation] = []
        for one in await self.database.find("identifiers", wanted):
            if set(one["records"]) <= set(records):
                writes.append(delete({"_id": one["_id"]}))
                continue
            unset = {"$unset": {"customer": ""}} if one.get("customer") in customers else {}
            writes.append(update({"_id": one["_id"]}, {"$pullAll": {"records": records}, **unset}))
        await self.database.bulk_write("identifiers", writes)

    async def _shared(
        self, collection: str, wanted: Document, left: Callable[[Document], Document | None]
    ) -> None:
        """Documents of several people lose those who are gone, and go with the last of them."""
        writes: list[Operation] = []
        for one in await self.database.find(collection, wanted):
            change = left(one)
            if change is None:
                writes.append(delete({"_id": one["_id"]}))
            elif change:
                writes.append(update({"_id": one["_id"]}, {"$set": change}))
        await self.database.bulk_write(collection, writes)

    async def _letters(self, tombstones: Mapping[bytes, int]) -> None:
        """Refused messages that name somebody who is gone; few are kept, and none for long."""
        letters = self.database.stream("dead_letters", {}, {"marks": 1}, together=TOGETHER)
        async for batch in letters:
            theirs = [one["_id"] for one in batch if any(self._over(it) in tombstones for it in one["marks"])]
            await self.database.delete_many("dead_letters", {"_id": {"$in": theirs}})

    def _over(self, mark: bytes) -> bytes:
        return self.blind.of("tombstone", mark.hex())

    async def _fold(self, customer: bytes) -> None:
        """The profile of somebody living who had a record of somebody gone, from the records left."""

        async def work(session: Session) -> None:
            shop = self.workshop()
            gathering = Gathering(self.database, session, shop.catalogue.identifiers)
            await gathering.customers([customer])
            known = gathering.known
            people = settle(known, (), shop.catalogue.identifiers, sorted(known.records))
            known.open |= known.records.keys()
            writing = Writing(shop, known)
            for one in people:
                await writing.person(session, self.database, one, ())
            if not people:
                writing.add("customers", delete({"_id": customer}))
            await writing.send(session, self.database)

        await self.database.transaction(work)


def _parts(gone: Gone) -> Iterable[tuple[list[bytes], list[bytes]]]:
    customers, records = sorted(gone.customers), sorted(gone.records)
    for start in range(0, max(len(customers), len(records)), TOGETHER):
        part = slice(start, start + TOGETHER)
        yield customers[part], records[part]


def _sides(document: Document, records: set[bytes]) -> list[list[bytes]]:
    return [kept for side in document["sides"] if (kept := [one for one in side if one not in records])]


def _ruling(one: Document, records: set[bytes]) -> Document | None:
    sides = _sides(one, records)
    if sides == one["sides"]:
        return {}
    stands = sum(map(len, sides)) > 1 if one["joined"] else len(sides) > 1
    return {"sides": sides} if stands else None


def _history(one: Document, customers: set[bytes], records: set[bytes]) -> Document | None:
    living = [customer for customer in one["customers"] if customer not in customers]
    return {"customers": living, "sides": _sides(one, records), "evidence": []} if living else None


def _consent(one: Document, customers: AbstractSet[bytes], records: set[bytes]) -> Document | None:
    living = [record for record in one["records"] if record not in records]
    if not living:
        return None
    return {"records": living, **({"customer": b""} if one["customer"] in customers else {})}
