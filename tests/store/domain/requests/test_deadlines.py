"""The stored deadlines of a request equal those of the golden vectors after pauses and extensions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from discretion.domain.requests.model import RequestDetails
from discretion.errors import Conflict
from discretion.law.jurisdiction import Right, TimeLength, TimeUnit
from discretion.store.driver.database import Database
from discretion.store.request_state import RequesterAssurance, RequestReason
from tests.fixtures.clock import Clock
from tests.store.domain.requests.privacy_office import LAWBOOK, STEWARD, RequestOffice
from tests.unit.law.test_deadline import parse_local_ms
from tests.unit.law.vectors import VECTORS, Vector

MEMBERS_BY_STEP = {
    "respond": "due",
    "appeal": "due",
    "acknowledge": "acknowledge_by",
    "extend": "extend_by",
    "appeal_extend": "extend_by",
}
SHARED_PAUSE = "two pauses share four days"  # a request cannot have two pauses at once


def list_moments(vector: Vector) -> list[tuple[int, str, str]]:
    """Return the changes of a request after its receipt, in the order of time: time (ms), change, reason."""
    paused, key = vector.pauses, vector.key
    moments = (
        [(parse_local_ms(vector.identified, key), "proven", "")]
        if vector.identified > vector.received
        else []
    )
    for reason, start, end in zip(paused[::3], paused[1::3], paused[2::3], strict=True):
        moments += [(parse_local_ms(start, key), "paused", reason), (parse_local_ms(end, key), "resumed", "")]
    if vector.extended:
        moments.append((parse_local_ms(vector.extended, key), "extended", ""))
    return sorted(moments)


async def replay_vector(office: RequestOffice, vector: Vector) -> bytes:
    """Apply the changes of a vector to a new request; return its id."""
    received = office.clock.now = parse_local_ms(vector.received, vector.key)
    details = RequestDetails(Right(vector.right))
    if vector.step.startswith("appeal"):
        details = replace(details, appeal_of=b"first", original_received=received)
    is_verified = not vector.identified or vector.identified == vector.received
    request = await office.submit(vector.key, details, is_verified=is_verified)
    for at, change, reason in list_moments(vector):
        office.clock.now = at
        if change == "proven":
            await office.decisions.confirm_identity(request, "self:app", RequesterAssurance.CODE)
        elif change == "paused":
            await office.decisions.pause(request, STEWARD, RequestReason(reason))
        elif change == "resumed":
            await office.decisions.resume(request, STEWARD)
        else:
            await office.decisions.extend(request, STEWARD, "There is much of it.", None)
    return request


async def test_stored_deadlines_equal_the_golden_vectors(database: Database) -> None:
    office = await RequestOffice.open(database, Clock("2026-01-01T00:00"))
    vectors = [
        vector for vector in VECTORS if vector.step in MEMBERS_BY_STEP and vector.comment != SHARED_PAUSE
    ]
    assert {vector.key for vector in vectors} == LAWBOOK.jurisdictions.keys()
    for vector in vectors:
        document = await office.read(await replay_vector(office, vector))
        next_day = (date.fromisoformat(vector.day) + timedelta(days=1)).isoformat() + "T00:00"
        assert document[MEMBERS_BY_STEP[vector.step]] == parse_local_ms(next_day, vector.key), vector


async def test_a_pause_moves_the_deadline(database: Database) -> None:
    office = await RequestOffice.open(database, Clock("2026-06-01T10:00"))
    request = await office.submit("gb", RequestDetails(Right.ACCESS))
    due = (await office.read(request))["due"]
    office.clock.set("2026-06-10T12:00")
    await office.decisions.pause(request, STEWARD, RequestReason.CLARIFICATION)
    assert "due" not in await office.read(request)
    office.clock.set("2026-06-17T12:00")
    await office.decisions.resume(request, STEWARD)
    assert (await office.read(request))["due"] == due + 7 * 86_400_000


@pytest.mark.parametrize(
    ("law", "day", "length", "message"),
    [
        ("br", "2026-02-15T10:00", None, "cannot be extended"),
        ("us-va", "2026-03-18T10:00", None, "before the deadline ends"),
        ("us-va", "2026-02-15T10:00", TimeLength(46, TimeUnit.DAYS), "longest extension"),
    ],
)
async def test_an_extension_must_be_permitted_by_every_law(
    database: Database, law: str, day: str, length: TimeLength | None, message: str
) -> None:
    office = await RequestOffice.open(database, Clock("2026-01-31T10:00"))
    request = await office.submit(law, RequestDetails(Right.ACCESS))
    before = await office.read(request)
    office.clock.set(day)
    with pytest.raises(Conflict, match=message):
        await office.decisions.extend(request, STEWARD, "There is much of it.", length)
    assert await office.read(request) == before


async def test_a_request_can_be_extended_once(database: Database) -> None:
    office = await RequestOffice.open(database, Clock("2026-01-31T10:00"))
    request = await office.submit("us-va", RequestDetails(Right.ACCESS))
    await office.decisions.extend(request, STEWARD, "There is much of it.", TimeLength(10, TimeUnit.DAYS))
    with pytest.raises(Conflict, match="once"):
        await office.decisions.extend(request, STEWARD, "There is more.", None)


async def test_a_pause_must_be_permitted_by_every_law(database: Database) -> None:
    office = await RequestOffice.open(database, Clock("2026-06-01T10:00"))
    request = await office.submit("us-ca", RequestDetails(Right.ACCESS))
    with pytest.raises(Conflict, match="cannot be paused"):
        await office.decisions.pause(request, STEWARD, RequestReason.CLARIFICATION)
