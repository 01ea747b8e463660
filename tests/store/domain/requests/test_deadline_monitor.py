"""Nothing lapses unseen."""

from __future__ import annotations

import logging

import pytest

from discretion.domain.requests.deadline_monitor import DAY_MS, WEEK_MS, Watch
from discretion.domain.requests.model import Asked
from discretion.domain.requests.submission import EXPIRES_MS
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.store.domain.requests.privacy_office import STEWARD, Office


async def watched(database: Database) -> tuple[Office, Watch]:
    office = await Office.on(database, Clock("2026-01-31T10:00"))
    return office, Watch(office.requests, office.decide, office.clock)


async def test_a_deadline_is_raised_a_week_and_a_day_before_once_each(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    office, watch = await watched(database)
    request = await office.filed("us-va", Asked(Right.ACCESS))
    due = (await office.kept(request))["due"]
    caplog.set_level(logging.WARNING)
    told = []
    for left in (WEEK_MS + 1, WEEK_MS, WEEK_MS - 1, DAY_MS, DAY_MS - 1, 0, -DAY_MS):
        office.clock.now = due - left
        raised = await watch.once()
        told.append((raised, (await office.kept(request)).get("warned", [])))
    week, day, late = ["week"], ["day", "week"], ["late", "day", "week"]
    assert [many for many, _ in told] == [0, 1, 0, 1, 0, 1, 0]
    assert [sorted(names) for _, names in told] == [[], week, week, day, day, sorted(late), sorted(late)]
    assert len(caplog.messages) == 3
    assert not any("s1" in one or "app" in one for one in caplog.messages)


async def test_a_deadline_that_moved_is_watched_anew(database: Database) -> None:
    office, watch = await watched(database)
    request = await office.filed("us-va", Asked(Right.ACCESS))
    office.clock.now = (await office.kept(request))["due"] - DAY_MS
    await watch.once()
    await office.decide.extend(request, STEWARD, "There is much of it.", None)
    assert await watch.once() == 0
    office.clock.now = (await office.kept(request))["due"] - WEEK_MS
    assert await watch.once() == 1


async def test_what_nobody_proves_comes_to_nothing_and_says_so(database: Database) -> None:
    office, watch = await watched(database)
    request = await office.filed("us-ca", Asked(Right.ACCESS), proven=False)
    office.clock.forward(EXPIRES_MS - 1)
    await watch.once()
    assert (await office.kept(request))["state"] == "action_required"
    office.clock.forward(1)
    await watch.once()
    kept = await office.kept(request)
    assert (kept["state"], kept["reason"]) == ("unfulfilled", "expired")
    assert "expires" not in kept
    assert "open" not in kept


async def test_what_ended_is_raised_no_more(database: Database) -> None:
    office, watch = await watched(database)
    request = await office.filed("us-va", Asked(Right.ACCESS))
    await office.decide.withdraw(request, "self:app")
    office.clock.now = (await office.kept(request))["due"]
    assert await watch.once() == 0
