"""After a restore, people who were erased since the dump stay erased, and all others can be read."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from bson import encode

from discretion.domain.backup import erasure_replay
from discretion.domain.backup.dump import MANIFEST, check_dump, write_dump
from discretion.domain.backup.restore import DatabaseRestore, RestoreResult
from discretion.domain.erasure.erasure_ledger import ErasureEntry
from discretion.domain.identity.stewardship import Stewardship
from discretion.errors import BadRequest, Misconfigured
from discretion.seal import bucket_keys
from discretion.store import erasures
from discretion.store.driver.database import Database, Session
from discretion.store.dump import DumpStore
from discretion.store.schema.collections import COLLECTIONS
from tests.fixtures.erasure_steps import BLIND
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform

PEOPLE = ("ann", "bob", "cem", "dia")
MADE_AT = 1_700_000_000_000


def ignore_progress(_name: str, _more: int) -> None:
    """Ignore the progress of a dump or a restore."""


async def send_people(platform: PlatformUnderTest, *names: str) -> None:
    """Send an identify message and an event of each person from the web shop."""
    for name in names:
        traits = {"email": f"{name}@post.example", "firstName": name.title()}
        await platform.send_messages(
            "web-shop",
            {"type": "identify", "messageId": f"{name}-1", "userId": name, "traits": traits},
            {
                "type": "track",
                "event": "Product Viewed",
                "messageId": f"{name}-2",
                "userId": name,
                "properties": {"product_id": "p1"},
            },
        )


async def read_given_name(platform: PlatformUnderTest, name: str) -> str | None:
    """Return the given name of a person as support reads it; None without a customer."""
    query = "query($w: IdentifierInput!) { customer(identifier: $w) { identity { givenName } } }"
    variables = {"w": {"type": "email", "value": f"{name}@post.example"}}
    answer = await platform.query(query, platform.issue_token("support"), variables)
    assert "errors" not in answer, answer
    customer = answer["data"]["customer"]
    return customer and str(customer["identity"]["givenName"])


async def build_erasure_entry(platform: PlatformUnderTest, name: str) -> ErasureEntry:
    """Return the ledger entry that an erasure of a person would write."""
    database = platform.internals.database
    entry = BLIND.index("email", f"{name}@post.example")
    identifier = await database.find_one("identifiers", {"_id": entry})
    assert identifier is not None
    (named,) = await database.find("source_records", {"_id": {"$in": identifier["claims"]}})
    records = await database.find("source_records", {"c": named["c"]})
    entries = {identifier_entry["e"] for record in records for identifier_entry in record["i"]}
    tombstones = [BLIND.index("tombstone", entry.hex()) for entry in sorted(entries)]
    return ErasureEntry(
        os.urandom(16),
        MADE_AT,
        tuple(tombstones),
        tuple(record["_id"] for record in records),
        (named["c"],),
    )


async def erase_person(platform: PlatformUnderTest, name: str) -> ErasureEntry:
    """Erase a person: delete the documents, write the ledger entry, and destroy the key."""
    database, internals = platform.internals.database, platform.internals
    erased = await build_erasure_entry(platform, name)
    by_records = {"$in": list(erased.records)}
    deletions: dict[str, dict[str, Any]] = {
        "customers": {"_id": erased.customers[0]},
        "source_records": {"c": erased.customers[0]},
        "identifiers": {"$or": [{"records": by_records}, {"claims": by_records}]},
        "events": {"c": erased.customers[0]},
        "messages": {"record": by_records},
    }

    async def begin(session: Session) -> None:
        await internals.erasure_log.erasures.record(erased.id, erased.at, session)
        for collection, query in deletions.items():
            await database.delete_many(collection, query, session=session)

    await database.run_transaction(begin)
    await internals.erasure_log.record(erased)
    await internals.crypto_shredding.shred(erased.customers)
    return erased


async def read_collections(database: Database) -> dict[str, bytes]:
    """Return each collection as bytes, except those that an erasure writes."""
    compared = {collection.name for collection in COLLECTIONS} - {"tombstones", erasures.COLLECTION}
    return {
        name: b"".join(encode(document) for document in await database.find(name, {}))
        for name in sorted(compared)
    }


async def write_test_dump(platform: PlatformUnderTest, folder: Path) -> Path:
    """Write a dump; return its folder."""
    target = folder / "dump"
    await write_dump(
        DumpStore(platform.internals.database),
        target,
        MADE_AT,
        ("0", platform.internals.catalogue.version),
        ignore_progress,
    )
    return target


async def check_erased(platform: PlatformUnderTest, erased: ErasureEntry) -> None:
    """Check that no document names the erased person, and that their tombstones are stored."""
    database = platform.internals.database
    for name, content in (await read_collections(database)).items():
        for record_id in (*erased.customers, *erased.records):
            assert record_id not in content, name
    tombstones = await database.find("tombstones", {"_id": {"$in": list(erased.tombstones)}})
    assert {tombstone["_id"]: tombstone["at"] for tombstone in tombstones} == dict.fromkeys(
        erased.tombstones, MADE_AT
    )


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_a_restore_leaves_out_people_who_were_erased_since(
    platform: PlatformUnderTest, tmp_path: Path
) -> None:
    """The keys of all others were rewrapped meanwhile, and are restored in their new form."""
    internals = platform.internals
    await send_people(platform, *PEOPLE)
    target = await write_test_dump(platform, tmp_path)
    ann = await erase_person(platform, "ann")
    await internals.crypto_shredding.shred(
        [customer["_id"] for customer in await internals.database.find("customers", {})]
    )
    after = await read_collections(internals.database)
    assert [await read_given_name(platform, name) for name in PEOPLE] == [None, "Bob", "Cem", "Dia"]
    assert await internals.backup_restore.run(target, ignore_progress, replace=True) == RestoreResult(1, 3, 0)
    await internals.erasure_log.check_replayed()
    await check_erased(platform, ann)
    assert [await read_given_name(platform, name) for name in PEOPLE] == [None, "Bob", "Cem", "Dia"]
    restored = await read_collections(internals.database)
    assert {name for name in after if len(after[name]) != len(restored[name])} <= {"disclosures"}


async def test_a_database_restored_by_other_tools_must_be_replayed_first(
    platform: PlatformUnderTest,
) -> None:
    """This applies to any older state, such as a disk snapshot."""
    internals, database = platform.internals, platform.internals.database
    await send_people(platform, *PEOPLE)
    before = {collection.name: await database.find(collection.name, {}) for collection in COLLECTIONS}
    ann = await erase_person(platform, "ann")
    await internals.erasure_log.check_replayed()
    for name, docs in before.items():
        await database.delete_many(name, {})
        await database.insert_many(name, docs)
    with pytest.raises(Misconfigured, match="1 later erasures") as refusal:
        await internals.erasure_log.check_replayed()
    assert refusal.value.code == "RESTORE_UNFINISHED"
    await internals.backup_restore.replay()
    await internals.erasure_log.check_replayed()
    await check_erased(platform, ann)


async def test_a_record_of_an_erased_former_merge_partner_is_left_out(
    platform: PlatformUnderTest, tmp_path: Path
) -> None:
    """After an unmerge and an erasure since the dump, the other customer stays, without the erased data."""
    internals, database = platform.internals, platform.internals.database
    await send_people(platform, "ann", "bob")
    bob, ann = await build_erasure_entry(platform, "bob"), await build_erasure_entry(platform, "ann")
    stewardship = Stewardship(internals.backup_restore._erasure_replay.rewriter)
    merged_customer = await stewardship.merge([bob.customers[0], ann.customers[0]], "steward:test", "a test")
    target = await write_test_dump(platform, tmp_path)
    living, other = (bob, ann) if merged_customer == bob.customers[0] else (ann, bob)
    merge = await database.find_one("identity_events", {"kind": "merged"})
    assert merge is not None
    await stewardship.unmerge(merge["_id"], "steward:test")
    await erase_person(platform, "ann" if other is ann else "bob")
    await internals.backup_restore.run(target, ignore_progress, replace=True)
    content = await read_collections(database)
    for record in other.records:
        assert record not in b"".join(content.values())
    [customer] = await database.find("customers", {})
    assert customer["_id"] == living.customers[0]
    assert await read_given_name(platform, "bob" if living is bob else "ann") == (
        "Bob" if living is bob else "Ann"
    )


async def test_an_interrupted_restore_must_be_run_again(
    platform: PlatformUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This holds for each step that can be interrupted."""
    internals = platform.internals
    await send_people(platform, *PEOPLE)
    target = await write_test_dump(platform, tmp_path)
    ann = await erase_person(platform, "ann")
    for step in ("replay", "_renew_keys"):
        with monkeypatch.context() as patched:

            async def die(_: DatabaseRestore, **_options: bool) -> Any:
                raise KeyboardInterrupt

            patched.setattr(DatabaseRestore, step, die)
            with pytest.raises(KeyboardInterrupt):
                await internals.backup_restore.run(target, ignore_progress, replace=True)
        with pytest.raises(Misconfigured) as refusal:
            await internals.erasure_log.check_replayed()
        assert refusal.value.code == "RESTORE_UNFINISHED"
    await internals.backup_restore.run(target, ignore_progress, replace=False)
    await internals.erasure_log.check_replayed()
    await check_erased(platform, ann)


