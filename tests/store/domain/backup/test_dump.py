"""A dump is restored only by a release whose documents are those in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from discretion.errors import Misconfigured
from discretion.store.schema.migrate import SCHEMA_VERSION
from tests.fixtures.platform import PlatformUnderTest
from tests.store.domain.backup.test_restore import (
    ignore_progress,
    read_collections,
    send_people,
    write_test_dump,
)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"schema": SCHEMA_VERSION + 1, "target": SCHEMA_VERSION + 1}, "has version 2 of the schema"),
        ({"schema": SCHEMA_VERSION - 1, "target": SCHEMA_VERSION}, "has version 1 of the schema"),
        ({"declaration": "other"}, "and yet declares other documents"),
        (None, "does not say which version of the schema it has"),
    ],
)
async def test_a_dump_of_another_schema_is_refused_without_any_change(
    platform: PlatformUnderTest, tmp_path: Path, change: dict[str, Any] | None, difference: str
) -> None:
    """Of a newer or an older release, of a build with other validators, and without a version."""
    database = platform.internals.database
    await send_people(platform, "ann")
    before = await read_collections(database)
    original = await database.find("installation", {})
    if change is None:
        await database.delete_many("installation", {})
    else:
        await database.update_one("installation", {}, {"$set": change})
    target = await write_test_dump(platform, tmp_path)
    await database.delete_many("installation", {})
    await database.insert_many("installation", original)
    with pytest.raises(Misconfigured) as refusal:
        await platform.internals.backup_restore.run(target, ignore_progress, replace=True)
    assert refusal.value.code == "BACKUP_SCHEMA_DIFFERS"
    assert difference in refusal.value.message
    assert "Restore it with the release that made it, Discretion 0." in refusal.value.advice
    assert await read_collections(database) == before
    await platform.internals.erasure_log.check_replayed()
