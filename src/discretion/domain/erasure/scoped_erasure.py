"""Erasing a part: a channel, a data category, or what serves one purpose only.

The person stays, and so does who they are. First one transaction takes values and totals out of their source
records, marks each record (``profiles/without.py``) and folds the profile anew; who takes in a message of
theirs changes the same customer, so it either comes before and is erased, or sees the marks. Then events go,
in batches; of those that stay the properties that belong to the part are taken out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.domain.identity.assignment import settle
from discretion.domain.identity.evidence_reader import Gathering
from discretion.domain.identity.unit_of_work import Workshop, Writing
from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.step_outcome import Done, Outcome
from discretion.domain.profiles.document_update import difference
from discretion.domain.profiles.erased_scopes import Scope, erased_of, marked, scope_of
from discretion.errors import Broken
from discretion.seal.cell import event_key
from discretion.seal.cell_transfer import Owner, carry
from discretion.seal.key_files import NONCE_BYTES
from discretion.store.driver.database import Database, Operation, Session, update
from discretion.store.tombstones import Tombstones

Document = dict[str, Any]

TOGETHER = 500
"""Events that one transaction deletes or rewrites."""


@dataclass(frozen=True, slots=True)
class Partial:
    """See the module. ``take`` is of the profile, ``purge`` of events; ``verify`` reads both anew."""

    database: Database
    workshop: Callable[[], Workshop]
    tombstones: Tombstones

    async def take(self, document: Mapping[str, Any], hold: Hold) -> Outcome:
        """Take a part out of somebody's records and profile.

        Raises:
            BadRequest: ``SCOPE_INVALID``.
        """

        async def work(session: Session) -> dict[str, Any]:
            shop = self.workshop()
            scope = scope_of(document["scope"], shop.catalogue)
            here = await self._now(session, document["customer"])
            told: dict[str, Any] = {"found": here is not None, "at": shop.now}
            if here is not None and scope is not None:
                told["values"], records = await self._take(session, shop, here, scope)
                await hold.save({"snapshot": {"at": shop.now, "records": records}}, session)
            await hold.complete(told, session)
            return told

        return Done(await self.database.transaction(work))

    async def purge(self, document: Mapping[str, Any], hold: Hold) -> Outcome:
        """Delete the events of the part that had happened when it was taken; how many, by type."""
        counts = dict(document.get("result", {}).get("events", {}))
        if "snapshot" not in document:
            return Done(counts)
        shop, at = self.workshop(), document["snapshot"]["at"]
        scope = scope_of(document["scope"], shop.catalogue)
        customer = await self._now(None, document["customer"])
        if scope is None or customer is None:
            return Done(counts)
        theirs = _theirs(document, customer)
        while batch := await self._batch({**theirs, **_events(shop, scope)}, at, counts, hold):
            for kind, count in batch.items():
                counts[kind] = counts.get(kind, 0) + count
            hold.at("batch")
        await self._trim(shop, scope, customer, theirs, hold)
        return Done(counts)

    async def verify(self, document: Mapping[str, Any], hold: Hold) -> Outcome:
        """Read the records and events anew.

        Raises:
            Broken: ``ERASURE_INCOMPLETE``; something of the part is left.
        """
        if "snapshot" not in document:
            return Done()
        shop, snapshot = self.workshop(), document["snapshot"]
        scope = scope_of(document["scope"], shop.catalogue)
        customer = await self._now(None, document["customer"])
        if scope is None or customer is None:
            return Done()
        records = await self.database.find("source_records", {"_id": {"$in": snapshot["records"]}})
        left = [
            key
            for record in records
            for key in erased_of(scope, shop.catalogue, record)
            if max(record[part][key]["t"] for part in ("cells", "folds") if key in record[part])
            <= snapshot["at"]
        ]
        events = await self.database.count("events", {**_theirs(document, customer), **_events(shop, scope)})
        if left or events:
            raise Broken("ERASURE_INCOMPLETE", "Something of what was to be erased is left.")
        hold.at("read")
        return Done({"records": len(records)})

    async def _now(self, session: Session | None, customer: bytes) -> bytes | None:
        wanted: Document = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        found = await self.database.find_one("customers", wanted, {"_id": 1}, session=session)
        return None if found is None else found["_id"]

    async def _take(
        self, session: Session, shop: Workshop, customer: bytes, scope: Scope
    ) -> tuple[dict[str, int], list[bytes]]:
        gathering = Gathering(self.database, session, shop.catalogue.identifiers)
        await gathering.customers([customer])
        known = gathering.known
        people = settle(known, (), shop.catalogue.identifiers, sorted(known.records))
        known.open |= known.records.keys()
        writing = Writing(shop, known)
        gone: Counter[str] = Counter()
        for name, record in known.records.items():
            keys = erased_of(scope, shop.catalogue, record)
            gone.update(keys)
            known.records[name] = {
                **record,
                "cells": {key: one for key, one in record["cells"].items() if key not in keys},
                "folds": {key: one for key, one in record["folds"].items() if key not in keys},
                "without": marked(record, scope, shop.now),
            }
            change = {**difference(record, known.records[name]), "$inc": {"v": 1}}
            writing.add("source_records", update({"_id": name, "v": record["v"]}, change))
        for person in people:
            await writing.person(session, self.database, person, ())
        await writing.send(session, self.database)
        return dict(gone), sorted(known.records)

    async def _batch(
        self, wanted: Document, at: int, counts: Mapping[str, int], hold: Hold
    ) -> Mapping[str, int]:
        async def work(session: Session) -> Mapping[str, int]:
            parts = {"type": 1}
            found = await self.database.find("events", wanted, parts, limit=TOGETHER, session=session)
            if not found:
                return {}
            ids = [one["_id"] for one in found]
            await self.tombstones.write(self.tombstones.raised(ids, at), session)
            await self.database.delete_many("events", {"_id": {"$in": ids}}, session=session)
            batch = Counter(one["type"] for one in found)
            await hold.save({"result.events": dict(Counter(counts) + batch)}, session)
            return batch

        return await self.database.transaction(work)

    async def _trim(
        self, shop: Workshop, scope: Scope, customer: bytes, theirs: Document, hold: Hold
    ) -> None:
        """Take properties of the part out of events that stay; a second time nothing is there to be taken."""
        trimmed = {
            event.key: frozenset(one.name for one in event.properties if scope.property(one))
            for event in shop.catalogue.events.values()
        }
        kinds = [key for key, names in trimmed.items() if names]
        wanted: Document = {**theirs, "type": {"$in": kinds}}
        after = b""

        async def work(session: Session) -> bytes:
            page = {**wanted, "_id": {"$gt": after}, "props": {"$exists": True}}
            order = [("_id", 1)]
            found = await self.database.find("events", page, sort=order, limit=TOGETHER, session=session)
            if not found:
                return b""
            held = await self.database.find_one("customers", {"_id": customer}, {"key": 1}, session=session)
            if held is None:
                return b""
            owner = (customer, shop.buckets.unwrap(customer, held["key"]))
            writes = [_trimmed(shop, one, owner, trimmed[one["type"]]) for one in found]
            await self.database.bulk_write("events", writes, session=session)
            await hold.save({}, session)
            last: bytes = found[-1]["_id"]
            return last

        while after := await self.database.transaction(work):
            hold.at("trimmed")


def _theirs(document: Mapping[str, Any], customer: bytes) -> Document:
    """Events that had happened; of whoever was merged with them meanwhile none."""
    snapshot = document["snapshot"]
    return {"customer": customer, "at": {"$lte": snapshot["at"]}, "record": {"$in": snapshot["records"]}}


def _events(shop: Workshop, scope: Scope) -> Document:
    if scope.kind == "channel":
        return {"channel": scope.key}
    return {"type": {"$in": [one.key for one in shop.catalogue.events.values() if scope.event(one)]}}


def _trimmed(shop: Workshop, event: Document, owner: Owner, names: frozenset[str]) -> Operation:
    key = event_key(event["_id"]).encode()
    nonce = shop.entropy(NONCE_BYTES)
    props = carry(event["props"], key, owner, key, owner, nonce, without=names)
    return update({"_id": event["_id"]}, {"$set": {"props": props}})
