"""Dead letters through failures, kills and time: durable, ingested once, deleted after 14 days."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from discretion.app import background_work
from discretion.app.clock import now_ms
from discretion.app.configuration import load_configuration
from discretion.app.rulebook import prepare_activation
from discretion.domain.ingest.dead_letters.retention import DEAD_LETTER_RETENTION_MS
from discretion.errors import DiscretionError
from discretion.reveal.forms import format_timestamp
from discretion.settings import Settings
from discretion.store.driver.database import Database
from discretion.store.source_record_codec import IDENTIFIERS, TOTALS
from tests.fixtures.attribute_keys import KEYS
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder, FailPoint
from tests.fixtures.platform import ROOT_KEY, PlatformUnderTest
from tests.fixtures.waiting import WAIT_S
from tests.journeys.dead_letters import (
    DAY_MS,
    MOON_LANDED,
    REPLAYED,
    SENT_MS,
    open_corrected_platform,
    read_counts,
    read_events,
    replay_dead_letters,
    write_corrected_catalogue,
)


async def test_a_batch_is_refused_whole_if_dead_letters_cannot_be_stored(
    platform: PlatformUnderTest, database: Database, fail: FailPoint
) -> None:
    """A batch whose dead letters cannot be stored is not ingested either; sent again, it is ingested once."""
    valid_message = {"type": "identify", "userId": "u-2", "messageId": "m-2", "traits": {"firstName": "Ann"}}
    body, key = {"batch": [MOON_LANDED, valid_message]}, (platform.write_keys["web-shop"], "")
    namespace = f"{database.name}.dead_letters"
    await fail.set("update", times=10**8, namespace=namespace, errorCode=91)
    response = await platform.http.post("/v1/batch", json=body, auth=key)
    assert response.status_code == 503
    assert await database.count("customers", {}) == 0
    assert await database.count("dead_letters", {}) == 0
    await fail.unset()
    answer = (await platform.http.post("/v1/batch", json=body, auth=key)).json()
    assert (answer["accepted"], answer["refused"]) == (1, 1)
    assert (await read_counts(platform))[0]["count"] == 1


async def test_a_dead_letter_is_durable_before_the_refusal_is_answered(
    platform: PlatformUnderTest, commands: CommandRecorder
) -> None:
    """It is written to a majority and to the journal, like every other write."""
    commands.clear()
    await platform.send_messages("web-shop", MOON_LANDED)
    (update,) = [
        command for command in commands.list_commands("update") if command["update"] == "dead_letters"
    ]
    commits = [
        command
        for command in commands.list_commands("commitTransaction")
        if command["lsid"] == update["lsid"]
    ]
    assert [command["writeConcern"] for command in commits] == [{"w": "majority", "j": True}]


async def test_an_interrupted_replay_is_completed_by_the_next(
    platform: PlatformUnderTest, database: Database, tmp_path: Path, fail: FailPoint
) -> None:
    """The message already ingested is recognised, counted once, and its dead letter deleted."""
    await platform.send_messages("web-shop", MOON_LANDED)
    async with open_corrected_platform(database, tmp_path) as corrected_platform:
        await fail.set("delete", times=10**8, namespace=f"{database.name}.dead_letters", errorCode=13)
        with pytest.raises(DiscretionError):
            await replay_dead_letters(corrected_platform)
        await fail.unset()
        assert len(await read_events(corrected_platform)) == 1
        assert await replay_dead_letters(corrected_platform) == {**REPLAYED, "taken": 0, "duplicate": 1}
        assert len(await read_events(corrected_platform)) == 1
        assert await read_counts(corrected_platform) == []


async def test_dead_letters_with_a_destroyed_key_stay_unreadable(
    platform: PlatformUnderTest, database: Database, tmp_path: Path
) -> None:
    """The replay counts them as unreadable and ingests nothing of them."""
    await platform.send_messages("web-shop", MOON_LANDED)
    (key_file,) = (tmp_path / "keys" / "letters").iterdir()
    key_file.unlink()
    async with open_corrected_platform(database, tmp_path) as corrected_platform:
        assert await replay_dead_letters(corrected_platform) == {
            **REPLAYED,
            "taken": 0,
            "unreadable": {"KEY_DESTROYED": 1},
        }
        assert await read_events(corrected_platform) == []


async def test_a_replay_does_not_store_an_event_past_its_retention(
    platform: PlatformUnderTest, database: Database, tmp_path: Path
) -> None:
    """The event's retention of a year is over at the replay; the sender's identifiers are recorded."""
    await platform.send_messages("web-shop", MOON_LANDED)
    clock = Clock(format_timestamp(SENT_MS + 400 * DAY_MS))
    async with open_corrected_platform(database, tmp_path, clock) as corrected_platform:
        assert await replay_dead_letters(corrected_platform) == REPLAYED
        assert await database.count("events", {}) == 0
        [record] = await database.find("source_records", {})
        assert (len(record[IDENTIFIERS]), KEYS["web.firstSeenAt"] in record[TOTALS]) == (2, False)


async def test_a_dead_letter_and_its_key_expire_after_14_days(
    platform: PlatformUnderTest, tmp_path: Path
) -> None:
    """MongoDB deletes it at that time; its day's key is destroyed after the last expiry of that day."""
    await platform.send_messages("web-shop", MOON_LANDED)
    (dead_letter,) = await platform.internals.database.find("dead_letters", {})
    assert DEAD_LETTER_RETENTION_MS == 14 * 24 * 3600 * 1000
    assert format_timestamp(dead_letter["received"] + DEAD_LETTER_RETENTION_MS) == format_timestamp(
        round(dead_letter["expires"].timestamp() * 1000)
    )
    folder = tmp_path / "keys" / "letters"
    platform.internals.dead_letter_recorder.destroy_expired_keys()
    assert len(list(folder.iterdir())) == 1
    (folder / "2026-01-01.key").write_bytes(b"old")
    platform.internals.dead_letter_recorder.destroy_expired_keys()
    assert [path.name for path in folder.iterdir()] == [
        f"{format_timestamp(dead_letter['received'])[:10]}.key"
    ]