async def test_a_dump_contains_no_bucket_key_and_is_not_overwritten(
    platform: PlatformUnderTest, tmp_path: Path
) -> None:
    """It contains wrapped keys, but neither bucket keys nor the ledger."""
    await send_people(platform, "ann")
    target = await write_test_dump(platform, tmp_path)
    names = {path.name for path in target.iterdir()}
    assert names == {MANIFEST, *(f"{name}.bson" for name in check_dump(target).files)}
    ring = platform.internals.discloser.revealer.buckets.ring
    content = b"".join(path.read_bytes() for path in target.iterdir())
    assert all(key not in content for number in range(ring.count) for key in ring[number].keys.values())
    with pytest.raises(BadRequest, match="exists") as refusal:
        await write_test_dump(platform, tmp_path)
    assert refusal.value.code == "BACKUP_EXISTS"


def damage_dump(target: Path, damage: str) -> None:
    """Damage a dump in one of several ways."""
    manifest = orjson.loads((target / MANIFEST).read_bytes())
    file = target / "customers.bson"
    if damage == "byte":
        content = file.read_bytes()
        file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    elif damage == "file":
        file.unlink()
    elif damage == "count":
        manifest["collections"]["customers"]["count"] += 1
    elif damage == "format":
        manifest["format"] = "another"
    else:
        manifest = {}
    (target / MANIFEST).write_bytes(orjson.dumps(manifest))


