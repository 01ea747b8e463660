"""Catalogue, law and time go on; until somebody is judged anew, the stricter of old and new holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from discretion.app import judging
from discretion.app.clock import now_ms
from discretion.catalogue.load import load
from discretion.domain.consent import recompute as rejudge
from discretion.purpose.permission_engine import FOREVER
from discretion.store.driver.database import BulkResult, Database
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build
from tests.journeys.rule_changes import (
    GUARD,
    MAIL,
    NEW,
    SUPPORT,
    introduced,
    law,
    new_purpose,
    other_basis,
    rules,
    seen,
)

NAMES = ["tess", "tom", "eva", "nils"]
TEXAS, GERMANY = ("US", "Texas"), ("DE", None)
PEOPLE = (
    introduced("tess", place=TEXAS),
    introduced("tom", place=TEXAS, marketing=True),
    introduced("eva", place=GERMANY, marketing=True),
    introduced("nils", place=GERMANY, marketing=False),
)
EVERYBODY = set(NAMES)
YEAR_MS = 365 * 86_400_000
OPT_IN = ("model: opt_out", "model: opt_in")
NOBODY: set[str] = set()


@asynccontextmanager
async def another(
    database: Database, folder: Path, catalogue: Path | None, jurisdictions: Path | None
) -> AsyncIterator[House]:
    """A house on the same database, with other rules."""
    made = await build(database, folder, Commands(), load(catalogue), jurisdictions=jurisdictions)
    async with made.http:
        yield made


CHANGES = {
    "law": ("law", MAIL, {"tess", "tom", "eva"}, {"tom", "eva"}),
    "place": ("place", MAIL, {"tess", "tom", "eva"}, {"tom", "eva"}),
    "new purpose": ("new", NEW, None, EVERYBODY),
    "basis": ("basis", GUARD, EVERYBODY, {"tess", "tom"}),
}


@pytest.mark.parametrize(("what", "purpose", "old", "new"), CHANGES.values(), ids=CHANGES)
async def test_until_somebody_is_judged_anew_the_stricter_holds(
    house: House,
    database: Database,
    tmp_path: Path,
    what: str,
    purpose: str,
    old: set[str] | None,
    new: set[str],
) -> None:
    """What changed is withheld of everybody, what did not works; afterwards the new rules hold exactly.

    The house with the old rules goes on, and never shows what it may not by both.
    """
    assert (await house.tell("web-shop", *PEOPLE))["accepted"] == len(PEOPLE)
    if old is not None:
        assert await seen(house, purpose, NAMES) == old
    assert await seen(house, SUPPORT, NAMES) == EVERYBODY
    catalogue = {"new": new_purpose, "basis": other_basis}.get(what, lambda _: None)(tmp_path)
    jurisdictions = None
    if what == "law":
        jurisdictions = law(tmp_path, us_tx=OPT_IN)
    if what == "place":  # the same rules, but no longer those of who writes Texas
        jurisdictions = law(tmp_path, us_tx=("US-TX: [Texas]", "US-TX: [Lone Star State]"))
    async with another(database, tmp_path, catalogue, jurisdictions) as fresh:
        assert await seen(fresh, purpose, NAMES) == NOBODY
        unchanged = NOBODY if what == "place" else EVERYBODY
        assert await seen(fresh, SUPPORT, NAMES) == unchanged
        if old is not None:
            assert await seen(house, purpose, NAMES) == old
        await fresh.tell("web-shop", {**PEOPLE[1], "messageId": "again"})
        assert await seen(fresh, purpose, NAMES) == {"tom"} & new
        if old is not None:
            assert await seen(house, purpose, NAMES) == old - {"tom"}
        assert await fresh.platform.rejudge.waiting() == len(NAMES) - 1
        progress = await fresh.platform.rejudge.run()
        assert (progress.met, await fresh.platform.rejudge.waiting()) == (len(NAMES) - 1, 0)
        assert await seen(fresh, purpose, NAMES) == new
        assert await seen(fresh, SUPPORT, NAMES) == EVERYBODY
        if old is not None:
            assert await seen(house, purpose, NAMES) <= old & new


async def test_a_dry_run_tells_and_changes_nothing(house: House, database: Database, tmp_path: Path) -> None:
    """The counts are those of the run that follows."""
    await house.tell("web-shop", *PEOPLE)
    before = await database.find("customers", {})
    async with another(database, tmp_path, None, law(tmp_path, us_tx=OPT_IN)) as fresh:
        dry = await fresh.platform.rejudge.run(dry=True)
        assert await database.find("customers", {}) == before
        assert dry == await fresh.platform.rejudge.run()
        bit = fresh.platform.catalogue.purposes[MAIL].bit
        assert (dry.met, dry.changed, dry.gained(bit), dry.lost(bit)) == (4, 1, 0, 1)


async def test_the_house_with_the_old_rules_judges_nobody(
    house: House, database: Database, tmp_path: Path
) -> None:
    """Else the two would judge each other's for ever; started anew, its rules are in force again."""
    await house.tell("web-shop", *PEOPLE)
    (old,) = await rules(database)
    async with another(database, tmp_path, None, law(tmp_path, us_tx=OPT_IN)) as fresh:
        await fresh.platform.rejudge.run()
        (new,) = await rules(database)
        assert new != old
        assert await house.platform.rejudge.waiting() == len(NAMES)
        assert (await house.platform.rejudge.run()).superseded
        assert await rules(database) == {new}
        await asyncio.sleep(0.002)
        await house.platform.rejudge.enforce()
        assert not (await house.platform.rejudge.run()).superseded
        assert await rules(database) == {old}
        assert (await fresh.platform.rejudge.run()).superseded


