"""Who is erased: every id by which anything of them can be found, written down before anything goes.

The snapshot is kept in the request and destroyed last. Identifiers that living others name as well are theirs
too: they are not erased, and no tombstone stands over them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.identity.clustering import shared
from discretion.store.driver.database import Database, Session

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Ids of one person, as they stood at ``at`` (ms).

    ``customers`` are the id they have and those they had, ``records`` their source records, ``names`` the
    entries of identifiers that are theirs alone, ``shared`` those that others name too, ``rulings`` what
    stewards said about them. ``laws`` are keys of the jurisdictions that protected them.
    """

    at: int
    customers: tuple[bytes, ...] = field(repr=False)
    records: tuple[bytes, ...] = field(repr=False)
    names: tuple[bytes, ...] = field(repr=False)
    shared: tuple[bytes, ...] = field(repr=False)
    rulings: tuple[bytes, ...] = field(repr=False)
    laws: tuple[str, ...]

    def document(self) -> Document:
        """As it is kept."""
        return {
            "at": self.at,
            "customers": list(self.customers),
            "records": list(self.records),
            "names": list(self.names),
            "shared": list(self.shared),
            "rulings": list(self.rulings),
            "laws": list(self.laws),
        }


def read(document: Mapping[str, Any]) -> Snapshot:
    """What ``Snapshot.document`` gave."""
    return Snapshot(
        at=document["at"],
        customers=tuple(document["customers"]),
        records=tuple(document["records"]),
        names=tuple(document["names"]),
        shared=tuple(document["shared"]),
        rulings=tuple(document["rulings"]),
        laws=tuple(document["laws"]),
    )


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with everything that says who they are, as it was read in one transaction."""

    customer: Document
    records: list[Document]
    identifiers: list[Document]
    snapshot: Snapshot


async def person(
    database: Database, session: Session, catalogue: Catalogue, customer: bytes, now: int
) -> Person | None:
    """The person behind an id, which may be an older one; None if there is nobody."""
    wanted: Document = {"$or": [{"_id": customer}, {"merged.id": customer}]}
    found = await database.find_one("customers", wanted, session=session)
    if found is None:
        return None
    records = await database.find("source_records", {"customer": found["_id"]}, session=session)
    records.sort(key=lambda one: one["_id"])
    mine = {one["_id"] for one in records}
    customers = {found["_id"], *(one["id"] for one in found["merged"])}
    customers |= {one["home"] for one in records if "home" in one}
    named = {one["e"] for record in records for one in record["ids"]}
    theirs = {
        "$or": [
            {"_id": {"$in": sorted(named)}},
            {"customer": {"$in": sorted(customers)}},
            {"records": {"$in": sorted(mine)}},  # a record keeps so many of the names it was given
        ]
    }
    identifiers = await database.find("identifiers", theirs, session=session)
    others = {one["_id"] for one in identifiers if await _others(database, session, catalogue, one, mine)}
    names = named | {one["_id"] for one in identifiers}
    snapshot = Snapshot(
        at=now,
        customers=(found["_id"], *sorted(customers - {found["_id"]})),
        records=tuple(sorted(mine)),
        names=tuple(sorted(names - others)),
        shared=tuple(sorted(others)),
        rulings=tuple(sorted({one for record in records for one in record.get("rulings", ())})),
        laws=tuple(found["laws"]),
    )
    return Person(found, records, identifiers, snapshot)


async def _others(
    database: Database,
    session: Session,
    catalogue: Catalogue,
    identifier: Mapping[str, Any],
    mine: Collection[bytes],
) -> bool:
    """Whether a living record of somebody else names an identifier.

    Of one that too many name, only the first are on its list; then the records themselves are looked at.
    """
    if not set(identifier["records"]) <= set(mine):
        return True
    kind = catalogue.identifiers.get(identifier["type"])
    if kind is None or not shared(len(identifier["records"]), kind):
        return False
    wanted = {"ids.e": identifier["_id"], "_id": {"$nin": sorted(mine)}}
    return await database.find_one("source_records", wanted, {"_id": 1}, session=session) is not None
