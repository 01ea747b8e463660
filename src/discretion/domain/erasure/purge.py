"""Everything else of a person who is gone from all that is read, collection by collection, in batches.

Each batch is one transaction: it deletes, and puts tombstones over the messages it deletes, so that at no
moment a repetition of one would be new. Nothing is written twice by running it twice. What is about living
people too loses what names the erased, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.domain.erasure.erasure_snapshot import Snapshot, read
from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.step_outcome import Done, Outcome
from discretion.store.driver.database import Database, Operation, Session, delete, update
from discretion.store.tombstones import Tombstones

Document = dict[str, Any]

TOGETHER = 500
"""Documents that one transaction deletes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where documents lie that are only about one person.

    ``heard`` are messages, named by their ids; ``came`` is the member that says when they came, where whoever
    came back may have some under the same ids.
    """

    collection: str
    member: str
    ids: Callable[[Snapshot], Sequence[bytes]]
    heard: bool = False
    came: str = ""


PLACES: tuple[Place, ...] = (
    Place("events", "customer", lambda one: one.customers, heard=True),
    Place("messages", "record", lambda one: one.records, heard=True, came="t"),
    Place("dead_letters", "marks", lambda one: one.names, heard=True, came="received"),
    Place("suggestions", "customers", lambda one: one.customers),
    Place("packages", "customer", lambda one: one.customers),
    Place("package_links", "customer", lambda one: one.customers),
)
"""See ``Place``."""


@dataclass(frozen=True, slots=True)
class Purge:
    """See the module."""

    database: Database
    tombstones: Tombstones
    places: Sequence[Place] = PLACES

    async def __call__(self, document: Mapping[str, Any], hold: Hold) -> Outcome:
        """Purge what the snapshot of a request names; how many documents of each collection that changed."""
        if "snapshot" not in document:
            return Done()
        snapshot = read(document["snapshot"])
        counts = dict(document.get("result", {}).get("purged", {}))
        back = await self._back(snapshot)
        for place in self.places:
            wanted: Document = {place.member: {"$in": list(place.ids(snapshot))}}
            if place.came and back is not None:
                wanted[place.came] = {"$lt": back}
            await self._place(place, wanted, snapshot, hold, counts)
            hold.at(place.collection)
        for collection, shrink in SHARED.items():
            wanted = shrink.wanted(snapshot)
            if collection == "consents" and back is not None:
                wanted["received"] = {"$lt": back}
            await self._shrunk(collection, wanted, snapshot, hold, counts)
            hold.at(collection)
        await self._requests(document["_id"], snapshot)
        hold.at("requests")
        return Done(counts)

    async def _back(self, snapshot: Snapshot) -> int | None:
        """Since when (ms) the person is back, if they are already."""
        graves = {one: self.tombstones.of(one) for one in (*snapshot.records, *snapshot.names)}
        stones = await self.tombstones.over(graves)
        return min((one.back for one in stones.values() if one.back is not None), default=None)

    async def _place(
        self, place: Place, wanted: Document, snapshot: Snapshot, hold: Hold, counts: dict[str, int]
    ) -> None:
        before = counts.get(place.collection, 0)

        async def work(session: Session) -> int:
            found = await self.database.find(
                place.collection, wanted, {"_id": 1}, limit=TOGETHER, session=session
            )
            ids = [one["_id"] for one in found]
            if ids and place.heard:
                await self.tombstones.write(self.tombstones.raised(ids, snapshot.at), session)
            if ids:
                await self.database.delete_many(place.collection, {"_id": {"$in": ids}}, session=session)
                await hold.save({f"result.purged.{place.collection}": before + len(ids)}, session)
            return len(ids)

        while batch := await self.database.transaction(work):
            before = counts[place.collection] = before + batch
            hold.at(f"{place.collection}.batch")

    async def _shrunk(
        self, collection: str, wanted: Document, snapshot: Snapshot, hold: Hold, counts: dict[str, int]
    ) -> None:
        shrink, before = SHARED[collection], counts.get(collection, 0)

        async def work(session: Session) -> int:
            found = await self.database.find(collection, wanted, session=session)
            writes = shrink.writes(found, snapshot)
            if not writes:
                return 0
            await self.database.bulk_write(collection, writes, session=session)
            if collection == "rulings":
                await self._unruled(found, snapshot, session)
            await hold.save({f"result.purged.{collection}": before + len(writes)}, session)
            return len(writes)

        if changed := await self.database.transaction(work):
            counts[collection] = before + changed

    async def _unruled(self, found: Sequence[Document], snapshot: Snapshot, session: Session) -> None:
        """Living records that a deleted ruling named no longer say that it does."""
        over = [one["_id"] for one in found if not _ruling_stands(_sides(one, snapshot), one)]
        living = sorted({record for one in found for side in _sides(one, snapshot) for record in side})
        if over and living:
            writes = [
                update({"_id": one}, {"$pullAll": {"rulings": over}, "$inc": {"v": 1}}) for one in living
            ]
            await self.database.bulk_write("source_records", writes, session=session)

    async def _requests(self, request: bytes, snapshot: Snapshot) -> None:
        """What is sealed in their other requests; that there were some stays as evidence."""
        theirs = {"customer": {"$in": list(snapshot.customers)}, "_id": {"$ne": request}}
        found = await self.database.find("requests", theirs, {"_id": 1})
        bare = {"$set": {"sealed": {}}, "$unset": {"callback": "", "code": ""}}
        await self.database.bulk_write("requests", [update({"_id": one["_id"]}, bare) for one in found])


@dataclass(frozen=True, slots=True)
class Shrink:
    """How documents that may be about living people too lose what names the erased."""

    wanted: Callable[[Snapshot], Document]
    writes: Callable[[Iterable[Document], Snapshot], list[Operation]]


def _sides(document: Mapping[str, Any], snapshot: Snapshot) -> list[list[bytes]]:
    """The sides of a ruling or of a merge without erased records."""
    gone = set(snapshot.records)
    return [kept for side in document["sides"] if (kept := [one for one in side if one not in gone])]


def _ruling_stands(sides: Sequence[Sequence[bytes]], ruling: Mapping[str, Any]) -> bool:
    """Whether it still says something: that records are apart, or that several are one person's."""
    return sum(map(len, sides)) > 1 if ruling["joined"] else len(sides) > 1


