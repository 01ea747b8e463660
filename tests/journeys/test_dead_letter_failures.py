"""Letters through failures, kills and time: durable before the answer, taken in once, gone after 14 days."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from pathlib import Path

import pytest

from discretion import app
from discretion.domain.ingest.dead_letters.retention import KEPT_MS
from discretion.errors import DiscretionError
from discretion.reveal.forms import iso
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands, FailPoint
from tests.fixtures.platform import ROOT, House
from tests.journeys.dead_letters import LANDED, TAKEN, counts, events, mended, mended_house, replay


async def test_without_the_store_nothing_is_answered_and_nothing_is_half(
    house: House, database: Database, fail: FailPoint
) -> None:
    """A batch whose letters cannot be kept is not taken in either; sent again it is, once."""
    fine = {"type": "identify", "userId": "u-2", "messageId": "m-2", "traits": {"firstName": "Ann"}}
    sent, key = {"batch": [LANDED, fine]}, (house.keys["web-shop"], "")
    namespace = f"{database.name}.dead_letters"
    await fail.set("update", times=10**8, namespace=namespace, errorCode=91)
    refused = await house.http.post("/v1/batch", json=sent, auth=key)
    assert refused.status_code == 503
    assert await database.count("customers", {}) == 0
    assert await database.count("dead_letters", {}) == 0
    await fail.unset()
    taken = (await house.http.post("/v1/batch", json=sent, auth=key)).json()
    assert (taken["accepted"], taken["refused"]) == (1, 1)
    assert (await counts(house))[0]["count"] == 1


async def test_a_letter_is_durable_before_its_refusal_is_told(house: House, commands: Commands) -> None:
    """By a majority and in the journal, as everything is."""
    commands.clear()
    await house.tell("web-shop", LANDED)
    (written,) = [one for one in commands.named("update") if one["update"] == "dead_letters"]
    ended = [one for one in commands.named("commitTransaction") if one["lsid"] == written["lsid"]]
    assert [one["writeConcern"] for one in ended] == [{"w": "majority", "j": True}]


async def test_a_replay_cut_short_before_it_deletes_goes_on_later(
    house: House, database: Database, tmp_path: Path, fail: FailPoint
) -> None:
    """What was taken in is recognised, counts once, and goes."""
    await house.tell("web-shop", LANDED)
    async with mended_house(database, tmp_path) as later:
        await fail.set("delete", times=10**8, namespace=f"{database.name}.dead_letters", errorCode=13)
        with pytest.raises(DiscretionError):
            await replay(later)
        await fail.unset()
        assert len(await events(later)) == 1
        assert await replay(later) == {**TAKEN, "taken": 0, "duplicate": 1}
        assert len(await events(later)) == 1
        assert await counts(later) == []


async def test_letters_whose_key_is_gone_stay_shut(house: House, database: Database, tmp_path: Path) -> None:
    """A replay says how many; nothing is taken in, and the others are."""
    await house.tell("web-shop", LANDED)
    (kept,) = (tmp_path / "keys" / "letters").iterdir()
    kept.unlink()
    async with mended_house(database, tmp_path) as later:
        assert await replay(later) == {**TAKEN, "taken": 0, "unreadable": {"KEY_DESTROYED": 1}}
        assert await events(later) == []


async def test_what_lapsed_while_it_was_a_letter_is_not_taken_in(
    house: House, database: Database, tmp_path: Path
) -> None:
    """Kept for a year, the landing is over when the catalogue is mended; who landed is still heard."""
    await house.tell("web-shop", LANDED)
    async with mended_house(database, tmp_path, Clock("2027-03-01T10:00:01")) as later:
        assert await replay(later) == TAKEN
        assert await database.count("events", {}) == 0
        [record] = await database.find("source_records", {})
        assert (len(record["ids"]), "web/firstSeenAt" in record["folds"]) == (2, False)


async def test_a_letter_expires_after_fourteen_days_and_so_does_its_key(house: House, tmp_path: Path) -> None:
    """MongoDB deletes it at that very time; the key of its day goes when the last of that day may have."""
    await house.tell("web-shop", LANDED)
    (letter,) = await house.platform.database.find("dead_letters", {})
    assert KEPT_MS == 14 * 24 * 3600 * 1000
    assert iso(letter["received"] + KEPT_MS) == iso(round(letter["expires"].timestamp() * 1000))
    folder = tmp_path / "keys" / "letters"
    house.platform.letters.expire()
    assert len(list(folder.iterdir())) == 1
    (folder / "2026-01-01.key").write_bytes(b"old")
    house.platform.letters.expire()
    assert [path.name for path in folder.iterdir()] == [f"{iso(letter['received'])[:10]}.key"]


async def test_keys_are_destroyed_while_the_platform_runs(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its start and from time to time, whether anything is refused or not."""
    monkeypatch.setattr(app, "EXPIRE_EVERY_S", 0.02)
    folder = tmp_path / "keys" / "letters"
    folder.mkdir(parents=True)
    old = [folder / f"2026-01-0{n}.key" for n in (1, 2)]
    old[0].write_bytes(b"of before the start")
    async with app.expiring(house.platform.letters), asyncio.timeout(10):
        assert not old[0].exists()
        old[1].write_bytes(b"over meanwhile")
        while old[1].exists():  # noqa: ASYNC110 - the disk tells nobody
            await asyncio.sleep(0.01)


