"""A refusal that counts again because an acceptance has expired reaches the claims without a new message."""

from __future__ import annotations

from pathlib import Path

from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.journeys.consent import PARTNERS
from tests.journeys.proven_customer import ANN, open_platform_with_ann, send
from tests.journeys.test_refusals_reach_claims import agree, build_message, read_permissions

MONTH_MS = 30 * 86_400_000


async def test_an_opt_out_returns_when_the_acceptance_after_it_expires(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """Ann's browser sends an opt-out, she agrees, and 13 months later the opt-out counts again."""
    clock = Clock("2026-11-02T10:00")
    async with open_platform_with_ann(database, tmp_path, commands, clock) as platform:
        recomputation = platform.internals.permission_recomputation
        page = {"type": "page", "userId": "w-ann", "context": {"gpc": True}}
        await send(platform, page)
        clock.advance(60_000)
        await send(platform, agree("w-ann"))
        clock.advance(7 * MONTH_MS)
        await send(platform, build_message("ck-1", ANN))
        await send(platform, agree("ck-1"))
        await recomputation.run()
        assert (await read_permissions(platform, "ck-1"))[PARTNERS][0]
        clock.advance(7 * MONTH_MS)
        await recomputation.run()
        assert not (await read_permissions(platform, "w-ann"))[PARTNERS][0]
        assert not (await read_permissions(platform, "ck-1"))[PARTNERS][0]
        assert await recomputation.count_due() == 0
