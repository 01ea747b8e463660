"""The monitor warns before deadlines and ends requests that expired."""

from __future__ import annotations

import logging

import pytest

from discretion.domain.requests.deadline_monitor import DAY_MS, WEEK_MS, DeadlineMonitor
from discretion.domain.requests.model import RequestDetails
from discretion.domain.requests.submission import IDENTITY_EXPIRY_MS
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.store.domain.requests.privacy_office import STEWARD, RequestOffice


async def open_monitor(database: Database) -> tuple[RequestOffice, DeadlineMonitor]:
    """Open an office with a deadline monitor."""
    office = await RequestOffice.open(database, Clock("2026-01-31T10:00"))
    return office, DeadlineMonitor(office.requests, office.decisions, office.clock)


async def test_a_deadline_is_reported_once_a_week_and_once_a_day_before(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    office, monitor = await open_monitor(database)
    request = await office.submit("us-va", RequestDetails(Right.ACCESS))
    due = (await office.read(request))["due"]
    caplog.set_level(logging.WARNING)
    results = []
    for remaining_ms in (WEEK_MS + 1, WEEK_MS, WEEK_MS - 1, DAY_MS, DAY_MS - 1, 0, -DAY_MS):
        office.clock.now = due - remaining_ms
        raised = await monitor.run_once()
        results.append((raised, (await office.read(request)).get("warned", [])))
    week, day, late = ["week"], ["day", "week"], ["late", "day", "week"]
    assert [raised_count for raised_count, _ in results] == [0, 1, 0, 1, 0, 1, 0]
    assert [sorted(names) for _, names in results] == [[], week, week, day, day, sorted(late), sorted(late)]
    assert len(caplog.messages) == 3
    assert not any("s1" in message or "app" in message for message in caplog.messages)


async def test_an_extended_deadline_is_reported_again(database: Database) -> None:
    office, monitor = await open_monitor(database)
    request = await office.submit("us-va", RequestDetails(Right.ACCESS))
    office.clock.now = (await office.read(request))["due"] - DAY_MS
    await monitor.run_once()
    await office.decisions.extend(request, STEWARD, "There is much of it.", None)
    assert await monitor.run_once() == 0
    office.clock.now = (await office.read(request))["due"] - WEEK_MS
    assert await monitor.run_once() == 1


async def test_a_request_without_identity_proof_expires(database: Database) -> None:
    office, monitor = await open_monitor(database)
    request = await office.submit("us-ca", RequestDetails(Right.ACCESS), is_verified=False)
    office.clock.advance(IDENTITY_EXPIRY_MS - 1)
    await monitor.run_once()
    assert (await office.read(request))["state"] == "action_required"
    office.clock.advance(1)
    await monitor.run_once()
    document = await office.read(request)
    assert (document["state"], document["reason"]) == ("unfulfilled", "expired")
    assert "expires" not in document
    assert "open" not in document


async def test_an_ended_request_is_reported_no_more(database: Database) -> None:
    office, monitor = await open_monitor(database)
    request = await office.submit("us-va", RequestDetails(Right.ACCESS))
    await office.decisions.withdraw(request, "self:app")
    office.clock.now = (await office.read(request))["due"]
    assert await monitor.run_once() == 0