async def test_a_damaged_dump_is_refused_without_any_change(
    platform: PlatformUnderTest, tmp_path: Path
) -> None:
    """A dump is restored completely or not at all."""
    await send_people(platform, "ann")
    intact = await write_test_dump(platform, tmp_path)
    before = await read_collections(platform.internals.database)
    for damage in ("byte", "file", "manifest", "count", "format"):
        target = tmp_path / damage
        shutil.copytree(intact, target)
        damage_dump(target, damage)
        with pytest.raises(BadRequest) as refusal:
            await platform.internals.backup_restore.run(target, ignore_progress, replace=True)
        assert refusal.value.code == "BACKUP_UNREADABLE"
    assert await read_collections(platform.internals.database) == before
    await platform.internals.erasure_log.check_replayed()


async def test_data_is_replaced_only_on_request(platform: PlatformUnderTest, tmp_path: Path) -> None:
    """A dump is not loaded next to existing data either."""
    await send_people(platform, "ann")
    target = await write_test_dump(platform, tmp_path)
    before = await read_collections(platform.internals.database)
    with pytest.raises(BadRequest) as refusal:
        await platform.internals.backup_restore.run(target, ignore_progress, replace=False)
    assert refusal.value.code == "RESTORE_NOT_EMPTY"
    assert await read_collections(platform.internals.database) == before


