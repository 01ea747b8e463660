"""The first step of an erasure: one transaction after whose commit nothing that reads finds the person.

It deletes the customer under the version it read. Whoever takes in a message of theirs changes that customer,
so of two such transactions that overlap one runs again from its reads: a message that is first is erased with
the rest, one that is second finds the tombstones. Everything else of the person is purged afterwards, from
the snapshot that is written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.domain.erasure.erasure_snapshot import Person, person
from discretion.domain.identity.unit_of_work import Workshop
from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.step_outcome import Done, Outcome
from discretion.domain.legal_retention.retained_items import Keeping, held, keeping
from discretion.domain.recipients.disclosed_attributes import names_of
from discretion.domain.recipients.notification_steps import NAMES, snapshot
from discretion.law.jurisdiction import Lawbook
from discretion.store.driver.database import Database, Operation, Session, delete, insert, update
from discretion.store.driver.error_translation import Again
from discretion.store.erasures import Erasures
from discretion.store.tombstones import Tombstones

Document = Mapping[str, Any]
Writes = dict[str, list[Operation]]


@dataclass(frozen=True, slots=True)
class Depart:
    """See the module."""

    database: Database
    workshop: Callable[[], Workshop]
    book: Lawbook
    tombstones: Tombstones

    async def __call__(self, document: Document, hold: Hold) -> Outcome:
        """Erase the person from all that is read; done already, it does nothing."""
        if "snapshot" in document:
            return Done()

        async def work(session: Session) -> dict[str, Any]:
            shop = self.workshop()
            await self._claim(session, document["customer"])
            found = await person(self.database, session, shop.catalogue, document["customer"], shop.now)
            if found is None:
                told: dict[str, Any] = {"found": False}
                await hold.complete(told, session)
                return told
            told = await self._erase(session, shop, found, document["_id"])
            names = snapshot(names_of(shop.buckets, found.customer))
            await hold.save({"snapshot": {**found.snapshot.document(), NAMES: names}}, session)
            await Erasures(self.database).begin(document["_id"], shop.now, session)
            hold.at("written")
            await hold.complete(told, session)
            return told

        return Done(await self.database.transaction(work))

    async def _claim(self, session: Session, customer: bytes) -> None:
        """Change the customer before much is read: whoever keeps sending about them waits."""
        wanted = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        await self.database.update_one("customers", wanted, {"$inc": {"v": 1}}, session=session)

    async def _erase(self, session: Session, shop: Workshop, found: Person, request: bytes) -> dict[str, Any]:
        snapshot = found.snapshot
        keeps = await self._keeps(session, shop, found)
        owner = (found.customer["_id"], shop.buckets.unwrap(found.customer["_id"], found.customer["key"]))
        if keeps:
            await shop.buckets.hold(self.database.ends(session))
        kept = held(shop, keeps, owner, request)
        erased = [*snapshot.names, *snapshot.records]
        writes: Writes = {
            "tombstones": [
                *self.tombstones.raised(erased, snapshot.at),
                *self.tombstones.passed(snapshot.names),
            ],
            "customers": [delete({"_id": found.customer["_id"], "v": found.customer["v"]})],
            "source_records": [delete({"_id": one}) for one in snapshot.records],
            "identifiers": _identifiers(found),
            "held": [insert(one) for one in kept],
            "holds": await self._holds(session, snapshot.customers),
        }
        for collection, operations in writes.items():
            done = await self.database.bulk_write(collection, operations, session=session)
            if collection == "customers" and done.touched != 1:
                raise Again("STORE_UNAVAILABLE", "A customer changed while they were being erased.")
        return {"found": True, "records": len(snapshot.records), "held": _held(keeps)}

    async def _keeps(self, session: Session, shop: Workshop, found: Person) -> Keeping:
        theirs = {"customer": {"$in": list(found.snapshot.customers)}}
        holds = await self.database.find("holds", theirs, session=session)
        wanted = theirs if holds else {**theirs, "type": {"$in": self._types(found.snapshot.laws)}}
        events = await self.database.find("events", wanted, session=session)
        return keeping(self.book, found.snapshot.laws, events, found.records, holds, shop.now)

    def _types(self, laws: Sequence[str]) -> list[str]:
        return sorted({event for law in laws for rule in self.book.of(law).keeping for event in rule.events})

    async def _holds(self, session: Session, customers: Sequence[bytes]) -> list[Operation]:
        """Holds name the customer no more; what they hold names them."""
        wanted = {"customer": {"$in": list(customers)}}
        found = await self.database.find("holds", wanted, {"_id": 1}, session=session)
        empty = {"$unset": {"customer": ""}, "$set": {"records": [], "events": []}}
        return [update({"_id": one["_id"]}, empty) for one in found]


def _identifiers(found: Person) -> list[Operation]:
    """Identifiers that are theirs alone go; those of living others too lose their records."""
    names = set(found.snapshot.names)
    mine, customers = list(found.snapshot.records), set(found.snapshot.customers)
    writes = []
    for one in found.identifiers:
        if one["_id"] in names:
            writes.append(delete({"_id": one["_id"]}))
            continue
        change: dict[str, Any] = {"$pullAll": {"records": mine}}
        if one.get("customer") in customers:
            change["$unset"] = {"customer": ""}
        writes.append(update({"_id": one["_id"]}, change))
    return writes


def _held(keeps: Keeping) -> list[dict[str, Any]]:
    """How much is kept, under which law and until when; no personal data."""
    return [
        {
            "law": order.law,
            "why": order.why,
            **({} if order.until is None else {"until": order.until}),
            **dict(sorted(Counter(item.kind for item in items).items())),
        }
        for order, items in keeps.items()
    ]
