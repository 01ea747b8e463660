"""The days that are kept beside a request are those of the golden vectors, whatever happens to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from discretion.domain.requests.model import Asked, Assurance, Reason
from discretion.errors import Conflict
from discretion.law.jurisdiction import Length, Right, Unit
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.store.domain.requests.privacy_office import BOOK, STEWARD, Office
from tests.unit.law.test_deadline import ms
from tests.unit.law.vectors import VECTORS, Vector

KEPT = {
    "respond": "due",
    "appeal": "due",
    "acknowledge": "acknowledge_by",
    "extend": "extend_by",
    "appeal_extend": "extend_by",
}
SHARED = "two pauses share four days"  # nobody waits for two things at once


def moments(vector: Vector) -> list[tuple[int, str, str]]:
    """What happens to a request after it came, in the order of time."""
    paused, key = vector.paused, vector.key
    found = [(ms(vector.identified, key), "proven", "")] if vector.identified > vector.received else []
    for why, start, end in zip(paused[::3], paused[1::3], paused[2::3], strict=True):
        found += [(ms(start, key), "paused", why), (ms(end, key), "resumed", "")]
    if vector.told:
        found.append((ms(vector.told, key), "extended", ""))
    return sorted(found)


async def lived(office: Office, vector: Vector) -> bytes:
    """A request to which a vector happened, through the verbs by which it happens."""
    received = office.clock.now = ms(vector.received, vector.key)
    asked = Asked(Right(vector.right))
    if vector.step.startswith("appeal"):
        asked = replace(asked, appeal_of=b"first", began=received)
    proven = not vector.identified or vector.identified == vector.received
    request = await office.filed(vector.key, asked, proven=proven)
    for at, what, why in moments(vector):
        office.clock.now = at
        if what == "proven":
            await office.decide.proven(request, "self:app", Assurance.CODE)
        elif what == "paused":
            await office.decide.pause(request, STEWARD, Reason(why))
        elif what == "resumed":
            await office.decide.resume(request, STEWARD)
        else:
            await office.decide.extend(request, STEWARD, "There is much of it.", None)
    return request


async def test_what_is_kept_are_the_days_of_the_golden_vectors(database: Database) -> None:
    office = await Office.on(database, Clock("2026-01-01T00:00"))
    counted = [one for one in VECTORS if one.step in KEPT and one.why != SHARED]
    assert {one.key for one in counted} == BOOK.jurisdictions.keys()
    for vector in counted:
        kept = await office.kept(await lived(office, vector))
        after = (date.fromisoformat(vector.day) + timedelta(days=1)).isoformat() + "T00:00"
        assert kept[KEPT[vector.step]] == ms(after, vector.key), vector


async def test_the_time_stands_still_and_runs_on(database: Database) -> None:
    office = await Office.on(database, Clock("2026-06-01T10:00"))
    request = await office.filed("gb", Asked(Right.ACCESS))
    due = (await office.kept(request))["due"]
    office.clock.set("2026-06-10T12:00")
    await office.decide.pause(request, STEWARD, Reason.CLARIFICATION)
    assert "due" not in await office.kept(request)
    office.clock.set("2026-06-17T12:00")
    await office.decide.resume(request, STEWARD)
    assert (await office.kept(request))["due"] == due + 7 * 86_400_000


@pytest.mark.parametrize(
    ("law", "day", "length", "words"),
    [
        ("br", "2026-02-15T10:00", None, "cannot be made longer"),
        ("us-va", "2026-03-18T10:00", None, "before the time is over"),
        ("us-va", "2026-02-15T10:00", Length(46, Unit.DAYS), "The most is"),
    ],
)
async def test_it_takes_longer_only_as_every_law_lets_it(
    database: Database, law: str, day: str, length: Length | None, words: str
) -> None:
    office = await Office.on(database, Clock("2026-01-31T10:00"))
    request = await office.filed(law, Asked(Right.ACCESS))
    before = await office.kept(request)
    office.clock.set(day)
    with pytest.raises(Conflict, match=words):
        await office.decide.extend(request, STEWARD, "There is much of it.", length)
    assert await office.kept(request) == before


async def test_an_extension_is_given_once(database: Database) -> None:
    office = await Office.on(database, Clock("2026-01-31T10:00"))
    request = await office.filed("us-va", Asked(Right.ACCESS))
    await office.decide.extend(request, STEWARD, "There is much of it.", Length(10, Unit.DAYS))
    with pytest.raises(Conflict, match="once"):
        await office.decide.extend(request, STEWARD, "There is more.", None)


async def test_the_time_stands_still_only_as_every_law_lets_it(database: Database) -> None:
    office = await Office.on(database, Clock("2026-06-01T10:00"))
    request = await office.filed("us-ca", Asked(Right.ACCESS))
    with pytest.raises(Conflict, match="stand"):
        await office.decide.pause(request, STEWARD, Reason.CLARIFICATION)
