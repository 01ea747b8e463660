"""Changes of rules: until a customer is recomputed, the stricter of old and new rules applies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from discretion.app.background_work import recompute_permissions
from discretion.app.clock import now_ms
from discretion.catalogue.load import load_catalogue
from discretion.domain.consent import recompute
from discretion.plan.customer_members import LAWS, UNTIL
from discretion.purpose.permission_engine import FOREVER
from discretion.store.driver.database import Database, WriteResult
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.journeys.rule_changes import (
    GERMANY,
    GUARD,
    MAIL,
    NEW_PURPOSE,
    SUPPORT,
    build_introduction_message,
    read_rule_versions,
    read_visible_names,
    write_law,
    write_new_purpose,
    write_other_basis,
)

NAMES = ["tess", "tom", "eva", "nils"]
TEXAS = ("US", "Texas")
PEOPLE = (
    build_introduction_message("tess", place=TEXAS),
    build_introduction_message("tom", place=TEXAS, marketing=True),
    build_introduction_message("eva", place=GERMANY, marketing=True),
    build_introduction_message("nils", place=GERMANY, marketing=False),
)
EVERYBODY = set(NAMES)
YEAR_MS = 365 * 86_400_000
OPT_IN = ("model: opt_out", "model: opt_in")
NOBODY: set[str] = set()


@asynccontextmanager
async def open_other_platform(
    database: Database, folder: Path, catalogue: Path | None, jurisdictions: Path | None
) -> AsyncIterator[PlatformUnderTest]:
    """Open a platform on the same database with other rules."""
    other_platform = await build_test_platform(
        database, folder, CommandRecorder(), load_catalogue(catalogue), jurisdictions=jurisdictions
    )
    async with other_platform.http:
        yield other_platform


CHANGES = {
    "law": ("law", MAIL, {"tess", "tom", "eva"}, {"tom", "eva"}),
    "place": ("place", MAIL, {"tess", "tom", "eva"}, {"tom", "eva"}),
    "new purpose": ("new", NEW_PURPOSE, None, EVERYBODY),
    "basis": ("basis", GUARD, EVERYBODY, {"tess", "tom"}),
}


@pytest.mark.parametrize(
    ("change", "purpose", "visible_before", "visible_after"), CHANGES.values(), ids=CHANGES
)
async def test_the_stricter_rules_apply_until_a_customer_is_recomputed(
    platform: PlatformUnderTest,
    database: Database,
    tmp_path: Path,
    change: str,
    purpose: str,
    visible_before: set[str] | None,
    visible_after: set[str],
) -> None:
    """A changed purpose is withheld for all, other purposes work; recomputing applies the new rules.

    The platform with the old rules keeps running and reveals only what both sets of rules permit.
    """
    assert (await platform.send_messages("web-shop", *PEOPLE))["accepted"] == len(PEOPLE)
    if visible_before is not None:
        assert await read_visible_names(platform, purpose, NAMES) == visible_before
    assert await read_visible_names(platform, SUPPORT, NAMES) == EVERYBODY
    catalogue = {"new": write_new_purpose, "basis": write_other_basis}.get(change, lambda _: None)(tmp_path)
    jurisdictions = None
    if change == "law":
        jurisdictions = write_law(tmp_path, us_tx=OPT_IN)
    if change == "place":  # the same rules, but the name Texas no longer maps to them
        jurisdictions = write_law(tmp_path, us_tx=("US-TX: [Texas]", "US-TX: [Lone Star State]"))
    async with open_other_platform(database, tmp_path, catalogue, jurisdictions) as new_platform:
        assert await read_visible_names(new_platform, purpose, NAMES) == NOBODY
        unchanged = NOBODY if change == "place" else EVERYBODY
        assert await read_visible_names(new_platform, SUPPORT, NAMES) == unchanged
        if visible_before is not None:
            assert await read_visible_names(platform, purpose, NAMES) == visible_before
        await new_platform.send_messages("web-shop", {**PEOPLE[1], "messageId": "again"})
        assert await read_visible_names(new_platform, purpose, NAMES) == {"tom"} & visible_after
        if visible_before is not None:
            assert await read_visible_names(platform, purpose, NAMES) == visible_before - {"tom"}
        assert await new_platform.internals.permission_recomputation.count_due() == len(NAMES) - 1
        progress = await new_platform.internals.permission_recomputation.run()
        assert (progress.processed, await new_platform.internals.permission_recomputation.count_due()) == (
            len(NAMES) - 1,
            0,
        )
        assert await read_visible_names(new_platform, purpose, NAMES) == visible_after
        assert await read_visible_names(new_platform, SUPPORT, NAMES) == EVERYBODY
        if visible_before is not None:
            assert await read_visible_names(platform, purpose, NAMES) <= visible_before & visible_after


async def test_a_dry_run_counts_changes_and_writes_nothing(
    platform: PlatformUnderTest, database: Database, tmp_path: Path
) -> None:
    """Its counts are those of the run that follows."""
    await platform.send_messages("web-shop", *PEOPLE)
    before = await database.find("customers", {})
    async with open_other_platform(
        database, tmp_path, None, write_law(tmp_path, us_tx=OPT_IN)
    ) as new_platform:
        dry = await new_platform.internals.permission_recomputation.run(dry_run=True)
        assert await database.find("customers", {}) == before
        assert dry == await new_platform.internals.permission_recomputation.run()
        bit = new_platform.internals.catalogue.purposes[MAIL].bit
        assert (dry.processed, dry.changed, dry.gained(bit), dry.lost(bit)) == (4, 1, 0, 1)


async def test_a_platform_with_superseded_rules_recomputes_nobody(
    platform: PlatformUnderTest, database: Database, tmp_path: Path
) -> None:
    """Otherwise two platforms would recompute in turn forever; a restart enforces its rules again."""
    await platform.send_messages("web-shop", *PEOPLE)
    (old_rules,) = await read_rule_versions(database)
    async with open_other_platform(
        database, tmp_path, None, write_law(tmp_path, us_tx=OPT_IN)
    ) as new_platform:
        await new_platform.internals.permission_recomputation.run()
        (new_rules,) = await read_rule_versions(database)
        assert new_rules != old_rules
        assert await platform.internals.permission_recomputation.count_due() == len(NAMES)
        assert (await platform.internals.permission_recomputation.run()).superseded
        assert await read_rule_versions(database) == {new_rules}
        await asyncio.sleep(0.002)
        await build_test_platform(database, tmp_path, CommandRecorder())
        assert not (await platform.internals.permission_recomputation.run()).superseded
        assert await read_rule_versions(database) == {old_rules}
        assert (await new_platform.internals.permission_recomputation.run()).superseded


async def test_messages_sent_during_a_recompute_are_stored_and_recomputed(
    platform: PlatformUnderTest, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both platforms ingest while one recomputes: no message is lost, all customers are recomputed."""
    monkeypatch.setattr(recompute, "BATCH_SIZE", 3)
    names = [f"p{number}" for number in range(40)]
    await platform.send_messages(
        "web-shop", *(build_introduction_message(name, place=TEXAS, marketing=True) for name in names)
    )
    async with open_other_platform(
        database, tmp_path, None, write_law(tmp_path, us_tx=OPT_IN)
    ) as new_platform:
        # Opening the new platform replaced the write keys.
        old_platform = replace(platform, write_keys=new_platform.write_keys)

        async def send_for_each(sender: PlatformUnderTest, customers: list[str], kind: str) -> None:
            for name in customers:
                refusal = build_introduction_message(name, place=TEXAS, marketing=False)
                order = {
                    "type": "track",
                    "event": "Order Completed",
                    "userId": f"u-{name}",
                    "properties": {"order_id": f"{kind}-{name}", "total": 1},
                }
                message = refusal if kind == "no" else order
                outcome = await sender.send_messages("web-shop", {**message, "messageId": f"{kind}-{name}"})
                assert outcome["accepted"] == 1

        await asyncio.gather(
            new_platform.internals.permission_recomputation.run(),
            send_for_each(old_platform, names, "old"),
            send_for_each(new_platform, names[::-1], "new"),
            send_for_each(new_platform, names[::2], "no"),
        )
        await new_platform.internals.permission_recomputation.run()
        assert await new_platform.internals.permission_recomputation.count_due() == 0
        assert await read_visible_names(new_platform, MAIL, names) == set(names[1::2])
        answer = await new_platform.query(
            "{ customers(first: 50) { nodes { commerce { orderCount } } } }",
            new_platform.issue_token("support"),
        )
        counts = [node["commerce"]["orderCount"] for node in answer["data"]["customers"]["nodes"]]
        assert counts == [2] * len(names)


