"""Golden vectors: the due date of each step under each law, counted by hand on the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import isodate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.law.deadline import (
    DeadlineExtension,
    DeadlinePause,
    DueDate,
    NoDueDate,
    NoDueDateReason,
    RequestTimes,
    compute_due_date,
)
from discretion.law.jurisdiction import EXTENDED_STEPS, DeadlineStep, PauseReason, Right, TimeLength, TimeUnit
from discretion.law.load import load_lawbook
from tests.unit.law.small_law import CATALOGUE, add_rule, load_small_lawbook
from tests.unit.law.vectors import VECTORS, Vector

BOOK = load_lawbook(None, CATALOGUE)


def parse_local_ms(local: str, key: str) -> int:
    """Convert a local time of a jurisdiction to ms since 1970."""
    zone = ZoneInfo(BOOK.jurisdictions[key].zone)
    return int(datetime.fromisoformat(local).replace(tzinfo=zone).timestamp() * 1000)


def build_request(vector: Vector) -> RequestTimes:
    """Build the request that a vector describes."""
    key, pauses = vector.key, vector.pauses
    pause_fields = zip(pauses[::3], pauses[1::3], pauses[2::3], strict=True)
    return RequestTimes(
        parse_local_ms(vector.received, key),
        parse_local_ms(vector.identified, key) if vector.identified else None,
        pauses=tuple(
            DeadlinePause(PauseReason(reason), parse_local_ms(start, key), parse_local_ms(end, key))
            for reason, start, end in pause_fields
        ),
        extensions=(DeadlineExtension(parse_local_ms(vector.extended, key)),) if vector.extended else (),
    )


def compute_step_due(key: str, right: str, step: str, times: RequestTimes) -> DueDate | NoDueDate:
    return compute_due_date(BOOK.jurisdictions[key], Right(right), DeadlineStep(step), times)


@pytest.mark.parametrize(
    "vector",
    VECTORS,
    ids=lambda vector: f"{vector.key}-{vector.right}-{vector.step}-{vector.received}-{vector.comment}",
)
def test_a_step_is_due_by_the_end_of_its_last_local_day(vector: Vector) -> None:
    due_date = compute_step_due(vector.key, vector.right, vector.step, build_request(vector))
    assert isinstance(due_date, DueDate), due_date
    assert due_date.day.isoformat() == vector.day
    next_midnight = (due_date.day + timedelta(days=1)).isoformat() + "T00:00"
    assert due_date.ends_at == parse_local_ms(next_midnight, vector.key)
    assert due_date.rule.citation.source


def test_every_step_of_every_law_has_a_vector() -> None:
    """For each law and step, with and without an extension."""
    covered = {(vector.key, vector.step, bool(vector.extended)) for vector in VECTORS}
    for key, law in BOOK.jurisdictions.items():
        for rule in law.deadlines:
            is_extension = rule.step in EXTENDED_STEPS
            assert (key, EXTENDED_STEPS.get(rule.step, rule.step), is_extension) in covered, (key, rule.step)


def test_a_due_time_is_local_also_when_clocks_change() -> None:
    spring = compute_step_due(
        "eu", "portability", "respond", RequestTimes(parse_local_ms("2026-03-10T23:30", "eu"))
    )
    autumn = compute_step_due(
        "eu", "objection", "respond", RequestTimes(parse_local_ms("2026-10-12T10:00", "eu"))
    )
    west = compute_step_due(
        "us-ca", "correction", "respond", RequestTimes(parse_local_ms("2026-10-20T23:30", "us-ca"))
    )
    assert [_format_utc(due_date) for due_date in (spring, autumn, west)] == [
        "2026-04-10T22:00",
        "2026-11-12T23:00",
        "2026-12-05T08:00",
    ]


def _format_utc(due: DueDate | NoDueDate) -> str:
    assert isinstance(due, DueDate)
    return datetime.fromtimestamp(due.ends_at / 1000, UTC).strftime("%Y-%m-%dT%H:%M")


RECEIVED = "2026-06-01T10:00"
CLARIFICATION_PAUSE = (
    DeadlinePause(
        PauseReason.CLARIFICATION,
        parse_local_ms("2026-06-10T12:00", "eu"),
        parse_local_ms("2026-06-17T12:00", "eu"),
    ),
)
OPEN_PAUSE = (DeadlinePause(PauseReason.IDENTITY, parse_local_ms("2026-06-10T12:00", "gb")),)
TIMELY_EXTENSION = DeadlineExtension(parse_local_ms("2026-06-05T12:00", "us-ca"))


@pytest.mark.parametrize(
    ("key", "right", "step", "received", "extra_times", "reason"),
    [
        ("us-ia", "correction", "respond", RECEIVED, {}, NoDueDateReason.NO_RIGHT),
        ("us-ut", "correction", "respond", RECEIVED, {}, NoDueDateReason.NO_RIGHT),
        ("us-ut", "access", "appeal", RECEIVED, {}, NoDueDateReason.NO_TIME),
        ("us-ca", "automated_decision", "respond", "2026-12-31T23:59", {}, NoDueDateReason.NO_RIGHT),
        ("gb", "complaint", "acknowledge", "2026-06-18T23:59", {}, NoDueDateReason.NO_RIGHT),
        ("in", "erasure", "respond", RECEIVED, {}, NoDueDateReason.NO_RIGHT),
        ("ca-qc", "deindexing", "respond", "2023-09-21T10:00", {}, NoDueDateReason.NO_RIGHT),
        ("eu", "access", "respond", "2018-05-24T10:00", {}, NoDueDateReason.NO_RIGHT),
        ("eu", "access", "appeal", RECEIVED, {}, NoDueDateReason.NO_TIME),
        ("us-ca", "access", "appeal", RECEIVED, {}, NoDueDateReason.NO_TIME),
        ("eu", "access", "acknowledge", RECEIVED, {}, NoDueDateReason.NO_TIME),
        ("gb", "access", "respond", RECEIVED, {}, NoDueDateReason.NOT_STARTED),
        (
            "gb",
            "access",
            "respond",
            RECEIVED,
            {"identified_at": parse_local_ms(RECEIVED, "gb"), "pauses": OPEN_PAUSE},
            NoDueDateReason.STOPPED,
        ),
        ("eu", "access", "respond", RECEIVED, {"pauses": CLARIFICATION_PAUSE}, NoDueDateReason.NO_PAUSE),
        ("us-ca", "access", "respond", RECEIVED, {"pauses": CLARIFICATION_PAUSE}, NoDueDateReason.NO_PAUSE),
        (
            "gb",
            "access",
            "respond",
            "2026-02-04T23:59",
            {"pauses": CLARIFICATION_PAUSE},
            NoDueDateReason.NO_PAUSE,
        ),
        (
            "br",
            "access",
            "respond",
            RECEIVED,
            {"extensions": (TIMELY_EXTENSION,)},
            NoDueDateReason.NO_EXTENSION,
        ),
        (
            "ca-qc",
            "access",
            "respond",
            RECEIVED,
            {"extensions": (TIMELY_EXTENSION,)},
            NoDueDateReason.NO_EXTENSION,
        ),
        (
            "za",
            "correction",
            "respond",
            RECEIVED,
            {"extensions": (TIMELY_EXTENSION,)},
            NoDueDateReason.NO_EXTENSION,
        ),
        (
            "us-ca",
            "opt_out_sale",
            "respond",
            RECEIVED,
            {"extensions": (TIMELY_EXTENSION,)},
            NoDueDateReason.NO_EXTENSION,
        ),
        (
            "us-va",
            "access",
            "appeal",
            RECEIVED,
            {"extensions": (TIMELY_EXTENSION,)},
            NoDueDateReason.NO_EXTENSION,
        ),
        ("ca-qc", "access", "extend", RECEIVED, {}, NoDueDateReason.NO_EXTENSION),
        (
            "us-ca",
            "access",
            "acknowledge",
            RECEIVED,
            {"extensions": (TIMELY_EXTENSION,)},
            NoDueDateReason.NO_EXTENSION,
        ),
        (
            "us-ca",
            "access",
            "respond",
            RECEIVED,
            {"extensions": (TIMELY_EXTENSION, TIMELY_EXTENSION)},
            NoDueDateReason.EXTENDED_TWICE,
        ),
        (
            "us-ca",
            "access",
            "respond",
            RECEIVED,
            {"extensions": (DeadlineExtension(parse_local_ms("2026-07-17T00:00", "us-ca")),)},
            NoDueDateReason.EXTENDED_TOO_LATE,
        ),
        (
            "us-ca",
            "access",
            "respond",
            RECEIVED,
            {"extensions": (DeadlineExtension(TIMELY_EXTENSION.notified_at, TimeLength(46, TimeUnit.DAYS)),)},
            NoDueDateReason.EXTENDED_TOO_FAR,
        ),
        (
            "eu",
            "access",
            "respond",
            RECEIVED,
            {
                "extensions": (
                    DeadlineExtension(parse_local_ms(RECEIVED, "eu"), TimeLength(60, TimeUnit.DAYS)),
                )
            },
            NoDueDateReason.EXTENDED_TOO_FAR,
        ),
    ],
)
def test_a_step_without_a_due_date_has_a_reason(
    key: str, right: str, step: str, received: str, extra_times: dict[str, object], reason: NoDueDateReason
) -> None:
    result = compute_step_due(key, right, step, RequestTimes(parse_local_ms(received, key), **extra_times))  # type: ignore[arg-type]
    assert isinstance(result, NoDueDate), result
    assert result.reason is reason
    assert result.message.endswith(".")


def test_an_extension_may_be_shorter_than_the_law_allows() -> None:
    shorter = DeadlineExtension(TIMELY_EXTENSION.notified_at, TimeLength(10, TimeUnit.DAYS))
    due_date = compute_step_due(
        "us-ca", "access", "respond", RequestTimes(parse_local_ms(RECEIVED, "us-ca"), extensions=(shorter,))
    )
    assert isinstance(due_date, DueDate)
    assert (due_date.original_day, due_date.day) == (date(2026, 7, 16), date(2026, 7, 26))


def test_a_request_keeps_the_rules_it_began_under(tmp_path: Path) -> None:
    """A law of 2024 halves the time; a request of the day before, and its appeal, keep the old time."""
    rule = "{rights: [access], step: respond, within: 20 cd, from: 2024-01-01, source: New}"
    law = load_small_lawbook(tmp_path, add_rule("deadlines", rule)).jurisdictions["at"]
    zone = ZoneInfo(law.zone)
    last_ms, first_ms = (
        int(datetime(*day, 12, tzinfo=zone).timestamp() * 1000) for day in ((2023, 12, 31), (2024, 1, 1))
    )
    days = []
    for times in (
        RequestTimes(last_ms),
        RequestTimes(first_ms),
        RequestTimes(first_ms, original_received_at=last_ms),
    ):
        due_date = compute_due_date(law, Right.ACCESS, DeadlineStep.RESPOND, times)
        assert isinstance(due_date, DueDate)
        days.append(due_date.day)
    assert days == [date(2024, 2, 14), date(2024, 1, 21), date(2024, 2, 15)]


MOMENTS = st.integers(
    parse_local_ms("2019-01-01T00:00", "us-ca"), parse_local_ms("2060-01-01T00:00", "us-ca")
)


@given(MOMENTS)
def test_months_are_those_of_a_calendar_and_end_on_a_working_day(received_at: int) -> None:
    """Compared with isodate: never earlier than its day, and later only for weekends and holidays."""
    due_date = compute_step_due("eu", "access", "respond", RequestTimes(received_at))
    assert isinstance(due_date, DueDate)
    local = datetime.fromtimestamp(received_at / 1000, ZoneInfo("Europe/Brussels")).date()
    month_later = local + isodate.parse_duration("P1M")
    assert month_later <= due_date.day <= month_later + timedelta(days=4)
    assert due_date.day.weekday() < 5
    assert (
        due_date.day == month_later
        or month_later.weekday() >= 5
        or due_date.day - month_later < timedelta(days=4)
    )


@given(MOMENTS, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=4))
def test_pauses_add_each_day_that_they_cover_once(moment: int, intervals: list[tuple[int, int]]) -> None:
    """Overlapping pauses add no more days than they cover, and no pause makes a step due earlier."""
    received_at = max(moment, parse_local_ms("2026-03-01T00:00", "gb"))
    day_ms = 86_400_000
    pauses = tuple(
        DeadlinePause(
            PauseReason.IDENTITY, received_at + start * day_ms, received_at + (start + days) * day_ms
        )
        for start, days in intervals
    )
    without = compute_step_due("gb", "access", "respond", RequestTimes(received_at, received_at))
    with_pauses = compute_step_due(
        "gb", "access", "respond", RequestTimes(received_at, received_at, pauses=pauses)
    )
    assert isinstance(without, DueDate)
    assert isinstance(with_pauses, DueDate)
    covered = {start + number for start, days in intervals for number in range(days)}
    assert 0 <= with_pauses.paused_days <= len(covered) + 1  # a change of clocks may move a midnight
    assert with_pauses.day >= without.day
