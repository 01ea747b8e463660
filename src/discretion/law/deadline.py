"""By when a step of a rights request is due.

Pure: a law, moments in, a day and a moment out. Moments are ms since 1970, UTC; days are those of
the jurisdiction's time zone. The day a clock starts on is not counted, and a time ends with the end of its
last day (Regulation 1182/71, Art. 3), so daylight saving changes nothing. The rules are those that were
in force when the request came: a later law does not move what has begun.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from discretion.law.holiday_calendar import works
from discretion.law.jurisdiction import (
    EXTENDED,
    Clock,
    Deadline,
    Jurisdiction,
    Length,
    Right,
    Step,
    Stop,
    Unit,
)
from discretion.law.local_days import local_day, midnight, months_after

_DAY = timedelta(days=1)
_EXTENDED_BY = {step: extension for extension, step in EXTENDED.items()}


class Why(StrEnum):
    """Why there is no day."""

    NO_RIGHT = "no_right"  # the law does not give it
    NO_TIME = "no_time"  # the law gives the right and no time for the step
    NOT_STARTED = "not_started"  # the clock waits for identity to be proven
    STOPPED = "stopped"  # a pause that has begun and not ended
    NO_PAUSE = "no_pause"  # the law does not let the clock stop for that
    NO_EXTENSION = "no_extension"  # the law does not let it take longer
    EXTENDED_TWICE = "extended_twice"
    EXTENDED_TOO_FAR = "extended_too_far"
    EXTENDED_TOO_LATE = "extended_too_late"  # whoever asked was told after the time was over


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch of time that does not count; without ``end`` it goes on."""

    reason: Stop
    start: int
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """More time, and when the person was told of it and why. Without ``length``, all that the law allows."""

    told: int
    length: Length | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What has happened to a request so far.

    ``received`` starts the clock, or ``identified`` (when it was proven who asks; the same moment if it was
    never in doubt) where the law says so. An appeal has clocks of its own: ``received`` is when it came, and
    ``began`` when the request did, whose rules hold.
    """

    received: int
    identified: int | None = None
    began: int | None = None
    pauses: tuple[Pause, ...] = ()
    extensions: tuple[Extension, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """The last ``day``, and the moment ``at`` which it is over: what is done before ``at`` is in time.

    ``first`` is the last day that it would have been without extension. ``paused`` are the days that did not
    count.
    """

    at: int
    day: date
    first: date
    paused: int
    rule: Deadline


@dataclass(frozen=True, slots=True)
class Undue:
    """There is no such day; ``message`` says why, and names no person."""

    why: Why
    message: str


def deadline(law: Jurisdiction, right: Right, step: Step, request: Request) -> Due | Undue:
    """By when a step is due under the law that held when the request came.

    For ``EXTEND`` and ``APPEAL_EXTEND`` that is the day by which the person must have been told.
    """
    day = local_day(request.received if request.began is None else request.began, law.zone)
    if law.right(right, day) is None:
        return Undue(Why.NO_RIGHT, f"{law.label} gave no right of {right} on {day}.")
    if step in EXTENDED:
        return _tell_by(law, right, step, request, day)
    rule = law.due(right, step, day)
    if rule is None:
        return Undue(Why.NO_TIME, f"{law.label} sets no time to {step} a request of {right}.")
    refused = _unlawful_pause(rule, request.pauses)
    start = request.received if rule.clock is Clock.RECEIPT else request.identified
    if refused or start is None:
        return refused or Undue(Why.NOT_STARTED, "The time starts when it is proven who asks.")
    extension = law.due(right, _EXTENDED_BY[step], day) if step in _EXTENDED_BY else None
    return _counted(law, rule, extension, start, request)


def _tell_by(law: Jurisdiction, right: Right, step: Step, request: Request, day: date) -> Due | Undue:
    rule = law.due(right, step, day)
    if rule is None:
        return Undue(Why.NO_EXTENSION, f"{law.label} lets {EXTENDED[step]} of {right} take no longer.")
    plain = Request(request.received, request.identified, request.began, request.pauses)
    found = deadline(law, right, EXTENDED[step], plain)
    return found if isinstance(found, Undue) else Due(found.at, found.day, found.first, found.paused, rule)


def _unlawful_pause(rule: Deadline, pauses: Sequence[Pause]) -> Undue | None:
    for one in pauses:
        if one.reason not in rule.pauses:
            message = f"The time does not stand still for {one.reason} ({rule.cited.source})."
            return Undue(Why.NO_PAUSE, message)
    return None


def _counted(
    law: Jurisdiction, rule: Deadline, extension: Deadline | None, start: int, request: Request
) -> Due | Undue:
    stretches = list(_stretches(request.pauses, start))
    plain = _end(law, rule, (rule.length,), start, stretches)
    if plain is None:
        return Undue(Why.STOPPED, "The time stands still until what was asked for has come.")
    first, paused = plain
    if not request.extensions:
        return Due(_over(first, law.zone), first, first, paused, rule)
    longer = _longer(rule, extension, request.extensions, _over(first, law.zone))
    if isinstance(longer, Undue):
        return longer
    extended = _end(law, rule, (rule.length, longer), start, stretches)
    if extended is None:
        return Undue(Why.STOPPED, "The time stands still until what was asked for has come.")
    day, paused = extended
    return Due(_over(day, law.zone), day, first, paused, rule)


def _longer(
    rule: Deadline, extension: Deadline | None, asked: Sequence[Extension], over: int
) -> Length | Undue:
    """How much longer it may take, or why not."""
    if extension is None:
        return Undue(Why.NO_EXTENSION, f"The time cannot be made longer ({rule.cited.source}).")
    source = extension.cited.source
    if len(asked) > 1:
        return Undue(Why.EXTENDED_TWICE, f"The time is made longer once ({source}).")
    (one,) = asked
    if one.told >= over:
        return Undue(Why.EXTENDED_TOO_LATE, f"Whoever asked must be told before the time is over ({source}).")
    length = extension.length if one.length is None else one.length
    if length.unit is not extension.length.unit or length.count > extension.length.count:
        return Undue(Why.EXTENDED_TOO_FAR, f"The most is {extension.length} ({source}).")
    return length


def _end(
    law: Jurisdiction,
    rule: Deadline,
    lengths: Sequence[Length],
    start: int,
    stretches: Sequence[tuple[int, int | None]],
) -> tuple[date, int] | None:
    """The last day and the days that did not count; None while the clock stands still.

    A pause that begins when the time is over is no pause of it.
    """
    end = _after(local_day(start, law.zone), lengths, law.holidays)
    paused = 0
    for begun, ended in stretches:
        if begun >= _over(_shifted(law, rule, end, paused), law.zone):
            break
        if ended is None:
            return None
        paused += (local_day(ended, law.zone) - local_day(begun, law.zone)).days
    return _shifted(law, rule, end, paused), paused


def _shifted(law: Jurisdiction, rule: Deadline, end: date, paused: int) -> date:
    day = end + paused * _DAY
    if rule.rolls or rule.length.unit is Unit.BUSINESS_DAYS:
        while not works(day, law.holidays):
            day += _DAY
    return day


def _after(day: date, lengths: Sequence[Length], holidays: str) -> date:
    """The day that so much time after a day ends on.

    Two lengths of one unit are one length: a month and two more are three months from the start, whatever the
    first of them ended on.
    """
    first, *others = lengths
    if all(one.unit is first.unit for one in others):
        return _later(day, Length(sum(one.count for one in lengths), first.unit), holidays)
    for one in lengths:
        day = _later(day, one, holidays)
    return day


def _later(day: date, length: Length, holidays: str) -> date:
    match length.unit:
        case Unit.MONTHS:
            return months_after(day, length.count)
        case Unit.BUSINESS_DAYS:
            left = length.count
            while left:
                day += _DAY
                left -= works(day, holidays)
            return day
        case _:
            return day + length.count * _DAY


def _stretches(pauses: Sequence[Pause], start: int) -> Iterator[tuple[int, int | None]]:
    """The pauses since the clock started, in order; what two of them share counts once."""
    last: tuple[int, int | None] | None = None
    for one in sorted(pauses, key=lambda pause: pause.start):
        if one.end is not None and one.end <= start:
            continue
        begun = max(one.start, start)
        if last is not None and (last[1] is None or begun <= last[1]):
            ended = None if last[1] is None or one.end is None else max(last[1], one.end)
            last = last[0], ended
            continue
        if last is not None:
            yield last
        last = begun, one.end
    if last is not None:
        yield last


def _over(day: date, zone: str) -> int:
    return midnight(day + _DAY, zone)