async def test_expired_keys_are_destroyed_while_the_server_runs(
    platform: PlatformUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server does so at start and at intervals, whether messages are refused or not."""
    monkeypatch.setattr(background_work, "EXPIRE_INTERVAL_S", 0.02)
    folder = tmp_path / "keys" / "letters"
    folder.mkdir(parents=True)
    expired_keys = [folder / f"2026-01-0{n}.key" for n in (1, 2)]
    expired_keys[0].write_bytes(b"of before the start")
    async with (
        background_work.expire_dead_letter_keys(platform.internals.dead_letter_recorder),
        asyncio.timeout(WAIT_S),
    ):
        assert not expired_keys[0].exists()
        expired_keys[1].write_bytes(b"over meanwhile")
        while expired_keys[1].exists():  # noqa: ASYNC110 - no event tells of a deleted file
            await asyncio.sleep(0.01)


async def start_replay(url: str, database: str, folder: Path, *options: str) -> asyncio.subprocess.Process:
    """Start ``discretion ingest replay`` as a process of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DISCRETION_")}
    environ |= {
        "DISCRETION_MONGO_URL": url,
        "DISCRETION_MONGO_DATABASE": database,
        "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT_KEY).decode(),
        "DISCRETION_CATALOGUE_DIR": str(folder / "catalogue"),
        "DISCRETION_DATA_DIR": str(folder),
        "DISCRETION_BUCKETS": "64",
        "NO_COLOR": "1",
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from discretion.start import main; main()", "ingest", "replay", *options),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def activate_corrected_catalogue(database: Database, folder: Path) -> None:
    """Put the corrected catalogue in force, as an operator does."""
    configuration = load_configuration(replace(Settings(), catalogue_dir=folder / "catalogue"))
    activation = await prepare_activation(database, configuration.rules, configuration.indexed_keys)
    await activation.run(now_ms)


async def read_output(process: asyncio.subprocess.Process) -> str:
    """Return the output of a process that must succeed, with runs of white space as one space."""
    output, _ = await process.communicate()
    assert process.returncode == 0, output
    return " ".join(output.decode().split())


async def test_a_replay_killed_after_ingesting_counts_the_message_once(
    platform: PlatformUnderTest, database: Database, mongo_url: str, tmp_path: Path, fail: FailPoint
) -> None:
    """``kill -9`` between ingest and deletion; the next replay recognises the message as a duplicate."""
    await platform.send_messages(
        "web-shop", MOON_LANDED, {**MOON_LANDED, "messageId": "m-2", "event": "Mars Landed"}
    )
    write_corrected_catalogue(tmp_path)
    expired_key = tmp_path / "keys" / "letters" / "2026-01-01.key"
    expired_key.write_bytes(b"of a day long over")
    await activate_corrected_catalogue(database, tmp_path)
    dry_run_output = await read_output(await start_replay(mongo_url, database.name, tmp_path, "--dry-run"))
    assert "acceptable │ 1" in dry_run_output
    assert not expired_key.exists()
    assert await database.count("events", {}) == 0
    namespace = f"{database.name}.dead_letters"
    await fail.set(
        "delete", times=10**8, namespace=namespace, errorCode=91, blockConnection=True, blockTimeMS=3000
    )
    process = await start_replay(mongo_url, database.name, tmp_path)
    async with asyncio.timeout(WAIT_S):
        while await database.count("events", {}) == 0:  # noqa: ASYNC110 - another process inserts the event
            await asyncio.sleep(0.05)
    process.kill()
    await process.communicate()
    assert await database.count("dead_letters", {}) == 2
    await fail.unset()
    output = await read_output(
        await start_replay(
            mongo_url, database.name, tmp_path, "--source", "web-shop", "--since", "2020-01-01"
        )
    )
    for row in ("ingested │ 0", "duplicate │ 1", "still refused: EVENT_UNDECLARED │ 1"):
        assert row in output
    assert await database.count("events", {}) == 1
    assert await database.count("dead_letters", {}) == 1
