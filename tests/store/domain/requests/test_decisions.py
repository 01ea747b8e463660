"""Decisions about a request lose nothing that others add to it at the same time."""

from __future__ import annotations

from dataclasses import replace

from discretion.domain.requests.model import RequestDetails
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database
from discretion.store.subject_request import RequestMessage
from tests.fixtures.clock import Clock
from tests.store.domain.requests.privacy_office import STEWARD, RequestOffice


def build_message(by: str) -> RequestMessage:
    """Build a sealed message."""
    return RequestMessage(1, by, b"c", b"s")


async def test_an_answer_is_added_to_a_message_that_came_in_meanwhile(database: Database) -> None:
    office = await RequestOffice.open(database, Clock("2026-11-02T10:00"))
    request = await office.submit("eu", RequestDetails(Right.AUTOMATED_DECISION))
    await database.update_one("requests", {"_id": request}, {"$set": {"customer": b"c"}})
    message, answer = build_message("self:app"), build_message(STEWARD)
    await office.decisions.apply_change(request, lambda current: replace(current, messages=(message,)))
    await office.decisions.accept(request, STEWARD, answer)
    stored = await office.requests.find(request)
    assert stored is not None
    assert stored.messages == (message, answer)