async def test_what_is_told_meanwhile_is_kept_and_judged(
    house: House, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both houses take in orders and refusals while one judges: none is lost, and all are judged."""
    monkeypatch.setattr(rejudge, "AT_ONCE", 3)
    names = [f"p{number}" for number in range(40)]
    await house.tell("web-shop", *(introduced(one, place=TEXAS, marketing=True) for one in names))
    async with another(database, tmp_path, None, law(tmp_path, us_tx=OPT_IN)) as fresh:
        old = replace(house, keys=fresh.keys)  # which took the place of those before

        async def tell(teller: House, who: list[str], kind: str) -> None:
            for one in who:
                refusal = introduced(one, place=TEXAS, marketing=False)
                order = {
                    "type": "track",
                    "event": "Order Completed",
                    "userId": f"u-{one}",
                    "properties": {"order_id": f"{kind}-{one}", "total": 1},
                }
                said = refusal if kind == "no" else order
                told = await teller.tell("web-shop", {**said, "messageId": f"{kind}-{one}"})
                assert told["accepted"] == 1

        await asyncio.gather(
            fresh.platform.rejudge.run(),
            tell(old, names, "old"),
            tell(fresh, names[::-1], "new"),
            tell(fresh, names[::2], "no"),
        )
        await fresh.platform.rejudge.run()
        assert await fresh.platform.rejudge.waiting() == 0
        assert await seen(fresh, MAIL, names) == set(names[1::2])
        answer = await fresh.ask(
            "{ customers(first: 50) { nodes { commerce { orderCount } } } }", fresh.token("support")
        )
        counts = [one["commerce"]["orderCount"] for one in answer["data"]["customers"]["nodes"]]
        assert counts == [2] * len(names)


async def test_what_time_takes_is_gone_before_anybody_judged_it(
    database: Database, tmp_path: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A consent lapses: read rightly at that moment, by id, in lists, counts and filters; then judged."""
    monkeypatch.setattr("discretion.app.JUDGE_EVERY_S", 0.05)
    now = [now_ms()]
    house = await build(database, tmp_path, commands, clock=lambda: now[0])
    async with house.http:
        await house.tell("web-shop", *PEOPLE, introduced("mia", place=GERMANY, **{MAIL: True}))
        names = [*NAMES, "mia"]
        lapsing = {"laws": "eu", "until": {"$lt": FOREVER}}
        (mia,) = await database.find("customers", lapsing, sort=[("until", -1)], limit=1)
        now[0] += YEAR_MS  # what is known of them is told again, so that it is not too old to be shown
        for one in PEOPLE:
            await house.tell("web-shop", {**one, "messageId": f"{one['messageId']}-again", "context": {}})
        await house.tell("web-shop", {**introduced("mia", place=GERMANY), "messageId": "mia-again"})
        (mia,) = await database.find("customers", {"_id": mia["_id"]})
        now[0] = mia["until"] - 1
        await house.platform.rejudge.run()  # as every server does within seconds of what time brings
        assert "mia" in await seen(house, MAIL, names)
        stored = await database.find("customers", {}, sort=[("_id", 1)])
        now[0] += 1
        assert await seen(house, MAIL, names) == {"tess", "tom"}
        assert await seen(house, SUPPORT, names) == set(names)
        assert await database.find("customers", {}, sort=[("_id", 1)]) == stored
        due = [one for one in stored if one["until"] <= now[0]]
        assert await house.platform.rejudge.waiting() == len(due) > 0
        async with judging(house.platform.rejudge):
            for _ in range(400):
                if not await house.platform.rejudge.waiting():
                    break
                await asyncio.sleep(0.05)
        assert await database.find("customers", {"until": {"$lte": now[0]}}) == []
        assert await seen(house, MAIL, names) == {"tess", "tom"}
        assert await seen(house, SUPPORT, names) == set(names)


async def test_a_refusal_between_reading_and_writing_is_not_undone(
    house: House, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was worked out from what they said before is not written over what they say now."""
    await house.tell("web-shop", *PEOPLE)
    write = database.bulk_write
    async with another(database, tmp_path, None, law(tmp_path, us_tx=OPT_IN)) as fresh:

        async def late(collection: str, operations: Any, **more: Any) -> BulkResult:
            if "session" not in more:
                monkeypatch.setattr(database, "bulk_write", write)
                refusal = introduced("tess", place=TEXAS, essential=False)
                assert (await fresh.tell("web-shop", {**refusal, "messageId": "no"}))["accepted"] == 1
            return await write(collection, operations, **more)

        monkeypatch.setattr(database, "bulk_write", late)
        await fresh.platform.rejudge.run()
        assert await seen(fresh, GUARD, NAMES) == EVERYBODY - {"tess"}
        assert await fresh.platform.rejudge.waiting() == 0
