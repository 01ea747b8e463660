"""Plants Ann and Bob in every place of the map, erases Ann, and says where she still is.

The mutants of the map run the same flows, so these raise nothing: they return the faults.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bson import encode

from discretion.catalogue.assurance import Assurance
from discretion.domain.backup.dump import write_dump
from discretion.errors import DiscretionError
from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database
from discretion.store.dump import DumpStore
from discretion.store.person_stores import open_person_stores
from discretion.store.places import search
from discretion.store.source_record import RecordIdentifier
from discretion.store.source_record_codec import RULINGS
from discretion.store.subject_request import RequestScope
from tests.fixtures.erasure_steps import BLIND, ErasureSteps
from tests.fixtures.platform import PlatformUnderTest
from tests.store.places.planted_documents import (
    KEPT_BY_DESIGN,
    LEAVING_TOMBSTONES,
    PLANTERS,
    PersonIds,
    PlantedDocument,
    build_document,
)

Planting = Mapping[str, Sequence[PlantedDocument]]

OUTLIVING_RESTORE = ("held", "holds", "deliveries")
"""Collections whose documents since the dump must outlive a restore: the law or a steward ordered them."""


@dataclass(frozen=True)
class PlantedPeople:
    """Ann and Bob, and the documents that name them, by collection."""

    ann: PersonIds
    bob: PersonIds
    planting: Planting = field(repr=False)
    scanned: frozenset[Any] = frozenset()
    """Ids of planted documents that are not looked at."""


async def create_person(platform: PlatformUnderTest, user_id: str, email: str) -> PersonIds:
    """Send a message about a person; return their ids."""
    identify = {"type": "identify", "userId": user_id, "messageId": secrets.token_hex(8)}
    await platform.send_messages("web-shop", {**identify, "traits": {"email": email}})
    entry = BLIND.index("email", email)
    identifier = await platform.internals.database.find_one("identifiers", {"_id": entry})
    assert identifier is not None
    record = identifier["claims"][0]
    customers = await open_person_stores(platform.internals.database).source_records.find_customers([record])
    return PersonIds(customers[record], record, entry)


async def plant_people(platform: PlatformUnderTest) -> PlantedPeople:
    """Create Ann and Bob, and plant both in every collection."""
    unique, database = secrets.token_hex(6), platform.internals.database
    ann, bob = [
        await create_person(platform, f"{name}-{unique}", f"{name}-{unique}@post.example")
        for name in ("ann", "bob")
    ]
    planting = {name: planter(ann, bob) for name, planter in PLANTERS.items()}
    for name, planted in planting.items():
        await database.insert_many(name, [dict(item.document) for item in planted])
    for person in (ann, bob):
        await _name_in_record(platform, person, planting)
    return PlantedPeople(ann, bob, planting)


async def _name_in_record(platform: PlatformUnderTest, person: PersonIds, planting: Planting) -> None:
    """Let the source record of a person name the rulings about it, and one more identifier."""
    stores = open_person_stores(platform.internals.database)
    rulings = [item.document for item in planting["rulings"] if not item.by_scan]
    named = [ruling["_id"] for ruling in rulings if any(person.record in side for side in ruling["sides"])]
    (record,) = await stores.source_records.list_by_ids([person.record])
    stray = RecordIdentifier(person.stray, "cookie", {Assurance.PRESENTED: 1}, b"sealed")
    changed = replace(record.copy(), rulings=tuple(named), identifiers=(*record.identifiers, stray))
    write = stores.source_records.plan_save(record, changed)
    assert write is not None
    await stores.transactions.send([write])


async def find_faults_of_erasure(platform: PlatformUnderTest, *, is_large: bool = False) -> list[str]:
    """Erase Ann by all steps of an erasure; with ``is_large``, all collections are searched by index only."""
    people = await plant_people(platform)
    scan_limit = search.SCAN_LIMIT
    search.SCAN_LIMIT = 0 if is_large else scan_limit
    try:
        forecast = await platform.internals.erasure.erasure_preview.run(people.ann.customer, RequestScope())
        await ErasureSteps(platform).erase_customer(people.ann.customer)
    except DiscretionError as error:
        return [error.code]
    finally:
        search.SCAN_LIMIT = scan_limit
    if is_large:
        indexed = {
            name: [item for item in planted if not item.by_scan] for name, planted in people.planting.items()
        }
        people = replace(people, planting=indexed, scanned=_list_scanned(people.planting))
    faults = [fault async for fault in _iterate_faults(platform.internals.database, people)]
    counted = {deletion.collection: deletion.count for deletion in forecast.deletions}
    changed = {
        name: sum(item.left != item.document for item in planted)
        for name, planted in people.planting.items()
        if name not in KEPT_BY_DESIGN
    }
    # Not planted but sent: Ann's customer document, source record, e-mail address and account, and a message.
    own = {"customers": 1, "source_records": 1, "identifiers": 2, "messages": 1}
    expected = {name: changed.get(name, 0) + own.get(name, 0) for name in {*changed, *own}}
    faults += [
        f"dry run of {name}: {counted.get(name, 0)}, not {count}"
        for name, count in sorted(expected.items())
        if counted.get(name, 0) != count
    ]
    return faults


async def find_faults_of_restore(platform: PlatformUnderTest, folder: Path) -> list[str]:
    """Dump the planted people into a data folder, erase Ann, and restore the dump."""
    people, internals = await plant_people(platform), platform.internals
    dump = folder / "backups" / secrets.token_hex(4)
    await write_dump(DumpStore(internals.database), dump, 1, ("0", "0"), lambda _name, _more: None)
    since = {name: build_document(name, "key", "customer") for name in OUTLIVING_RESTORE}
    for name, document in since.items():
        await internals.database.insert_many(name, [dict(document)])
    try:
        await ErasureSteps(platform).erase_customer(people.ann.customer)
        await internals.backup_restore.run(dump, lambda _name, _more: None, replace=True)
    except DiscretionError as error:
        return [error.code]
    faults = [fault async for fault in _iterate_faults(internals.database, people)]
    return faults + [
        f"{name}: what was written since the dump is lost"
        for name, document in since.items()
        if await internals.database.find_one(name, {"_id": document["_id"]}) != document
    ]


async def find_faults_of_return(platform: PlatformUnderTest) -> list[str]:
    """Let Ann come back while she is being erased: what came since then is not part of the erasure."""
    people, steps = await plant_people(platform), platform.internals.erasure
    database, erasing = platform.internals.database, ErasureSteps(platform)
    request = await erasing.create_request(people.ann.customer)
    try:
        await erasing.run_step(request, steps.profile_deletion.run, 0)
    except DiscretionError as error:
        return [error.code]
    returned_at = platform.internals.discloser.now_ms()
    tombstones = platform.internals.erasure.purge.tombstones
    marks = dict.fromkeys((people.ann.record, people.ann.identifier), returned_at)
    await database.bulk_write("tombstones", tombstones.build_readmissions(marks))
    again = PersonIds(secrets.token_bytes(16), people.ann.record, people.ann.identifier)
    since = {
        name: [_date_document(item.document, returned_at + 1) for item in PLANTERS[name](again, people.bob)]
        for name in ("events", "messages", "dead_letters", "rulings", "identity_events", "consents")
    }
    for name, documents in since.items():
        await database.insert_many(name, [dict(document) for document in documents])
    try:
        await erasing.run_step(request, steps.purge.run, 2)
    except DiscretionError as error:
        return [error.code]
    return [
        f"{name}: a document since the return changed"
        for name, documents in since.items()
        for document in documents
        if await database.find_one(name, {"_id": document["_id"]}) != document
    ]


def _date_document(document: MutableDocument, at: int) -> MutableDocument:
    times: dict[str, Any] = {name: at for name in ("at", "received", "t", "n") if name in document}
    return {**document, **times, "_id": secrets.token_bytes(16)}


async def _iterate_faults(database: Database, people: PlantedPeople) -> Any:
    """Yield what is wrong with the database after the erasure of Ann."""
    contents = {name: await database.find(name, {}) for name in sorted(PLANTERS)}
    for name, documents in contents.items():
        if name not in KEPT_BY_DESIGN:
            examined = [document for document in documents if document["_id"] not in people.scanned]
            for fault in find_ids(b"".join(map(encode, examined)), people.ann.all):
                yield f"{name}: {fault}"
        stored = {document["_id"]: document for document in documents}
        for number, item in enumerate(people.planting.get(name, ())):
            if stored.get(item.document["_id"]) != item.left:
                yield f"{name}: document {number} is {'there' if item.left is None else 'not as expected'}"
    for fault in _find_missing_tombstones(people.planting, contents["tombstones"]):
        yield fault
    bob = [record for record in contents["source_records"] if record["_id"] == people.bob.record]
    remaining = {ruling["_id"] for ruling in contents["rulings"]}
    if len(bob) != 1 or not set(bob[0].get(RULINGS, ())) <= remaining:
        yield "source_records: Bob's record is gone or names a ruling that is gone"
    if not any(customer["_id"] == people.bob.customer for customer in contents["customers"]):
        yield "customers: Bob is gone"


def find_ids(content: bytes, ids: Iterable[bytes]) -> Iterator[str]:
    """Yield which ids are in some bytes."""
    for number, value in enumerate(ids):
        if value in content or value.hex().encode() in content:
            yield f"id {number} of Ann is left"


def _list_scanned(planting: Planting) -> frozenset[Any]:
    return frozenset(
        item.document["_id"] for planted in planting.values() for item in planted if item.by_scan
    )


def _find_missing_tombstones(planting: Planting, tombstones: Sequence[MutableDocument]) -> Iterator[str]:
    present = {tombstone["_id"] for tombstone in tombstones}
    for name in sorted(LEAVING_TOMBSTONES):
        for item in planting[name]:
            tombstone = BLIND.index("tombstone", item.document["_id"].hex())
            if item.left is None and tombstone not in present:
                yield f"{name}: a deleted message has no tombstone"
