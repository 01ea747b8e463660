"""``discretion backup`` and ``restore`` as an operator types them, and a server that waits for the second."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

from discretion.store.driver.database import Database
from tests.fixtures.demo import PROGRAM
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import ROOT, build
from tests.fixtures.server_process import environment, served, told
from tests.store.domain.backup.test_restore import enrol, erase, gone, name_of


def refused(settings: dict[str, str], *words: str) -> str:
    """What a command says that does not do it."""
    done = subprocess.run(
        [*PROGRAM, *words], env=environment(settings), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    return done.stderr


async def test_a_dump_is_made_and_restored_by_command(
    database: Database, mongo_url: str, tmp_path: Path
) -> None:
    """Who was erased since stays gone, and no server starts on a database that does not know of it."""
    house = await build(database, tmp_path, Commands())
    settings = {
        "DISCRETION_MONGO_URL": mongo_url,
        "DISCRETION_MONGO_DATABASE": database.name,
        "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT).decode(),
        "DISCRETION_DATA_DIR": str(tmp_path),
        "DISCRETION_BUCKETS": "64",
    }
    target = str(tmp_path / "dump")
    async with house.http:
        await enrol(house, "ann", "bob")
        told(settings, "backup", target)
        assert "BACKUP_EXISTS" in refused(settings, "backup", target)
        assert not list((tmp_path / "dump").glob("*.key*"))
        ann = await erase(house, "ann")
        assert "RESTORE_NOT_EMPTY" in refused(settings, "restore", target)
        ledger, elsewhere = house.platform.remember.ledger.path, tmp_path / "elsewhere.jsonl"
        shutil.move(ledger, elsewhere)
        assert "ERASURE_LEDGER_MISSING" in refused(settings, "serve", "--port", "0")
        settings["DISCRETION_ERASURE_LEDGER"] = str(elsewhere)
        # As another tool would, which knows of no ledger.
        await database.delete_many("erasures", {})
        assert "RESTORE_UNFINISHED" in refused(settings, "serve", "--port", "0")
        told(settings, "restore", target, "--replace")
        with served(settings, tmp_path / "log"):
            await gone(house, ann)
            assert [await name_of(house, one) for one in ("ann", "bob")] == [None, "Bob"]
