"""A restore without the erasure ledger is refused, unless its loss is accepted; erased people stay out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.domain.backup.restore import DatabaseRestore, RestoreResult
from discretion.domain.erasure.erasure_ledger import ErasureEntry
from discretion.errors import Misconfigured
from discretion.store.driver.database import Database
from discretion.store.dump import DumpStore, read_bson_file
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.store.domain.backup.test_restore import (
    PEOPLE,
    erase_person,
    ignore_progress,
    read_collections,
    read_given_name,
    send_people,
    write_test_dump,
)


@dataclass(frozen=True)
class LostLedger:
    """A dump with four people, of whom Ann was erased since, and a process that opens the database now."""

    dump: Path
    ann: ErasureEntry
    first_process: PlatformUnderTest
    platform: PlatformUnderTest

    @property
    def ledger(self) -> Path:
        """The file of the ledger."""
        return self.platform.internals.erasure_log.ledger.path

    async def restore(self, **options: Any) -> RestoreResult:
        """Restore the dump over the present data."""
        restore: DatabaseRestore = self.platform.internals.backup_restore
        return await restore.run(self.dump, ignore_progress, replace=True, **options)

    async def restore_refused(self) -> Misconfigured:
        """Restore the dump, which must be refused without any change."""
        database = self.platform.internals.database
        before = await read_collections(database)
        with pytest.raises(Misconfigured) as refusal:
            await self.restore()
        assert await read_collections(database) == before
        return refusal.value


@pytest_asyncio.fixture
async def lost(
    platform: PlatformUnderTest, database: Database, tmp_path: Path, commands: CommandRecorder
) -> AsyncIterator[LostLedger]:
    """Yield a dump and an erasure since; the ledger is still there."""
    await send_people(platform, *PEOPLE)
    dump = await write_test_dump(platform, tmp_path)
    ann = await erase_person(platform, "ann")
    later = await build_test_platform(database, tmp_path, commands, restoring=True)
    async with later.http:
        yield LostLedger(dump, ann, platform, later)


async def test_a_restore_without_the_ledger_is_refused(lost: LostLedger) -> None:
    """The database that is replaced records the erasure; the keys show it to an empty one, too."""
    lost.ledger.unlink()
    refusal = await lost.restore_refused()
    assert refusal.code == "ERASURE_LEDGER_LOST"
    assert "1 that the database or the dump records, and those of 1 customers" in refusal.message
    assert "--accept-lost-ledger" in refusal.advice
    await lost.platform.internals.database.delete_many("erasures", {})
    refusal = await lost.restore_refused()
    assert "0 that the database or the dump records, and those of 1 customers" in refusal.message
    assert not lost.ledger.exists()


async def test_a_restore_with_an_older_copy_of_the_ledger_is_refused(lost: LostLedger) -> None:
    """The copy is well-formed and lacks the last erasure."""
    older = lost.ledger.read_bytes()
    bob = await erase_person(lost.first_process, "bob")
    lost.ledger.write_bytes(older)
    await lost.platform.internals.database.delete_many("erasures", {})
    refusal = await lost.restore_refused()
    assert (refusal.code, "1 customers" in refusal.message) == ("ERASURE_LEDGER_LOST", True)
    assert (await lost.restore(accept_lost_ledger=True)).unreadable_customers == 1
    assert {entry.customers for entry in lost.platform.internals.erasure_log.ledger.read_entries()} == {
        lost.ann.customers,
        bob.customers,
    }


async def test_keys_destroyed_before_the_dump_show_that_a_ledger_is_lost(
    lost: LostLedger, tmp_path: Path
) -> None:
    """All people of the dump can be read; later erasures would be unknown."""
    dump = await write_test_dump(lost.platform, tmp_path / "later")
    lost.ledger.unlink()
    await lost.platform.internals.database.delete_many("erasures", {})
    with pytest.raises(Misconfigured) as refusal:
        await lost.platform.internals.backup_restore.run(dump, ignore_progress, replace=True)
    assert refusal.value.code == "ERASURE_LEDGER_LOST"
    assert "is missing, and so are" in refusal.value.message


def count_people(result: RestoreResult) -> tuple[int, int]:
    """Return the replayed erasures and the other unreadable customers.

    Keys are renewed of whoever shares the bucket of the erased person, which the random ids decide.
    """
    return result.replayed_erasures, result.unreadable_customers


async def test_an_accepted_loss_leaves_erased_people_out_and_writes_a_new_ledger(lost: LostLedger) -> None:
    """They are recognised by their destroyed keys. Another restore needs no acceptance, and late messages
    about them change nothing, as before."""
    lost.ledger.unlink()
    assert count_people(await lost.restore(accept_lost_ledger=True)) == (0, 1)
    internals = lost.platform.internals
    (entry,) = internals.erasure_log.ledger.read_entries()
    assert (entry.customers, set(entry.records)) == (lost.ann.customers, set(lost.ann.records))
    assert set(entry.tombstones) >= set(lost.ann.tombstones)
    await internals.erasure_log.check_replayed()
    await check_erased_at(lost, entry.at)
    assert count_people(await lost.restore()) == (1, 0)
    await check_erased_at(lost, entry.at)
    late = {"type": "identify", "messageId": "late", "userId": "ann", "traits": {"firstName": "Ann"}}
    await lost.first_process.send_messages("web-shop", late)  # its write keys are those of the dump
    await check_erased_at(lost, entry.at)
    assert [await read_given_name(lost.platform, name) for name in PEOPLE] == [None, "Bob", "Cem", "Dia"]


async def test_an_accepted_loss_forgets_what_the_database_records_of_it(
    lost: LostLedger, tmp_path: Path
) -> None:
    """The dump has an erasure that the ledger lacks; without its entry no process would start."""
    dump = await write_test_dump(lost.platform, tmp_path / "later")
    lost.ledger.unlink()
    restore = lost.platform.internals.backup_restore
    await restore.run(dump, ignore_progress, replace=True, accept_lost_ledger=True)
    await lost.platform.internals.erasure_log.check_replayed()
    assert await lost.platform.internals.database.count("erasures", {}) == 0


async def test_a_database_restored_by_other_tools_needs_its_ledger_too(lost: LostLedger) -> None:
    """The database stays marked until the ledger is there, or its loss is accepted."""
    internals = lost.platform.internals
    for path in lost.dump.glob("*.bson"):
        await internals.database.delete_many(path.stem, {})
        for batch in read_bson_file(path):
            await DumpStore(internals.database).insert_missing(path.stem, batch)
    await internals.database.delete_many("erasures", {})
    lost.ledger.unlink()
    with pytest.raises(Misconfigured) as refusal:
        await internals.backup_restore.replay()
    assert refusal.value.code == "ERASURE_LEDGER_LOST"
    with pytest.raises(Misconfigured) as refusal:
        await internals.erasure_log.check_replayed()
    assert refusal.value.code == "RESTORE_UNFINISHED"
    result = await internals.backup_restore.replay(accept_lost_ledger=True)
    assert count_people(result) == (0, 1)
    await internals.erasure_log.check_replayed()
    (entry,) = internals.erasure_log.ledger.read_entries()
    await check_erased_at(lost, entry.at)


async def check_erased_at(lost: LostLedger, at: int) -> None:
    """Check that no document names Ann, and that her tombstones have the time of the new entry."""
    for name, content in (await read_collections(lost.platform.internals.database)).items():
        for erased_id in (*lost.ann.customers, *lost.ann.records):
            assert erased_id not in content, name
    query = {"_id": {"$in": list(lost.ann.tombstones)}}
    stored = await lost.platform.internals.database.find("tombstones", query)
    assert {stone["_id"]: stone["at"] for stone in stored} == dict.fromkeys(lost.ann.tombstones, at)
