"""``discretion backup`` and ``restore`` as an operator runs them."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

from discretion.store.driver.database import Database
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import ROOT_KEY, build_test_platform
from tests.fixtures.program import run_program
from tests.fixtures.server_process import environment, run_command, start_server
from tests.store.domain.backup.test_restore import check_erased, erase_person, read_given_name, send_people


def run_refused(settings: dict[str, str], *arguments: str) -> str:
    """Run a command that must fail and return its error output."""
    process = run_program(arguments, environment(settings))
    assert process.returncode == 1, process.stderr
    return process.stderr


async def test_a_restored_backup_keeps_later_erasures(
    database: Database, mongo_url: str, tmp_path: Path
) -> None:
    """Customers erased since the backup stay erased; no server starts without those erasures, and a ledger
    that is lost has to be given up on purpose."""
    platform = await build_test_platform(database, tmp_path, CommandRecorder())
    settings = {
        "DISCRETION_MONGO_URL": mongo_url,
        "DISCRETION_MONGO_DATABASE": database.name,
        "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT_KEY).decode(),
        "DISCRETION_DATA_DIR": str(tmp_path),
        "DISCRETION_BUCKETS": "64",
    }
    target = str(tmp_path / "dump")
    async with platform.http:
        await send_people(platform, "ann", "bob")
        run_command(settings, "backup", target)
        assert "BACKUP_EXISTS" in run_refused(settings, "backup", target)
        assert not list((tmp_path / "dump").glob("*.key*"))
        ann = await erase_person(platform, "ann")
        assert "RESTORE_NOT_EMPTY" in run_refused(settings, "restore", target)
        ledger, elsewhere = platform.internals.erasure_log.ledger.path, tmp_path / "elsewhere.jsonl"
        shutil.move(ledger, elsewhere)
        assert "ERASURE_LEDGER_MISSING" in run_refused(settings, "serve", "--port", "0")
        assert "ERASURE_LEDGER_LOST" in run_refused(settings, "restore", target, "--replace")
        settings["DISCRETION_ERASURE_LEDGER"] = str(elsewhere)
        # Simulates a restore by a tool that does not know the erasure ledger.
        await database.delete_many("erasures", {})
        assert "RESTORE_UNFINISHED" in run_refused(settings, "serve", "--port", "0")
        run_command(settings, "restore", target, "--replace")
        with start_server(settings, tmp_path / "log"):
            await check_erased(platform, ann)
            assert [await read_given_name(platform, name) for name in ("ann", "bob")] == [None, "Bob"]
        elsewhere.unlink()
        assert "ERASURE_LEDGER_LOST" in run_refused(settings, "restore", target, "--replace")
        run_command(settings, "restore", target, "--replace", "--accept-lost-ledger")
        run_command(settings, "restore", target, "--replace")
        with start_server(settings, tmp_path / "log"):
            assert [await read_given_name(platform, name) for name in ("ann", "bob")] == [None, "Bob"]
