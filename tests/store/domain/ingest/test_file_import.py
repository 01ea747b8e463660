"""The progress of an import never runs ahead of what is durable, wherever it is interrupted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from discretion.domain.ingest.file_import import file_import
from discretion.domain.ingest.message import Fact, MessageOutcome
from discretion.errors import Misconfigured, Unavailable
from discretion.store.driver.database import Database
from tests.fixtures.platform import PlatformUnderTest
from tests.journeys.file_imports import build_receipt, import_file, write_receipts

ROWS = 40
WINDOW = 10


async def test_progress_is_behind_what_is_durable(
    platform: PlatformUnderTest, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store fails at one write after the other: each run goes on, and every order is stored once."""
    monkeypatch.setattr(file_import, "WINDOW_FACTS", WINDOW)
    path = write_receipts(tmp_path / "r.csv", [build_receipt(number, number) for number in range(ROWS)])
    importer = platform.internals.file_importer
    writes: Iterator[int] = iter(())

    async def process_until_failure(facts: Sequence[Fact]) -> list[MessageOutcome]:
        if next(writes, None) is None:
            raise Unavailable("STORE_UNAVAILABLE", "The store failed.")
        return await importer.process_facts(facts)

    failing_importer = replace(importer, process_facts=process_until_failure)
    failing = replace(platform, internals=replace(platform.internals, file_importer=failing_importer))
    rows = []
    for successes in (1, 2, 3, 1):
        writes = iter(range(successes))
        with pytest.raises(Unavailable):
            await import_file(failing, path, "till-receipts")
        [progress] = await database.find("imports", {})
        assert "finished" not in progress
        # Row 1 is the header.
        assert max(0, progress["row"] - 1) <= await database.count("events", {})
        rows.append(progress["row"])
    assert rows == sorted(rows)
    assert rows[-1] > 1, "no run made progress"
    result = await import_file(platform, path, "till-receipts")
    assert result.resumed_after == rows[-1]
    assert sum(result.tally.messages.values()) == ROWS
    assert await database.count("events", {}) == ROWS


async def test_rows_before_an_unreadable_one_are_imported(
    platform: PlatformUnderTest, database: Database, tmp_path: Path
) -> None:
    path = write_receipts(tmp_path / "r.csv", [build_receipt(number) for number in range(5)])
    path.write_text(path.read_text() + '"a quote" that ends early;\n')
    with pytest.raises(Misconfigured) as refusal:
        await import_file(platform, path, "till-receipts")
    assert refusal.value.code == "IMPORT_FILE_UNREADABLE"
    assert await database.count("events", {}) == 5
    [progress] = await database.find("imports", {})
    assert (progress["row"], "finished" in progress) == (6, False)