async def test_an_expired_consent_is_withheld_before_it_is_recomputed(
    database: Database, tmp_path: Path, commands: CommandRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads by id, in lists, counts and filters are right at the moment of expiry; the recompute follows."""
    monkeypatch.setattr("discretion.app.background_work.RECOMPUTE_INTERVAL_S", 0.05)
    clock_ms = [now_ms()]
    platform = await build_test_platform(database, tmp_path, commands, clock=lambda: clock_ms[0])
    async with platform.http:
        await platform.send_messages(
            "web-shop", *PEOPLE, build_introduction_message("mia", place=GERMANY, **{MAIL: True})
        )
        names = [*NAMES, "mia"]
        lapsing = {LAWS: "eu", UNTIL: {"$lt": FOREVER}}
        (mia,) = await database.find("customers", lapsing, sort=[(UNTIL, -1)], limit=1)
        clock_ms[0] += YEAR_MS  # values are sent again below, so that retention does not withhold them
        for message in PEOPLE:
            await platform.send_messages(
                "web-shop", {**message, "messageId": f"{message['messageId']}-again", "context": {}}
            )
        await platform.send_messages(
            "web-shop", {**build_introduction_message("mia", place=GERMANY), "messageId": "mia-again"}
        )
        (mia,) = await database.find("customers", {"_id": mia["_id"]})
        clock_ms[0] = mia[UNTIL] - 1
        # Every server does this within seconds of an expiry.
        await platform.internals.permission_recomputation.run()
        assert "mia" in await read_visible_names(platform, MAIL, names)
        stored = await database.find("customers", {}, sort=[("_id", 1)])
        clock_ms[0] += 1
        assert await read_visible_names(platform, MAIL, names) == {"tess", "tom"}
        assert await read_visible_names(platform, SUPPORT, names) == set(names)
        assert await database.find("customers", {}, sort=[("_id", 1)]) == stored
        due = [customer for customer in stored if customer[UNTIL] <= clock_ms[0]]
        assert await platform.internals.permission_recomputation.count_due() == len(due) > 0
        async with recompute_permissions(platform.internals.permission_recomputation):
            for _ in range(400):
                if not await platform.internals.permission_recomputation.count_due():
                    break
                await asyncio.sleep(0.05)
        assert await database.find("customers", {UNTIL: {"$lte": clock_ms[0]}}) == []
        assert await read_visible_names(platform, MAIL, names) == {"tess", "tom"}
        assert await read_visible_names(platform, SUPPORT, names) == set(names)


async def test_a_refusal_during_a_recompute_is_not_overwritten(
    platform: PlatformUnderTest, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions computed from older statements do not overwrite a newer statement."""
    await platform.send_messages("web-shop", *PEOPLE)
    write = database.bulk_write
    async with open_other_platform(
        database, tmp_path, None, write_law(tmp_path, us_tx=OPT_IN)
    ) as new_platform:

        async def write_late(collection: str, operations: Any, **options: Any) -> WriteResult:
            if options.get("session") is None:
                monkeypatch.setattr(database, "bulk_write", write)
                refusal = build_introduction_message("tess", place=TEXAS, essential=False)
                assert (await new_platform.send_messages("web-shop", {**refusal, "messageId": "no"}))[
                    "accepted"
                ] == 1
            return await write(collection, operations, **options)

        monkeypatch.setattr(database, "bulk_write", write_late)
        await new_platform.internals.permission_recomputation.run()
        assert await read_visible_names(new_platform, GUARD, NAMES) == EVERYBODY - {"tess"}
        assert await new_platform.internals.permission_recomputation.count_due() == 0
