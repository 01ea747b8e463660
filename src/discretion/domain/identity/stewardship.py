"""A steward's word about who is who, carried out: people are joined, and parted again.

A word is kept as a ruling about source records and heard whenever their person is in question, so
no later evidence undoes it. The later word counts: it takes away what it contradicts. The same
word twice is one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.domain.identity.evidence_reader import Gathering, Known
from discretion.domain.identity.identity_events import MERGED
from discretion.domain.identity.resolution import settlement
from discretion.domain.identity.unit_of_work import Workshop
from discretion.errors import BadRequest, NotFound
from discretion.store.driver.database import Database, Operation, Session, delete, update

Document = dict[str, Any]
Sides = Sequence[Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Stewardship:
    """Joins and parts customers."""

    database: Database
    workshop: Callable[[], Workshop]

    async def merge(self, customers: Sequence[bytes], by: str) -> bytes:
        """Make customers one person; the customer they are now.

        Args:
            customers: Ids, old ones of merged customers too.
            by: Who says so, such as ``steward:privacy-office``.

        Raises:
            BadRequest: ``MERGE_OF_ONE``; NotFound: ``CUSTOMER_NOT_FOUND``.
        """

        async def work(session: Session) -> bytes:
            gathering = self._gathering(session)
            found = [await self._now(session, one) for one in customers]
            if len(set(found)) < 2:
                raise BadRequest("MERGE_OF_ONE", "These are one person already.", "Give at least two people.")
            await gathering.customers(found)
            sides = [sorted(gathering.known.of_customer(one)) for one in sorted(set(found))]
            return (await self._rule(session, gathering, sides, by, joined=True))[0]

        return await self.database.transaction(work)

    async def unmerge(self, merge: bytes, by: str) -> list[bytes]:
        """Part those whom a merge brought together, for good; the customers they are now.

        Args:
            merge: The id of an event of the identity history.
            by: Who says so.

        Raises:
            NotFound: ``MERGE_NOT_FOUND``.
        """

        async def work(session: Session) -> list[bytes]:
            event = await self.database.find_one("identity_events", {"_id": merge}, session=session)
            if event is None or event["kind"] != MERGED:
                raise NotFound(
                    "MERGE_NOT_FOUND",
                    "There is no such merge.",
                    "Take the id of a `merged` event from `customer { identityHistory }`.",
                )
            gathering = self._gathering(session)
            await gathering.records(record for side in event["sides"] for record in side)
            return await self._rule(session, gathering, event["sides"], by, joined=False)

        return await self.database.transaction(work)

    def _gathering(self, session: Session) -> Gathering:
        return Gathering(self.database, session, self.workshop().catalogue.identifiers)

    async def _now(self, session: Session, customer: bytes) -> bytes:
        """The customer behind an id, which may be an older one."""
        wanted = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        found = await self.database.find_one("customers", wanted, {"_id": 1}, session=session)
        if found is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        here: bytes = found["_id"]
        return here

    async def _rule(
        self, session: Session, gathering: Gathering, sides: Sides, by: str, *, joined: bool
    ) -> list[bytes]:
        known, shop = gathering.known, self.workshop()
        named = {record for side in sides for record in side}
        await gathering.around([], named)
        ruling = {
            "_id": _name(sides, joined=joined),
            "joined": joined,
            "sides": [list(side) for side in sides],
            "by": by,
            "at": shop.now,
        }
        writes: list[tuple[str, Operation]] = []
        for one in contradicted(known.rulings.values(), sides, joined=joined):
            _forget(known, one)
            writes.append(("rulings", delete({"_id": one})))
        _note(known, ruling, named)
        told = {key: value for key, value in ruling.items() if key != "_id"}
        writes.append(("rulings", update({"_id": ruling["_id"]}, {"$set": told}, upsert=True)))
        done = await settlement(self.database, session, shop, known, by, also=writes)
        return [customer for customer, person in done.settled.items() if not named.isdisjoint(person.records)]


def contradicted(rulings: Iterable[Document], sides: Sides, *, joined: bool) -> list[bytes]:
    """Ids of the earlier rulings that say of some of these records the contrary of a new one."""
    return [
        one["_id"]
        for one in rulings
        if one["joined"] is not joined
        and (_parts(one["sides"], sides) if joined else _parts(sides, one["sides"]))
    ]


def _parts(parting: Sides, joining: Sides) -> bool:
    """Whether one word tells apart two records that another joins."""
    together = {record for side in joining for record in side}
    return sum(1 for side in parting if not together.isdisjoint(side)) > 1


def _name(sides: Sides, *, joined: bool) -> bytes:
    """The same word has the same id."""
    told = b"|".join(b"".join(sorted(side)) for side in sorted(map(sorted, sides)))
    return hashlib.sha256((b"joined|" if joined else b"parted|") + told).digest()[:16]


def _note(known: Known, ruling: Document, named: Iterable[bytes]) -> None:
    known.rulings[ruling["_id"]] = ruling
    for one in known.records.keys() & set(named):
        known.ruled[one] = sorted({*_rulings(known, one), ruling["_id"]})


def _forget(known: Known, ruling: bytes) -> None:
    del known.rulings[ruling]
    for one in known.records:
        if ruling in (told := _rulings(known, one)):
            known.ruled[one] = [other for other in told if other != ruling]


def _rulings(known: Known, record: bytes) -> Sequence[bytes]:
    if record in known.ruled:
        return known.ruled[record]
    told: Sequence[bytes] = known.records[record].get("rulings", ())
    return told