async def test_a_dump_of_erased_people_only_is_restored_empty(
    platform: PlatformUnderTest, tmp_path: Path
) -> None:
    """It is not mistaken for a dump whose keys are missing."""
    await send_people(platform, "ann", "bob")
    target = await write_test_dump(platform, tmp_path)
    entries = [await erase_person(platform, name) for name in ("ann", "bob")]
    assert await platform.internals.backup_restore.run(
        target, ignore_progress, replace=True
    ) == RestoreResult(2, 0, 0)
    for entry in entries:
        await check_erased(platform, entry)
    assert await platform.internals.database.count("customers", {}) == 0


async def test_many_erasures_are_replayed_in_batches(
    platform: PlatformUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch may delete one record of an erased person before the rest, which is no remaining customer."""
    monkeypatch.setattr(erasure_replay, "REPLAY_BATCH", 1)
    monkeypatch.setattr(bucket_keys, "GRACE_S", 0)  # a destroyed key is in no process's memory either
    erased_names = [f"guest{number}" for number in range(4)]
    await send_people(platform, "ann", *erased_names)
    for name in erased_names:  # each has a second record
        traits = {"email": f"{name}@post.example"}
        await platform.send_messages(
            "ios-app", {"type": "identify", "messageId": f"{name}-3", "anonymousId": name, "traits": traits}
        )
    target = await write_test_dump(platform, tmp_path)
    erased = [await erase_person(platform, name) for name in erased_names]
    assert (
        await platform.internals.backup_restore.run(target, ignore_progress, replace=True)
    ).replayed_erasures == len(erased)
    for entry in erased:
        await check_erased(platform, entry)
    assert await read_given_name(platform, "ann") == "Ann"


async def test_a_restore_with_other_keys_is_refused(
    platform: PlatformUnderTest, database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """A missing key folder is reported, and nothing is changed."""
    await send_people(platform, "ann")
    target = await write_test_dump(platform, tmp_path)
    other = await build_test_platform(database, tmp_path / "other", commands, restoring=True)
    async with other.http:
        with pytest.raises(Misconfigured) as refusal:
            await other.internals.backup_restore.run(target, ignore_progress, replace=True)
    assert refusal.value.code == "KEYS_MISSING"
    assert await read_given_name(platform, "ann") == "Ann"


async def test_a_missing_or_truncated_ledger_is_detected(platform: PlatformUnderTest) -> None:
    """The attack: the last lines are cut off, so that erased people return with the next restore."""
    await send_people(platform, "ann", "bob")
    erasure_log = platform.internals.erasure_log
    await erase_person(platform, "ann")
    first_entry = erasure_log.ledger.path.read_bytes()
    await erase_person(platform, "bob")
    await erasure_log.check_replayed()
    erasure_log.ledger.path.write_bytes(first_entry)
    with pytest.raises(Misconfigured) as refusal:
        await erasure_log.check_replayed()
    assert refusal.value.code == "ERASURE_LEDGER_BROKEN"
    erasure_log.ledger.path.unlink()
    with pytest.raises(Misconfigured) as refusal:
        await erasure_log.check_replayed()
    assert refusal.value.code == "ERASURE_LEDGER_MISSING"


async def test_an_erasure_in_progress_does_not_prevent_a_start(platform: PlatformUnderTest) -> None:
    """It is written to the database, then to the ledger, then marked: the platform starts in each state."""
    await send_people(platform, "ann")
    erasure_log, database = platform.internals.erasure_log, platform.internals.database
    erased = await build_erasure_entry(platform, "ann")

    async def begin(session: Session) -> None:
        await erasure_log.erasures.record(erased.id, erased.at, session)

    await database.run_transaction(begin)
    await erasure_log.check_replayed()
    await erasure_log.ledger.append_entry(erased)
    await erasure_log.check_replayed()
    await erasure_log.record(replace(erased))
    await erasure_log.check_replayed()
    assert await erasure_log.list_missing() == []
