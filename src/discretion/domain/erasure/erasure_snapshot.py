"""The snapshot of an erasure: all ids under which data of the person can be found, stored before deletion.

The snapshot is stored in the rights request and deleted by the last step. Identifiers that other customers
use too are theirs as well: they are not deleted and get no tombstone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.identity.clustering import is_shared
from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session


@dataclass(frozen=True, slots=True)
class ErasureSnapshot:
    """Ids of one person at ``taken_at`` (ms).

    Attributes:
        customers: The present customer id first, then the former ones.
        records: Their source records.
        own_identifiers: Entries (blind indexes) of identifiers that only they use.
        shared_identifiers: Entries of identifiers that other customers use too.
        rulings: Rulings of stewards about their records.
        laws: Keys of the jurisdictions that protected them.
    """

    taken_at: int
    customers: tuple[bytes, ...] = field(repr=False)
    records: tuple[bytes, ...] = field(repr=False)
    own_identifiers: tuple[bytes, ...] = field(repr=False)
    shared_identifiers: tuple[bytes, ...] = field(repr=False)
    rulings: tuple[bytes, ...] = field(repr=False)
    laws: tuple[str, ...]

    def to_document(self) -> MutableDocument:
        """Return the document that is stored in the request, under ``snapshot``.

        Returns:
            ``at`` (ms), ``customers``, ``records``, ``names`` (own identifiers), ``shared`` (shared
            identifiers), ``rulings``, ``laws``. An erasure with a scope stores only ``at`` and ``records``.
        """
        return {
            "at": self.taken_at,
            "customers": list(self.customers),
            "records": list(self.records),
            "names": list(self.own_identifiers),
            "shared": list(self.shared_identifiers),
            "rulings": list(self.rulings),
            "laws": list(self.laws),
        }


def parse_snapshot(document: Mapping[str, Any]) -> ErasureSnapshot:
    """Return the snapshot that ``ErasureSnapshot.to_document`` wrote."""
    return ErasureSnapshot(
        taken_at=document["at"],
        customers=tuple(document["customers"]),
        records=tuple(document["records"]),
        own_identifiers=tuple(document["names"]),
        shared_identifiers=tuple(document["shared"]),
        rulings=tuple(document["rulings"]),
        laws=tuple(document["laws"]),
    )


@dataclass(frozen=True, slots=True)
class ErasureSubject:
    """A person with all documents that identify them, read in one transaction."""

    customer: MutableDocument
    records: list[MutableDocument]
    identifiers: list[MutableDocument]
    snapshot: ErasureSnapshot


async def read_erasure_subject(
    database: Database, session: Session, catalogue: Catalogue, customer_id: bytes, now: int
) -> ErasureSubject | None:
    """Read the person with a present or former customer id; None if there is none."""
    by_id: MutableDocument = {"$or": [{"_id": customer_id}, {"merged.id": customer_id}]}
    customer = await database.find_one("customers", by_id, session=session)
    if customer is None:
        return None
    records = await database.find("source_records", {"customer": customer["_id"]}, session=session)
    records.sort(key=lambda record: record["_id"])
    record_ids = {record["_id"] for record in records}
    customers = {customer["_id"], *(former["id"] for former in customer["merged"])}
    customers |= {record["home"] for record in records if "home" in record}  # ids their records had first
    named_entries = {identifier["e"] for record in records for identifier in record["ids"]}
    query = {
        "$or": [
            {"_id": {"$in": sorted(named_entries)}},
            {"customer": {"$in": sorted(customers)}},
            # A record stores a limited number of identifiers; the index may name it for more.
            {"records": {"$in": sorted(record_ids)}},
        ]
    }
    identifiers = await database.find("identifiers", query, session=session)
    shared_entries = {
        identifier["_id"]
        for identifier in identifiers
        if await _is_shared(database, session, catalogue, identifier, record_ids)
    }
    entries = named_entries | {identifier["_id"] for identifier in identifiers}
    snapshot = ErasureSnapshot(
        taken_at=now,
        customers=(customer["_id"], *sorted(customers - {customer["_id"]})),
        records=tuple(sorted(record_ids)),
        own_identifiers=tuple(sorted(entries - shared_entries)),
        shared_identifiers=tuple(sorted(shared_entries)),
        rulings=tuple(sorted({ruling for record in records for ruling in record.get("rulings", ())})),
        laws=tuple(customer["laws"]),
    )
    return ErasureSubject(customer, records, identifiers, snapshot)


async def _is_shared(
    database: Database,
    session: Session,
    catalogue: Catalogue,
    identifier: Mapping[str, Any],
    own_records: Collection[bytes],
) -> bool:
    """Return whether a source record of another customer uses an identifier.

    An identifier that too many records use lists only the first of them. Then the records themselves are
    searched.
    """
    if not set(identifier["records"]) <= set(own_records):
        return True
    identifier_type = catalogue.identifiers.get(identifier["type"])
    if identifier_type is None or not is_shared(len(identifier["records"]), identifier_type):
        return False
    query = {"ids.e": identifier["_id"], "_id": {"$nin": sorted(own_records)}}
    return await database.find_one("source_records", query, {"_id": 1}, session=session) is not None