def _rulings(found: Iterable[Document], snapshot: Snapshot) -> list[Operation]:
    return [
        update({"_id": one["_id"]}, {"$set": {"sides": sides}})
        if _ruling_stands(sides := _sides(one, snapshot), one)
        else delete({"_id": one["_id"]})
        for one in found
        if not set(snapshot.records).isdisjoint(record for side in one["sides"] for record in side)
    ]


def _history(found: Iterable[Document], snapshot: Snapshot) -> list[Operation]:
    customers, names = set(snapshot.customers), set(snapshot.names)
    writes = []
    for one in found:
        living = [customer for customer in one["customers"] if customer not in customers]
        if not living:
            writes.append(delete({"_id": one["_id"]}))
            continue
        evidence = [told for told in one["evidence"] if told["entry"] not in names]
        change = {"customers": living, "sides": _sides(one, snapshot), "evidence": evidence}
        writes.append(update({"_id": one["_id"]}, {"$set": change}))
    return writes


def _consents(found: Iterable[Document], snapshot: Snapshot) -> list[Operation]:
    """Words that living records heard too are theirs; whose they were then, nobody need know any more."""
    gone, customers = set(snapshot.records), set(snapshot.customers)
    writes = []
    for one in found:
        living = [record for record in one["records"] if record not in gone]
        if not living:
            writes.append(delete({"_id": one["_id"]}))
            continue
        nobody = {"customer": b""} if one["customer"] in customers else {}
        writes.append(update({"_id": one["_id"]}, {"$set": {"records": living, **nobody}}))
    return writes


SHARED: Mapping[str, Shrink] = {
    "rulings": Shrink(lambda one: {"_id": {"$in": list(one.rulings)}}, _rulings),
    "identity_events": Shrink(lambda one: {"customers": {"$in": list(one.customers)}}, _history),
    "consents": Shrink(lambda one: {"records": {"$in": list(one.records)}}, _consents),
}
