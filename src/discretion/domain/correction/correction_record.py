"""A customer's own record: what they corrected, and what they deny. It goes where their eldest one goes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import CORRECTIONS
from discretion.domain.identity.assignment import settle
from discretion.domain.identity.evidence_reader import Gathering, Known
from discretion.domain.identity.unit_of_work import Workshop, Writing
from discretion.domain.ingest.message import Fact
from discretion.domain.profiles.document_update import difference
from discretion.domain.profiles.source_record import empty
from discretion.store.driver.database import Database, Session, insert, update

Document = dict[str, Any]
Edit = Callable[[Document], Document]
"""A record -> the record as it is to be."""


@dataclass(frozen=True, slots=True)
class Owned:
    """What was read of a customer: their document as it was, and the id of their own record."""

    known: Known
    customer: Document
    record: bytes


async def owned(database: Database, session: Session, shop: Workshop, customer: bytes) -> Owned | None:
    """Read a customer, by an older id as it may be, with their own record, new if need be; None if gone."""
    wanted = {"$or": [{"_id": customer}, {"merged.id": customer}]}
    found = await database.find_one("customers", wanted, {"_id": 1}, session=session)
    if found is None:
        return None
    gathering = Gathering(database, session, shop.catalogue.identifiers)
    await gathering.customers([found["_id"]])
    known, here = gathering.known, found["_id"]
    name = hashlib.sha256(b"discretion/self\0" + customer).digest()[:16]
    if name not in known.records:
        known.add(_new(name, customer, here, known, shop.now))
    return Owned(known, known.customers[here], name)


async def write(
    database: Database, session: Session, shop: Workshop, one: Owned, edits: Mapping[bytes, Edit]
) -> None:
    """Write records of a customer anew, each by its id, and the profile that follows from all of them."""
    known = one.known
    people = settle(known, (), shop.catalogue.identifiers, sorted(known.records))
    known.open |= known.records.keys()
    writing = Writing(shop, known)
    for name, edit in edits.items():
        before = known.records[name]
        after = known.records[name] = edit(before)
        if before["v"] == 0:
            writing.add("source_records", insert({**after, "v": 1}))
        elif change := difference(before, after):
            versioned = {**change, "$inc": {"v": 1}}
            writing.add("source_records", update({"_id": name, "v": before["v"]}, versioned))
    for person in people:
        await writing.person(session, database, person, ())
    await writing.send(session, database)


def _new(name: bytes, customer: bytes, here: bytes, known: Known, now: int) -> Document:
    """It is of the eldest record under which the customer was first known: of the older id, if it is one."""
    theirs = [known.records[one] for one in known.of_customer(here)]
    eldest = min(theirs, key=lambda one: (one.get("home") != customer, one["born"], one["_id"]))
    return {**empty(name, Fact(CORRECTIONS, "", now, now, ()), here), "of": eldest["_id"]}