async def replaying(url: str, database: str, folder: Path, *options: str) -> asyncio.subprocess.Process:
    """``discretion ingest replay`` as a process of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DISCRETION_")}
    environ |= {
        "DISCRETION_MONGO_URL": url,
        "DISCRETION_MONGO_DATABASE": database,
        "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT).decode(),
        "DISCRETION_CATALOGUE_DIR": str(folder / "catalogue"),
        "DISCRETION_DATA_DIR": str(folder),
        "DISCRETION_BUCKETS": "64",
        "NO_COLOR": "1",
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from discretion.cli import main; main()", "ingest", "replay", *options),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def printed(process: asyncio.subprocess.Process) -> str:
    """What a process that succeeds printed, blanks as one."""
    output, _ = await process.communicate()
    assert process.returncode == 0, output
    return " ".join(output.decode().split())


async def test_a_replay_killed_after_it_took_a_message_in_counts_it_once(
    house: House, database: Database, mongo_url: str, tmp_path: Path, fail: FailPoint
) -> None:
    """``kill -9`` between taking in and deleting; the next replay tells it is a repetition."""
    await house.tell("web-shop", LANDED, {**LANDED, "messageId": "m-2", "event": "Mars Landed"})
    mended(tmp_path)
    over = tmp_path / "keys" / "letters" / "2026-01-01.key"
    over.write_bytes(b"of a day long over")
    dry = await printed(await replaying(mongo_url, database.name, tmp_path, "--dry-run"))
    assert "acceptable │ 1" in dry
    assert not over.exists()
    assert await database.count("events", {}) == 0
    namespace = f"{database.name}.dead_letters"
    await fail.set(
        "delete", times=10**8, namespace=namespace, errorCode=91, blockConnection=True, blockTimeMS=3000
    )
    process = await replaying(mongo_url, database.name, tmp_path)
    async with asyncio.timeout(60):
        while await database.count("events", {}) == 0:  # noqa: ASYNC110 - another process makes it so
            await asyncio.sleep(0.05)
    process.kill()
    await process.communicate()
    assert await database.count("dead_letters", {}) == 2
    await fail.unset()
    said = await printed(
        await replaying(mongo_url, database.name, tmp_path, "--source", "web-shop", "--since", "2020-01-01")
    )
    for row in ("taken │ 0", "duplicate │ 1", "still refused: EVENT_UNDECLARED │ 1"):
        assert row in said
    assert await database.count("events", {}) == 1
    assert await database.count("dead_letters", {}) == 1
