"""The schema of a database moves forward by ``migrate_schema`` only, and other releases refuse it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from discretion.errors import Broken, Misconfigured
from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database
from discretion.store.installation import InstallationRecord, InstallationStore
from discretion.store.schema.apply import apply_schema, compute_declaration
from discretion.store.schema.migrate import (
    SCHEMA_VERSION,
    MigrationStep,
    check_schema_version,
    migrate_schema,
)

FRESH = InstallationRecord(0, SCHEMA_VERSION, compute_declaration(), b"ring", b"signing", 1)
SET_UP = replace(FRESH, schema=SCHEMA_VERSION)
NEXT = SCHEMA_VERSION + 1
OLD_DOCUMENT: MutableDocument = {"_id": "shop", "kind": "source", "source": "shop", "secret": b"d"}
NEW_DOCUMENT = {"_id": "shop", "kind": "source", "source": "shop", "digest": b"d"}


class KilledError(Exception):
    """Stands for the end of the process in the middle of a step."""


async def set_up(database: Database) -> InstallationRecord:
    """Set up a fresh database and return its record."""
    store = InstallationStore(database)
    await store.create(FRESH)
    await migrate_schema(database, FRESH, [])
    record = await store.find()
    assert record == SET_UP
    return record


async def read_record(database: Database) -> InstallationRecord:
    """Return the record of a database that was set up."""
    record = await InstallationStore(database).find()
    assert record is not None
    return record


async def store_unchecked(database: Database, document: MutableDocument) -> None:
    """Store a document of an earlier version."""
    await database.command({"collMod": "clients", "validationLevel": "off"})
    await database.insert_many("clients", [document])
    await apply_schema(database)


async def rename_secret(database: Database) -> None:
    """Turn the documents of the version before into those of this one."""
    query = {"secret": {"$exists": True}}
    while await database.count("clients", query):
        await database.update_one("clients", query, {"$rename": {"secret": "digest"}})


def read_refusal(record: InstallationRecord) -> str:
    """Return the code with which this release refuses a database, or nothing."""
    try:
        check_schema_version(record)
    except Misconfigured as refusal:
        return refusal.code if refusal.advice else "no advice"
    return ""


def test_a_release_starts_on_its_own_schema_only() -> None:
    """An older and a newer schema, an unfinished move and another build are refused, each with its code."""
    assert read_refusal(FRESH) == read_refusal(SET_UP) == ""
    assert read_refusal(replace(SET_UP, schema=NEXT, target=NEXT)) == "SCHEMA_NEWER"
    assert read_refusal(replace(SET_UP, target=NEXT)) == "SCHEMA_NEWER"
    assert read_refusal(replace(FRESH, target=NEXT)) == "SCHEMA_NEWER"
    assert read_refusal(replace(FRESH, target=SCHEMA_VERSION - 1)) == "SCHEMA_OLDER"
    assert read_refusal(replace(SET_UP, schema=-1, target=-1)) == "SCHEMA_OLDER"
    assert read_refusal(replace(SET_UP, schema=-1)) == "MIGRATION_UNFINISHED"
    assert read_refusal(replace(SET_UP, declaration="other")) == "SCHEMA_DIFFERS"


async def test_of_several_first_starts_one_record_remains(database: Database) -> None:
    """The record is inserted, never replaced."""
    store = InstallationStore(database)
    records = [replace(FRESH, bucket_keys=bytes([number])) for number in range(8)]
    await asyncio.gather(*(store.create(record) for record in records))
    winner = await store.find()
    assert winner in records
    await asyncio.gather(*(store.create(record) for record in records))
    assert await store.find() == winner
    assert await database.count("installation", {}) == 1


async def test_steps_run_in_order_up_to_the_version(database: Database) -> None:
    """A step changes documents that the validators of neither version would accept meanwhile."""
    record = await set_up(database)
    await store_unchecked(database, OLD_DOCUMENT)
    order: list[int] = []

    def build_step(number: int) -> MigrationStep:
        async def run(step_database: Database) -> None:
            order.append(number)
            await rename_secret(step_database)

        return MigrationStep(f"step {number}", run)

    steps = {number: build_step(number) for number in (NEXT + 2, NEXT, NEXT + 1)}
    lines: list[str] = []
    await migrate_schema(database, record, [], lines.append, steps, NEXT + 1)
    assert order == [NEXT, NEXT + 1]
    assert lines == [f"{number}: step {number}" for number in order]
    assert await database.find("clients", {}) == [NEW_DOCUMENT]
    moved = await read_record(database)
    assert (moved.schema, moved.target) == (NEXT + 1, NEXT + 1)
    assert read_refusal(moved) == "SCHEMA_NEWER"
    with pytest.raises(Broken):
        await database.insert_many("clients", [{**OLD_DOCUMENT, "_id": "till"}])


async def test_an_interrupted_migration_is_refused_and_can_be_run_again(database: Database) -> None:
    """No process of any release starts in between; the second run does what is left."""
    record = await set_up(database)
    await store_unchecked(database, OLD_DOCUMENT)
    await store_unchecked(database, {**OLD_DOCUMENT, "_id": "till"})

    async def run_half(step_database: Database) -> None:
        await step_database.update_one("clients", {"_id": "till"}, {"$rename": {"secret": "digest"}})
        raise KilledError

    with pytest.raises(KilledError):
        await migrate_schema(database, record, [], steps={NEXT: MigrationStep("x", run_half)}, version=NEXT)
    interrupted = await read_record(database)
    assert (interrupted.schema, interrupted.target) == (SCHEMA_VERSION, NEXT)
    assert read_refusal(interrupted) == "SCHEMA_NEWER"
    steps = {NEXT: MigrationStep("x", rename_secret)}
    for _ in range(2):
        await migrate_schema(database, await read_record(database), [], steps=steps, version=NEXT)
        assert await database.count("clients", {"digest": b"d"}) == 2
        moved = await read_record(database)
        assert (moved.schema, moved.target) == (NEXT, NEXT)
    with pytest.raises(Broken):
        await database.insert_many("clients", [{**OLD_DOCUMENT, "_id": "app"}])


async def test_the_schema_never_moves_back(database: Database) -> None:
    """Neither the steps nor the validators of an older release are applied to a newer database."""
    await set_up(database)
    store = InstallationStore(database)
    await store.begin_migration(NEXT)
    await store.end_migration(NEXT, "newer")
    newer = await read_record(database)
    with pytest.raises(Misconfigured) as caught:
        await migrate_schema(database, newer, [])
    assert caught.value.code == "SCHEMA_NEWER"
    await store.begin_migration(SCHEMA_VERSION)
    await store.end_migration(SCHEMA_VERSION, compute_declaration())
    assert await store.find() == newer
