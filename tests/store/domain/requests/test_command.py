"""``discretion rights`` tells an operator what is due when, what is stuck and why, and nothing personal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from typer.testing import CliRunner, Result

from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.runner import Engine
from discretion.domain.kit.workflow.step_outcome import Outcome
from discretion.domain.requests.command import Desk, commands
from discretion.domain.requests.model import Asked
from discretion.domain.requests.workflows import fulfilled
from discretion.errors import Unavailable
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.store.domain.requests.privacy_office import STEWARD, Office


async def told(office: Office, *words: str) -> Result:
    """What a command prints and comes to."""
    loop = asyncio.get_running_loop()

    @asynccontextmanager
    async def desk(_folder: Any) -> AsyncIterator[Desk]:
        yield Desk(office.requests, office.decide.clock, office.decide, office.clock)

    cli = commands(desk, lambda work: asyncio.run_coroutine_threadsafe(work, loop).result())
    return await asyncio.to_thread(CliRunner().invoke, cli, list(words), env={"COLUMNS": "200"})


async def stuck(office: Office) -> bytes:
    """A request whose step failed a moment ago."""
    request = await office.filed("us-va", Asked(Right.RESTRICTION))
    steps = [{"name": "restrict", "state": "open", "attempts": 0}]
    await office.decide.change(request, lambda _: {"steps": steps})
    await office.decide.accept(request, STEWARD)

    async def fails(_document: Any, _hold: Hold) -> Outcome:
        raise Unavailable("STORE_UNAVAILABLE", "Away.")

    await Engine(office.requests, {"restrict": fails}, fulfilled, office.clock).once()
    return request


async def test_the_list_says_what_is_stuck_why_and_how_long_is_left(database: Database) -> None:
    office = await Office.on(database, Clock("2026-01-31T10:00"))
    request = await stuck(office)
    await office.filed("us-va", Asked(Right.ACCESS))
    shown = (await told(office, "list")).output
    assert request.hex() in shown
    assert "restrict, failed 1 times: STORE_UNAVAILABLE" in shown
    assert "in 45 days" in shown
    assert "2 requests" in shown
    assert "1 requests" in (await told(office, "list", "--right", "access")).output
    assert (
        "0 requests"
        in (await told(office, "list", "--nearing", "--law", "us-va", "--right", "access")).output
    )
    office.clock.set("2026-03-20T10:00")
    late = (await told(office, "list", "--nearing", "--right", "access")).output
    assert "2 days late" in late
    assert "1 late" in late


async def test_one_request_is_shown_with_its_steps_its_history_and_its_clock(database: Database) -> None:
    office = await Office.on(database, Clock("2026-01-31T10:00"))
    request = await office.filed("us-va", Asked(Right.ACCESS))
    shown = (await told(office, "show", request.hex())).output
    for words in ("access", "acknowledged", "self:app", "2026-01-31T10:00", "RequestAcknowledged"):
        assert words in shown
    days = (await told(office, "clock", request.hex())).output
    assert "2026-03-18T04:00" in days  # the end of 17 March in New York
    assert "Virginia" in days
    assert (await told(office, "show", "nothing")).exception.code == "REQUEST_NOT_FOUND"  # type: ignore[union-attr]


async def test_what_is_stuck_is_tried_again_at_once(database: Database) -> None:
    office = await Office.on(database, Clock("2026-01-31T10:00"))
    request = await stuck(office)
    assert (await office.kept(request))["next"] > office.clock()
    assert "tried again" in (await told(office, "retry", request.hex())).output
    assert (await office.kept(request))["next"] == office.clock()
    waits = await office.filed("us-va", Asked(Right.ACCESS))
    refused = await told(office, "retry", waits.hex())
    assert refused.exception.code == "REQUEST_NOT_STUCK"  # type: ignore[union-attr]


async def test_the_help_of_each_command_teaches(database: Database) -> None:
    office = await Office.on(database, Clock("2026-01-31T10:00"))
    for name in ("list", "show", "clock", "retry"):
        assert len((await told(office, name, "--help")).output.splitlines()) > 8
