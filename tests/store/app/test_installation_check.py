"""The first start records whose keys a database has; every later start must agree with it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

from discretion.app.installation_check import prepare_installation
from discretion.app.keys import load_key_fingerprint
from discretion.errors import Misconfigured
from discretion.settings import Settings
from discretion.store.driver.database import Database
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
