"""Golden vectors: by when each law wants which step done, counted by hand on the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import isodate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.law.deadline import Due, Extension, Pause, Request, Undue, Why, deadline
from discretion.law.jurisdiction import EXTENDED, Length, Right, Step, Stop, Unit
from discretion.law.load import load
from tests.unit.law.small_law import CATALOGUE, book, with_rule
from tests.unit.law.vectors import VECTORS, Vector

BOOK = load(None, CATALOGUE)


def ms(local: str, key: str) -> int:
    """A jurisdiction's local time as a moment."""
    zone = ZoneInfo(BOOK.jurisdictions[key].zone)
    return int(datetime.fromisoformat(local).replace(tzinfo=zone).timestamp() * 1000)


def request(vector: Vector) -> Request:
    """The request a vector tells of."""
    key, paused = vector.key, vector.paused
    threes = zip(paused[::3], paused[1::3], paused[2::3], strict=True)
    return Request(
        ms(vector.received, key),
        ms(vector.identified, key) if vector.identified else None,
        pauses=tuple(Pause(Stop(why), ms(start, key), ms(end, key)) for why, start, end in threes),
        extensions=(Extension(ms(vector.told, key)),) if vector.told else (),
    )


def counted(key: str, right: str, step: str, asked: Request) -> Due | Undue:
    return deadline(BOOK.jurisdictions[key], Right(right), Step(step), asked)


@pytest.mark.parametrize(
    "vector", VECTORS, ids=lambda one: f"{one.key}-{one.right}-{one.step}-{one.received}-{one.why}"
)
def test_a_step_is_due_by_the_end_of_its_last_local_day(vector: Vector) -> None:
    found = counted(vector.key, vector.right, vector.step, request(vector))
    assert isinstance(found, Due), found
    assert found.day.isoformat() == vector.day
    after = (found.day + timedelta(days=1)).isoformat() + "T00:00"
    assert found.at == ms(after, vector.key)
    assert found.rule.cited.source


def test_every_step_of_every_law_has_a_vector() -> None:
    """Law by law, step by step, plain and made longer."""
    told = {(one.key, one.step, bool(one.told)) for one in VECTORS}
    for key, law in BOOK.jurisdictions.items():
        for rule in law.deadlines:
            longer = rule.step in EXTENDED
            assert (key, EXTENDED.get(rule.step, rule.step), longer) in told, (key, rule.step)


def test_an_instant_is_in_the_local_zone_also_when_clocks_change() -> None:
    spring = counted("eu", "portability", "respond", Request(ms("2026-03-10T23:30", "eu")))
    autumn = counted("eu", "objection", "respond", Request(ms("2026-10-12T10:00", "eu")))
    west = counted("us-ca", "correction", "respond", Request(ms("2026-10-20T23:30", "us-ca")))
    assert [_utc(one) for one in (spring, autumn, west)] == [
        "2026-04-10T22:00",
        "2026-11-12T23:00",
        "2026-12-05T08:00",
    ]


def _utc(due: Due | Undue) -> str:
    assert isinstance(due, Due)
    return datetime.fromtimestamp(due.at / 1000, UTC).strftime("%Y-%m-%dT%H:%M")


AT = "2026-06-01T10:00"
STILL = (Pause(Stop.CLARIFICATION, ms("2026-06-10T12:00", "eu"), ms("2026-06-17T12:00", "eu")),)
OPEN = (Pause(Stop.IDENTITY, ms("2026-06-10T12:00", "gb")),)
IN_TIME = Extension(ms("2026-06-05T12:00", "us-ca"))


