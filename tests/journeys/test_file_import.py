"""History comes in: as exact as the tracking API, once, and without a value in what is printed."""

from __future__ import annotations

import asyncio
import base64
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from discretion.domain.ingest.file_import.file_import import WINDOW_FACTS
from discretion.domain.ingest.file_import.row_file import Row
from discretion.domain.ingest.file_import.row_messages import RowMessageBuilder
from discretion.store.driver.database import Database
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import ROOT_KEY, PlatformUnderTest, build_test_platform, open_platform
from tests.fixtures.program import run_program, start_program
from tests.fixtures.server_process import environment, run_command
from tests.fixtures.waiting import WAIT_S
from tests.journeys.file_imports import (
    CARDS,
    build_receipt,
    import_file,
    read_card,
    write_receipts,
)

ACCOUNTS = [
    {
        "customer_no": "u1",
        "updated_at": "2026-03-01",
        "email": "Ann@mail.example",
        "email_confirmed": "J",
        "first_name": "Ann",
        "born": "03.02.1990",
        "country": "D",
        "newsletter": "J",
        "newsletter_at": "2026-02-01",
        "newsletter_by": "web",
        "card_no": "",
    },
    {
        "customer_no": "u2",
        "updated_at": "2026-03-01",
        "email": "no address",
        "first_name": "Bob",
        "born": "1990-02-03",
        "country": "XX",
        "newsletter": "N",
        "newsletter_at": "2026-02-01",
        "newsletter_by": "fax",
    },
]
"""Two accounts: one in order, and one of which a part is unreadable."""

PERSON = """query($user: String!) { customer(identifier: {type: "user_id", value: $user}) {
  identity { givenName } demographics { birthDate }
  consents(first: 9) { nodes { purpose state at method } } } }"""


async def test_an_import_gives_what_the_tracking_api_gives(
    platform: PlatformUnderTest, mongo_url: str, tmp_path: Path
) -> None:
    """The same rows as messages over HTTP, on another database, in reverse order: the same customers."""
    rows = [build_receipt(number, number % CARDS) for number in range(300)]
    rows += [build_receipt(300, 1, kind="return", original_receipt_no="R1", amount="3,50")]
    result = await import_file(platform, write_receipts(tmp_path / "r.csv", rows), "till-receipts")
    assert result.tally.messages == Counter({"accepted": 301})
    catalogue = platform.internals.catalogue
    builder = RowMessageBuilder(
        catalogue,
        catalogue.imports["till-receipts"],
        platform.internals.file_importer.blind_index,
    )
    messages = [
        message for number, row in enumerate(rows) for message in builder.build(Row(number, row)).messages
    ]
    async with open_platform(mongo_url, tmp_path / "other") as other:
        answer = await other.send_messages("tills", *reversed(messages))
        assert answer["accepted"] == len(messages)
        for card in (0, 1, CARDS - 1):
            assert await read_card(platform, card) == await read_card(other, card)
    first = await read_card(platform, 1)
    assert first["commerce"]["orderCount"] == 8
    assert await platform.send_messages("tills", *messages) | {"results": []} == {
        **dict.fromkeys(("accepted", "refused", "dropped", "minimised", "leftOut"), 0),
        "success": True,
        "duplicate": len(messages),
        "results": [],
    }


async def test_the_same_rows_in_two_formats_count_once(platform: PlatformUnderTest, tmp_path: Path) -> None:
    orders = [
        f'{{"account": "u1", "device": "d1", "order": {{"number": "o{number}",'
        f' "placed_ms": 17700000000{number:02},'
        f' "total": 10.01, "currency": "EUR", "articles": ["A1"]}}}}'
        for number in range(10)
    ]
    lines = tmp_path / "orders.jsonl"
    lines.write_text("\n".join(orders))
    parquet = tmp_path / "orders.parquet"
    duckdb.sql(f"COPY (SELECT * FROM '{lines}') TO '{parquet}' (FORMAT parquet)")
    first = await import_file(platform, lines, "app-orders")
    second = await import_file(platform, parquet, "app-orders")
    assert first.tally.messages == Counter({"accepted": 10})
    assert second.tally.messages == Counter({"duplicate": 10})


async def test_a_file_that_has_grown_adds_only_what_is_new(
    platform: PlatformUnderTest, tmp_path: Path
) -> None:
    rows = [build_receipt(number) for number in range(30)]
    await import_file(platform, write_receipts(tmp_path / "r.csv", rows[:20]), "till-receipts")
    changed = [rows[0] | {"amount": "99,99"}, *rows[1:]]
    result = await import_file(platform, write_receipts(tmp_path / "r.csv", changed), "till-receipts")
    assert result.tally.messages == Counter({"accepted": 10, "duplicate": 20})
    assert (await read_card(platform, 0))["commerce"]["orderCount"] == 30


async def test_an_imported_file_is_not_read_again(platform: PlatformUnderTest, tmp_path: Path) -> None:
    path = write_receipts(tmp_path / "r.csv", [build_receipt(number) for number in range(5)])
    first = await import_file(platform, path, "till-receipts")
    again = await import_file(platform, path.rename(tmp_path / "other name.csv"), "till-receipts")
    assert (first.was_finished, again.was_finished) == (False, True)
    assert again.tally == first.tally


