"""Decisions about a request lose nothing that others add to it at the same time."""

from __future__ import annotations

from typing import Any

from discretion.domain.requests.model import RequestDetails
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.store.domain.requests.privacy_office import STEWARD, RequestOffice


def build_message(by: str) -> dict[str, Any]:
    """Build a sealed message."""
    return {"at": 1, "by": by, "for": b"c", "sealed": b"s"}


async def test_an_answer_is_added_to_a_message_that_came_in_meanwhile(database: Database) -> None:
    office = await RequestOffice.open(database, Clock("2026-11-02T10:00"))
    request = await office.submit("eu", RequestDetails(Right.AUTOMATED_DECISION))
    await database.update_one("requests", {"_id": request}, {"$set": {"customer": b"c"}})
    message, answer = build_message("self:app"), build_message(STEWARD)
    await office.decisions.apply_change(request, lambda _: {"messages": [message]})
    await office.decisions.accept(request, STEWARD, answer)
    assert (await office.read(request))["messages"] == [message, answer]