@pytest.mark.parametrize(
    ("key", "right", "step", "received", "more", "why"),
    [
        ("us-ia", "correction", "respond", AT, {}, Why.NO_RIGHT),
        ("us-ut", "correction", "respond", AT, {}, Why.NO_RIGHT),
        ("us-ut", "access", "appeal", AT, {}, Why.NO_TIME),
        ("us-ca", "automated_decision", "respond", "2026-12-31T23:59", {}, Why.NO_RIGHT),
        ("gb", "complaint", "acknowledge", "2026-06-18T23:59", {}, Why.NO_RIGHT),
        ("in", "erasure", "respond", AT, {}, Why.NO_RIGHT),
        ("ca-qc", "deindexing", "respond", "2023-09-21T10:00", {}, Why.NO_RIGHT),
        ("eu", "access", "respond", "2018-05-24T10:00", {}, Why.NO_RIGHT),
        ("eu", "access", "appeal", AT, {}, Why.NO_TIME),
        ("us-ca", "access", "appeal", AT, {}, Why.NO_TIME),
        ("eu", "access", "acknowledge", AT, {}, Why.NO_TIME),
        ("gb", "access", "respond", AT, {}, Why.NOT_STARTED),
        ("gb", "access", "respond", AT, {"identified": ms(AT, "gb"), "pauses": OPEN}, Why.STOPPED),
        ("eu", "access", "respond", AT, {"pauses": STILL}, Why.NO_PAUSE),
        ("us-ca", "access", "respond", AT, {"pauses": STILL}, Why.NO_PAUSE),
        ("gb", "access", "respond", "2026-02-04T23:59", {"pauses": STILL}, Why.NO_PAUSE),
        ("br", "access", "respond", AT, {"extensions": (IN_TIME,)}, Why.NO_EXTENSION),
        ("ca-qc", "access", "respond", AT, {"extensions": (IN_TIME,)}, Why.NO_EXTENSION),
        ("za", "correction", "respond", AT, {"extensions": (IN_TIME,)}, Why.NO_EXTENSION),
        ("us-ca", "opt_out_sale", "respond", AT, {"extensions": (IN_TIME,)}, Why.NO_EXTENSION),
        ("us-va", "access", "appeal", AT, {"extensions": (IN_TIME,)}, Why.NO_EXTENSION),
        ("ca-qc", "access", "extend", AT, {}, Why.NO_EXTENSION),
        ("us-ca", "access", "acknowledge", AT, {"extensions": (IN_TIME,)}, Why.NO_EXTENSION),
        ("us-ca", "access", "respond", AT, {"extensions": (IN_TIME, IN_TIME)}, Why.EXTENDED_TWICE),
        (
            "us-ca",
            "access",
            "respond",
            AT,
            {"extensions": (Extension(ms("2026-07-17T00:00", "us-ca")),)},
            Why.EXTENDED_TOO_LATE,
        ),
        (
            "us-ca",
            "access",
            "respond",
            AT,
            {"extensions": (Extension(IN_TIME.told, Length(46, Unit.DAYS)),)},
            Why.EXTENDED_TOO_FAR,
        ),
        (
            "eu",
            "access",
            "respond",
            AT,
            {"extensions": (Extension(ms(AT, "eu"), Length(60, Unit.DAYS)),)},
            Why.EXTENDED_TOO_FAR,
        ),
    ],
)
def test_what_the_law_does_not_allow_is_refused_with_a_reason(
    key: str, right: str, step: str, received: str, more: dict[str, object], why: Why
) -> None:
    found = counted(key, right, step, Request(ms(received, key), **more))  # type: ignore[arg-type]
    assert isinstance(found, Undue), found
    assert found.why is why
    assert found.message.endswith(".")


def test_an_extension_may_be_shorter_than_the_law_allows() -> None:
    shorter = Extension(IN_TIME.told, Length(10, Unit.DAYS))
    found = counted("us-ca", "access", "respond", Request(ms(AT, "us-ca"), extensions=(shorter,)))
    assert isinstance(found, Due)
    assert (found.first, found.day) == (date(2026, 7, 16), date(2026, 7, 26))


def test_a_request_keeps_the_rules_it_began_under(tmp_path: Path) -> None:
    """A law of 2024 halves the time; what came the day before has the old time, and so has its appeal."""
    faster = "{rights: [access], step: respond, within: 20 cd, from: 2024-01-01, source: New}"
    law = book(tmp_path, with_rule("deadlines", faster)).jurisdictions["at"]
    zone = ZoneInfo(law.zone)
    last, first = (
        int(datetime(*day, 12, tzinfo=zone).timestamp() * 1000) for day in ((2023, 12, 31), (2024, 1, 1))
    )
    days = []
    for asked in (Request(last), Request(first), Request(first, began=last)):
        found = deadline(law, Right.ACCESS, Step.RESPOND, asked)
        assert isinstance(found, Due)
        days.append(found.day)
    assert days == [date(2024, 2, 14), date(2024, 1, 21), date(2024, 2, 15)]


moments = st.integers(ms("2019-01-01T00:00", "us-ca"), ms("2060-01-01T00:00", "us-ca"))


@given(moments)
def test_months_are_those_of_a_calendar_and_end_on_a_working_day(at: int) -> None:
    """Against isodate: never earlier than its day, and only weekends and holidays between."""
    found = counted("eu", "access", "respond", Request(at))
    assert isinstance(found, Due)
    local = datetime.fromtimestamp(at / 1000, ZoneInfo("Europe/Brussels")).date()
    plain = local + isodate.parse_duration("P1M")
    assert plain <= found.day <= plain + timedelta(days=4)
    assert found.day.weekday() < 5
    assert found.day == plain or plain.weekday() >= 5 or found.day - plain < timedelta(days=4)


@given(moments, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=4))
def test_pauses_add_the_days_that_they_cover_once(at: int, stretches: list[tuple[int, int]]) -> None:
    """Whatever overlaps, no more days are added than stood still, and no pause makes it due earlier."""
    began = max(at, ms("2026-03-01T00:00", "gb"))
    day_ms = 86_400_000
    pauses = tuple(
        Pause(Stop.IDENTITY, began + start * day_ms, began + (start + days) * day_ms)
        for start, days in stretches
    )
    without = counted("gb", "access", "respond", Request(began, began))
    found = counted("gb", "access", "respond", Request(began, began, pauses=pauses))
    assert isinstance(without, Due)
    assert isinstance(found, Due)
    covered = {start + n for start, days in stretches for n in range(days)}
    assert 0 <= found.paused <= len(covered) + 1  # a change of clocks may move a midnight
    assert found.day >= without.day