async def test_what_is_wrong_is_counted_by_column_and_the_rest_is_taken(
    platform: PlatformUnderTest, tmp_path: Path
) -> None:
    columns = list(dict.fromkeys(column for row in ACCOUNTS for column in row))
    columns += ["last_name", "street", "zip", "city"]
    path = tmp_path / "accounts.csv"
    lines = [";".join(columns), *(";".join(row.get(column, "") for column in columns) for row in ACCOUNTS)]
    path.write_text("\n".join(lines) + "\n")
    result = await import_file(platform, path, "shop-accounts")
    faults = {
        (key.effect.value, key.code, key.column): count.rows for key, count in result.tally.faults.items()
    }
    assert faults[("left out", "CELL_UNREADABLE", "born")] == [3]
    assert faults[("left out", "CELL_UNREADABLE", "country")] == [3]
    assert faults[("refused", "CELL_UNREADABLE", "newsletter_by")] == [3]
    assert faults[("left out", "IDENTIFIER_INVALID", "email")] == [3]
    assert len(faults) == 4
    ann, bob = [await read_account(platform, user) for user in ("u1", "u2")]
    assert (ann["identity"]["givenName"], ann["demographics"]["birthDate"]) == ("Ann", "1990-02-03")
    assert (bob["identity"]["givenName"], bob["demographics"]["birthDate"]) == ("Bob", None)
    purpose = "marketing.communications.email"
    assert ann["consents"]["nodes"] == [
        {"purpose": purpose, "state": "given", "at": "2026-01-31T23:00:00.000Z", "method": "explicit_click"}
    ]
    assert [(node["state"], node["method"]) for node in bob["consents"]["nodes"]] == [("refused", "import")]


async def read_account(platform: PlatformUnderTest, user: str) -> dict[str, Any]:
    """Return what the steward sees of an account of the web shop."""
    answer = await platform.query(PERSON, platform.issue_token("steward"), {"user": user})
    account: dict[str, Any] = answer["data"]["customer"]
    return account


def build_process_settings(database: Database, mongo_url: str, folder: Path) -> dict[str, str]:
    return {
        "DISCRETION_MONGO_URL": mongo_url,
        "DISCRETION_MONGO_DATABASE": database.name,
        "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT_KEY).decode(),
        "DISCRETION_BUCKETS": "64",
        "DISCRETION_DATA_DIR": str(folder),
    }


async def test_a_killed_import_goes_on_where_it_stopped(
    database: Database, tmp_path: Path, commands: CommandRecorder, mongo_url: str
) -> None:
    """``kill -9`` after the first stored progress, beside a platform that serves: every order counts once."""
    total = 4 * WINDOW_FACTS
    rows = [build_receipt(number, number % CARDS) for number in range(total)]
    path = write_receipts(tmp_path / "r.csv", rows)
    platform = await build_test_platform(database, tmp_path, commands)
    async with platform.http:
        settings = build_process_settings(database, mongo_url, tmp_path)
        command = ("ingest", "import", str(path), "--mapping", "till-receipts")
        process = start_program(command, environment(settings))
        deadline = time.monotonic() + WAIT_S
        while not await database.count("imports", {"row": {"$gt": 0}}):
            assert process.poll() is None, "the import ended before it could be killed"
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait, WAIT_S)
        [progress] = await database.find("imports", {})
        stored = {event["m"] for event in await database.find("events", {}, {"m": 1}) if "m" in event}
        assert "finished" not in progress
        assert await database.count("events", {}) >= progress["row"] - 1, stored
        output = await asyncio.to_thread(run_command, settings, *command)
        assert [line for line in output.splitlines() if "accepted" in line]
        [finished] = await database.find("imports", {})
        assert finished["row"] == total + 1
        assert sum(finished["outcomes"].values()) == total
        for card in (0, CARDS - 1):
            customer = await read_card(platform, card)
            assert customer["commerce"]["orderCount"] == total / CARDS


def test_a_dry_run_names_columns_and_rows_and_no_value(tmp_path: Path) -> None:
    """It needs no database; nothing is written, and no cell of the file is printed."""
    rows = [build_receipt(number, number % CARDS, paid_by="Wolfeschlegelsteinhausen") for number in range(30)]
    rows[3] |= {"amount": "Bergerdorff"}
    rows[4] |= {"printed_at": "Bergerdorff"}
    rows[5] |= {"receipt_no": ""}
    path = write_receipts(tmp_path / "r.csv", rows)
    data = tmp_path / "data"
    result = run_program(
        ("ingest", "import", str(path), "--mapping", "till-receipts", "--dry-run"),
        environment({"DISCRETION_DATA_DIR": str(data), "DISCRETION_MONGO_URL": "mongodb://nowhere.invalid"}),
    )
    assert result.returncode == 1, result.stderr
    table = [line.replace("│", "|").split("|") for line in result.stdout.splitlines()]
    cells = [[cell.strip() for cell in line] for line in table]
    printed = {(line[2], line[3], line[4], line[5]) for line in cells if len(line) > 5}
    assert {
        ("TYPE_WRONG", "amount", "1", "5"),
        ("CELL_UNREADABLE", "printed_at", "1", "6"),
        ("KEY_MISSING", "receipt_no", "1", "7"),
    } <= printed
    output = result.stdout + result.stderr
    assert not [value for value in ("Wolfe", "Berger", "9000001", "R7", "10,01") if value in output]
    assert not data.exists()


@pytest.mark.parametrize(
    ("name", "mapping", "code"),
    [
        ("r.csv", "till-receipt", "IMPORT_MAPPING_UNKNOWN"),
        ("r.xls", "till-receipts", "IMPORT_FORMAT_UNKNOWN"),
    ],
)
def test_a_command_that_cannot_begin_says_what_to_write(
    name: str, mapping: str, code: str, tmp_path: Path
) -> None:
    path = write_receipts(tmp_path / name, [build_receipt(1)])
    result = run_program(
        ("ingest", "import", str(path), "--mapping", mapping, "--dry-run"),
        environment({"DISCRETION_DATA_DIR": str(tmp_path)}),
    )
    assert result.returncode == 1
    assert result.stderr.startswith(code)
    assert "till-receipts" in result.stderr or "--format" in result.stderr
