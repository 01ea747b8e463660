"""Reading what a dry run is worked out from; nothing is changed, and no seal is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.domain.erasure.erasure_snapshot import Person, person
from discretion.domain.erasure.preview import Met, Plan, plan
from discretion.domain.erasure.purge import PLACES, SHARED
from discretion.domain.identity.unit_of_work import Workshop
from discretion.domain.profiles.erased_scopes import scope_of
from discretion.errors import NotFound
from discretion.law.jurisdiction import Lawbook
from discretion.store.driver.database import Database, Session


@dataclass(frozen=True, slots=True)
class Rehearse:
    """See the module."""

    database: Database
    workshop: Callable[[], Workshop]
    book: Lawbook

    async def __call__(self, customer: bytes, asked: Mapping[str, Any]) -> Plan:
        """What an erasure of a customer, of a scope as requests have it, would do now.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``; BadRequest: ``SCOPE_INVALID``.
        """
        shop = self.workshop()
        scope = scope_of(asked, shop.catalogue)

        async def work(session: Session) -> Met | None:
            found = await person(self.database, session, shop.catalogue, customer, shop.now)
            return None if found is None else await self._met(session, found)

        met = await self.database.transaction(work)
        if met is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        return plan(met, scope, shop.catalogue, self.book, shop.now)

    async def _met(self, session: Session, found: Person) -> Met:
        theirs = {"customer": {"$in": list(found.snapshot.customers)}}
        parts = {"type": 1, "at": 1, "channel": 1}
        events = await self.database.find("events", theirs, parts, session=session)
        holds = await self.database.find("holds", theirs, session=session)
        wanted = {one.collection: {one.member: {"$in": list(one.ids(found.snapshot))}} for one in PLACES}
        wanted |= {name: one.wanted(found.snapshot) for name, one in SHARED.items()}
        counts = {name: await self._count(session, name, query) for name, query in wanted.items()}
        counts |= {
            "customers": 1,
            "source_records": len(found.records),
            "identifiers": len(found.identifiers),
        }
        return Met(found.snapshot, found.records, events, holds, counts)

    async def _count(self, session: Session, collection: str, wanted: Mapping[str, Any]) -> int:
        counting: list[Mapping[str, Any]] = [{"$match": wanted}, {"$count": "n"}]
        found = await self.database.aggregate(collection, counting, session)
        return int(found[0]["n"]) if found else 0
