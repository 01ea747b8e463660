"""Restricting what is done with a person's data, and lifting it (GDPR Art. 18).

What is restricted is stored, and used for nothing but what the law demands: the next read in any process
obeys. Each of a person's records carries the word, so that it stays with them through a merge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from discretion.domain.identity.assignment import settle
from discretion.domain.identity.evidence_reader import Gathering
from discretion.domain.identity.unit_of_work import Workshop, Writing
from discretion.store.driver.database import Database, Session, update


@dataclass(frozen=True, slots=True)
class Restrict:
    """Restricts."""

    database: Database
    workshop: Callable[[], Workshop]

    async def __call__(self, customer: bytes, session: Session, *, restricted: bool = True) -> bool:
        """Restrict a customer, or lift it, within a transaction; whether they are there.

        ``customer`` may be an older id of theirs.
        """
        wanted = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        found = await self.database.find_one("customers", wanted, {"_id": 1}, session=session)
        if found is None:
            return False
        shop = self.workshop()
        gathering = Gathering(self.database, session, shop.catalogue.identifiers)
        await gathering.customers([found["_id"]])
        known = gathering.known
        people = settle(known, (), shop.catalogue.identifiers, sorted(known.records))
        known.open |= known.records.keys()
        writing = Writing(shop, known)
        for name, record in known.records.items():
            known.records[name] = {**record, "restricted": restricted}
            change = {"$set": {"restricted": restricted}, "$inc": {"v": 1}}
            writing.add("source_records", update({"_id": name}, change))
        for person in people:
            await writing.person(session, self.database, person, ())
        await writing.send(session, self.database)
        return True
