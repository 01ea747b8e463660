"""The first start records whose keys a database has; every later start must agree with it."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from discretion.app.installation_check import SchemaMigration, prepare_installation
from discretion.app.keys import bucket_keys_path, load_key_fingerprint, signing_keys_path
from discretion.errors import Misconfigured
from discretion.settings import Settings
from discretion.store.driver.database import Database
from discretion.store.installation import InstallationStore
from discretion.store.schema.migrate import SCHEMA_VERSION
from tests.fixtures.mongo import CommandRecorder, borrow_database

ROOT, OTHER_ROOT = bytes(range(32)), bytes(range(1, 33))
SCHEMA_COMMANDS = ("create", "collMod", "createIndexes", "dropIndexes")


def build_settings(folder: Path) -> Settings:
    """Return the settings of a host with this data folder."""
    return replace(Settings(), data_dir=folder, buckets=4)


async def start(database: Database, folder: Path, root: bytes = ROOT) -> str:
    """Return the code with which a host with this data folder is refused, or nothing."""
    try:
        await prepare_installation(build_settings(folder), root, database, [], lambda: 1, os.urandom)
    except Misconfigured as refusal:
        return refusal.code if refusal.advice else "no advice"
    return ""


async def test_of_many_first_starts_exactly_one_host_wins(database: Database, tmp_path: Path) -> None:
    """Each host has keys of its own; all start at once, and the losers lose every later start too."""
    folders = [tmp_path / str(number) for number in range(6)]
    for folder in folders:
        load_key_fingerprint(build_settings(folder), ROOT, lambda: 1, os.urandom)
    outcomes = await asyncio.gather(*(start(database, folder) for folder in folders))
    assert sorted(set(outcomes)) == ["", "KEYS_DIFFER"]
    assert outcomes.count("") == 1
    assert [await start(database, folder) for folder in folders] == outcomes


async def test_hosts_that_share_their_keys_all_start(database: Database, tmp_path: Path) -> None:
    """Also at once, and also if the first start was killed before the collections existed."""
    assert set(await asyncio.gather(*(start(database, tmp_path) for _ in range(6)))) == {""}
    change = {"$set": {"schema": 0}}
    await database.update_one("installation", {}, change)
    await database.command({"drop": "customers"})
    assert set(await asyncio.gather(*(start(database, tmp_path) for _ in range(6)))) == {""}
    listed = await database.command({"listCollections": 1, "filter": {"name": "customers"}})
    assert listed["cursor"]["firstBatch"][0]["options"]["validationLevel"] == "strict"


async def test_another_root_key_or_missing_keys_are_refused(database: Database, tmp_path: Path) -> None:
    """No new keys are made beside data that the old ones open."""
    assert await start(database, tmp_path) == ""
    assert await start(database, tmp_path, OTHER_ROOT) == "KEY_FILE_UNREADABLE"
    assert await start(database, tmp_path / "new", OTHER_ROOT) == "KEYS_MISSING"
    assert not (tmp_path / "new").exists()


async def test_customers_without_a_record_are_refused(mongo_url: str, tmp_path: Path) -> None:
    """A database of an earlier release, or one that was restored in part."""
    async with borrow_database(mongo_url, is_new=True) as database:
        await database.insert_many("source_records", [{"_id": 1}])
        assert await start(database, tmp_path) == "SCHEMA_UNKNOWN"
    assert not (tmp_path / "keys").exists()


async def test_a_later_start_changes_nothing_in_the_database(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """An ordinary start sends no command that changes collections, validators, indexes or documents."""
    assert await start(database, tmp_path) == ""
    assert [commands.list_commands(name) for name in SCHEMA_COMMANDS[:3]] != [[], [], []]
    commands.clear()
    assert await start(database, tmp_path) == ""
    assert {next(iter(command)) for command in commands.sent} == {"find"}


async def migrate(database: Database, folder: Path, *, accept_signing_keys: bool = False) -> str:
    """Return the code with which a migration on a host with this data folder is refused, or nothing."""
    migration = SchemaMigration(build_settings(folder), ROOT, database, [], lambda: 1, os.urandom)
    try:
        await migration.run(lambda _: None, accept_signing_keys=accept_signing_keys)
    except Misconfigured as refusal:
        return refusal.code
    return ""


async def test_lost_signing_keys_are_replaced_by_a_deliberate_act_only(
    database: Database, tmp_path: Path
) -> None:
    """No start and no plain migration makes new ones. Hosts with the lost ones are refused afterwards."""
    assert await start(database, tmp_path / "a") == ""
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    lost = signing_keys_path(build_settings(tmp_path / "a"))
    lost.unlink()
    assert await start(database, tmp_path / "a") == "KEYS_MISSING"
    assert await migrate(database, tmp_path / "a") == ""
    assert await start(database, tmp_path / "a") == "KEYS_MISSING"
    assert not lost.exists()
    assert await migrate(database, tmp_path / "a", accept_signing_keys=True) == ""
    assert lost.exists()
    assert await start(database, tmp_path / "a") == ""
    assert await start(database, tmp_path / "b") == "KEYS_DIFFER"


@pytest.mark.parametrize("names", [["signing keys"], ["bucket keys"], ["bucket keys", "signing keys"]])
async def test_the_refusal_of_keys_names_the_door_for_lost_signing_keys_only(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    """Lost bucket keys have no door: nothing would open the customers."""
    assert await start(database, tmp_path / "a") == ""
    make_keys(tmp_path / "b")
    paths = {"signing keys": signing_keys_path, "bucket keys": bucket_keys_path}
    here, elsewhere = [build_settings(tmp_path / host) for host in ("a", "b")]
    for name in names:
        paths[name](here).unlink()
    refusals = [await find_refusal(database, tmp_path / "a")]
    for name in names:
        shutil.copy(paths[name](elsewhere), paths[name](here))
    refusals.append(await find_refusal(database, tmp_path / "a"))
    assert [refusal.code for refusal in refusals] == ["KEYS_MISSING", "KEYS_DIFFER"]
    for refusal in refusals:
        assert ("discretion migrate --accept-signing-keys" in refusal.advice) is (names == ["signing keys"])


async def test_other_or_missing_bucket_keys_are_never_accepted(database: Database, tmp_path: Path) -> None:
    """Nothing is changed, and none are made."""
    assert await start(database, tmp_path / "a") == ""
    before = await InstallationStore(database).find()
    make_keys(tmp_path / "b")
    assert await migrate(database, tmp_path / "b", accept_signing_keys=True) == "KEYS_DIFFER"
    assert await migrate(database, tmp_path / "c", accept_signing_keys=True) == "KEYS_MISSING"
    assert not (tmp_path / "c").exists()
    assert await InstallationStore(database).find() == before


async def test_signing_keys_are_not_accepted_by_an_older_release(database: Database, tmp_path: Path) -> None:
    assert await start(database, tmp_path / "a") == ""
    await InstallationStore(database).begin_migration(SCHEMA_VERSION + 1)
    before = await InstallationStore(database).find()
    signing_keys_path(build_settings(tmp_path / "a")).unlink()
    assert await migrate(database, tmp_path / "a", accept_signing_keys=True) == "SCHEMA_NEWER"
    assert await InstallationStore(database).find() == before


def make_keys(folder: Path) -> None:
    """Make keys of a host's own, as for another database."""
    load_key_fingerprint(build_settings(folder), ROOT, lambda: 1, os.urandom)


async def find_refusal(database: Database, folder: Path) -> Misconfigured:
    """Return the refusal of a start."""
    with pytest.raises(Misconfigured) as caught:
        await prepare_installation(build_settings(folder), ROOT, database, [], lambda: 1, os.urandom)
    return caught.value
