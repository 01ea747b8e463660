"""``discretion rights`` shows deadlines, failing requests and causes to an operator, and no personal data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from typer.testing import CliRunner, Result

from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.runner import WorkflowRunner
from discretion.domain.kit.workflow.step_outcome import StepOutcome
from discretion.domain.requests.command import RequestCommandContext, build_commands
from discretion.domain.requests.model import RequestDetails
from discretion.domain.requests.workflows import fulfil_request
from discretion.errors import Unavailable
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database
from discretion.store.subject_request import RequestStep
from tests.fixtures.clock import Clock
from tests.store.domain.requests.privacy_office import STEWARD, RequestOffice


async def run_command(office: RequestOffice, *arguments: str) -> Result:
    """Run a command; return its result."""
    loop = asyncio.get_running_loop()

    @asynccontextmanager
    async def open_context(_folder: Any) -> AsyncIterator[RequestCommandContext]:
        yield RequestCommandContext(
            office.requests, office.decisions.deadline_clock, office.decisions, office.clock
        )

    cli = build_commands(open_context, lambda work: asyncio.run_coroutine_threadsafe(work, loop).result())
    return await asyncio.to_thread(CliRunner().invoke, cli, list(arguments), env={"COLUMNS": "200"})


async def submit_failing_request(office: RequestOffice) -> bytes:
    """Submit a request and let its step fail once; return its id."""
    request = await office.submit("us-va", RequestDetails(Right.RESTRICTION))
    steps = (RequestStep("restrict"),)
    await office.decisions.apply_change(request, lambda current: replace(current, steps=steps))
    await office.decisions.accept(request, STEWARD)

    async def fail(_document: Any, _lease: Lease) -> StepOutcome:
        raise Unavailable("STORE_UNAVAILABLE", "Away.")

    await WorkflowRunner(office.requests, {"restrict": fail}, fulfil_request, office.clock).run_due()
    return request


async def test_the_list_shows_failing_requests_causes_and_remaining_time(database: Database) -> None:
    office = await RequestOffice.open(database, Clock("2026-01-31T10:00"))
    request = await submit_failing_request(office)
    await office.submit("us-va", RequestDetails(Right.ACCESS))
    output = (await run_command(office, "list")).output
    assert request.hex() in output
    assert "restrict, failed 1 times: STORE_UNAVAILABLE" in output
    assert "in 45 days" in output
    assert "2 requests" in output
    assert "1 requests" in (await run_command(office, "list", "--right", "access")).output
    assert (
        "0 requests"
        in (await run_command(office, "list", "--nearing", "--law", "us-va", "--right", "access")).output
    )
    office.clock.set("2026-03-20T10:00")
    late_output = (await run_command(office, "list", "--nearing", "--right", "access")).output
    assert "2 days late" in late_output
    assert "1 late" in late_output


async def test_a_request_is_shown_with_steps_history_and_deadlines(database: Database) -> None:
    office = await RequestOffice.open(database, Clock("2026-01-31T10:00"))
    request = await office.submit("us-va", RequestDetails(Right.ACCESS))
    output = (await run_command(office, "show", request.hex())).output
    for text in ("access", "acknowledged", "self:app", "2026-01-31T10:00", "RequestAcknowledged"):
        assert text in output
    clock_output = (await run_command(office, "clock", request.hex())).output
    assert "2026-03-18T04:00" in clock_output  # the end of 17 March in New York
    assert "Virginia" in clock_output
    assert (await run_command(office, "show", "nothing")).exception.code == "REQUEST_NOT_FOUND"  # type: ignore[union-attr]


async def test_a_failing_request_can_be_retried_immediately(database: Database) -> None:
    office = await RequestOffice.open(database, Clock("2026-01-31T10:00"))
    request = await submit_failing_request(office)
    assert (await office.read(request))["next"] > office.clock()
    assert "tried again" in (await run_command(office, "retry", request.hex())).output
    assert (await office.read(request))["next"] == office.clock()
    waiting_request = await office.submit("us-va", RequestDetails(Right.ACCESS))
    refused = await run_command(office, "retry", waiting_request.hex())
    assert refused.exception.code == "REQUEST_NOT_STUCK"  # type: ignore[union-attr]


async def test_each_command_has_a_detailed_help(database: Database) -> None:
    office = await RequestOffice.open(database, Clock("2026-01-31T10:00"))
    for name in ("list", "show", "clock", "retry"):
        assert len((await run_command(office, name, "--help")).output.splitlines()) > 8
