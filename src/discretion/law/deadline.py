"""The due date of a step of a rights request.

Pure functions of a law and moments. Moments are ms since 1970, UTC; days are days in the jurisdiction's time
zone. The day on which a period starts is not counted, and a period ends with the end of its last day
(Regulation 1182/71, Art. 3), so daylight saving time has no effect. The rules in force when the request was
received apply: a later law does not change the deadlines of a pending request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from discretion.law.holiday_calendar import is_working_day
from discretion.law.jurisdiction import (
    EXTENDED_STEPS,
    ClockStart,
    DeadlineRule,
    DeadlineStep,
    Jurisdiction,
    PauseReason,
    Right,
    TimeLength,
    TimeUnit,
)
from discretion.law.local_days import add_months, find_local_day, find_midnight

_ONE_DAY = timedelta(days=1)
_EXTENSION_STEPS = {step: extension for extension, step in EXTENDED_STEPS.items()}


class NoDueDateReason(StrEnum):
    """Why a step has no due date."""

    NO_RIGHT = "no_right"  # the law does not give this right
    NO_TIME = "no_time"  # the law gives the right, but no deadline for the step
    NOT_STARTED = "not_started"  # the clock starts when the identity is proven
    STOPPED = "stopped"  # a pause has begun and not ended
    NO_PAUSE = "no_pause"  # the law allows no pause for this reason
    NO_EXTENSION = "no_extension"  # the law allows no extension
    EXTENDED_TWICE = "extended_twice"
    EXTENDED_TOO_FAR = "extended_too_far"
    EXTENDED_TOO_LATE = "extended_too_late"  # the person was told after the deadline


@dataclass(frozen=True, slots=True)
class DeadlinePause:
    """A period that does not count towards a deadline; ``end`` is None while it lasts."""

    reason: PauseReason
    start: int
    end: int | None = None


@dataclass(frozen=True, slots=True)
class DeadlineExtension:
    """An extension of a deadline.

    ``notified_at`` is when the person was told of the extension and its reason. ``length`` is None for the
    longest extension that the law allows.
    """

    notified_at: int
    length: TimeLength | None = None


@dataclass(frozen=True, slots=True)
class RequestTimes:
    """The moments in the life of a request that its deadlines depend on.

    Attributes:
        received_at: When the request was received. For an appeal: when the appeal was received.
        identified_at: When the identity of the requester was proven; the same as ``received_at`` if it was
            never in doubt, None if it is not proven yet. Some laws start the clock here.
        original_received_at: For an appeal, when the original request was received; the law of that moment
            applies. None for a request that is no appeal.
        pauses: Periods that do not count.
        extensions: Extensions of which the person was told.
    """

    received_at: int
    identified_at: int | None = None
    original_received_at: int | None = None
    pauses: tuple[DeadlinePause, ...] = ()
    extensions: tuple[DeadlineExtension, ...] = ()


@dataclass(frozen=True, slots=True)
class DueDate:
    """The due date of a step.

    Attributes:
        ends_at: The end of the due date (ms); a step done before this moment is in time.
        day: The due date in the jurisdiction's time zone.
        original_day: The due date without extension.
        paused_days: The number of days that did not count.
        rule: The rule of law that sets the due date.
    """

    ends_at: int
    day: date
    original_day: date
    paused_days: int
    rule: DeadlineRule


@dataclass(frozen=True, slots=True)
class NoDueDate:
    """No due date exists; ``message`` explains why and contains no personal data."""

    reason: NoDueDateReason
    message: str


def compute_due_date(
    law: Jurisdiction, right: Right, step: DeadlineStep, request: RequestTimes
) -> DueDate | NoDueDate:
    """Return the due date of a step under the law in force when the request was received.

    For ``EXTEND`` and ``APPEAL_EXTEND`` it is the last day on which the person may be told of an extension.
    """
    # An appeal is judged by the law in force when the original request was received.
    day = find_local_day(
        request.received_at if request.original_received_at is None else request.original_received_at,
        law.zone,
    )
    if law.find_right(right, day) is None:
        return NoDueDate(NoDueDateReason.NO_RIGHT, f"{law.label} gave no right of {right} on {day}.")
    if step in EXTENDED_STEPS:
        return _compute_notification_date(law, right, step, request, day)
    rule = law.find_deadline_rule(right, step, day)
    if rule is None:
        return NoDueDate(NoDueDateReason.NO_TIME, f"{law.label} sets no deadline for {right}: {step}.")
    pause_refusal = _refuse_unlawful_pause(rule, request.pauses)
    start = request.received_at if rule.clock is ClockStart.RECEIPT else request.identified_at
    if pause_refusal or start is None:
        return pause_refusal or NoDueDate(
            NoDueDateReason.NOT_STARTED, "The deadline starts when the identity of the requester is proven."
        )
    extension = (
        law.find_deadline_rule(right, _EXTENSION_STEPS[step], day) if step in _EXTENSION_STEPS else None
    )
    return _count_due_date(law, rule, extension, start, request)


def _compute_notification_date(
    law: Jurisdiction, right: Right, step: DeadlineStep, request: RequestTimes, day: date
) -> DueDate | NoDueDate:
    rule = law.find_deadline_rule(right, step, day)
    if rule is None:
        return NoDueDate(
            NoDueDateReason.NO_EXTENSION,
            f"{law.label} allows no extension for {right}: {EXTENDED_STEPS[step]}.",
        )
    # Without extensions: the person must be told before the original deadline ends, not before the extended
    # one.
    unextended_times = RequestTimes(
        request.received_at, request.identified_at, request.original_received_at, request.pauses
    )
    due_date = compute_due_date(law, right, EXTENDED_STEPS[step], unextended_times)
    return (
        due_date
        if isinstance(due_date, NoDueDate)
        else DueDate(due_date.ends_at, due_date.day, due_date.original_day, due_date.paused_days, rule)
    )


def _refuse_unlawful_pause(rule: DeadlineRule, pauses: Sequence[DeadlinePause]) -> NoDueDate | None:
    # A pause that the law does not allow is refused and not ignored, so that nobody relies on it by mistake.
    for pause in pauses:
        if pause.reason not in rule.pauses:
            message = f"The deadline cannot be paused for {pause.reason} ({rule.citation.source})."
            return NoDueDate(NoDueDateReason.NO_PAUSE, message)
    return None


def _count_due_date(
    law: Jurisdiction, rule: DeadlineRule, extension: DeadlineRule | None, start: int, request: RequestTimes
) -> DueDate | NoDueDate:
    pause_stretches = list(_merge_pauses(request.pauses, start))
    unextended_end = _find_last_day(law, rule, (rule.length,), start, pause_stretches)
    if unextended_end is None:
        return NoDueDate(
            NoDueDateReason.STOPPED,
            "The deadline is paused until the requested proof or clarification is received.",
        )
    original_day, paused_days = unextended_end
    if not request.extensions:
        return DueDate(
            _find_end_of_day(original_day, law.zone), original_day, original_day, paused_days, rule
        )
    extension_length = _find_extension_length(
        rule, extension, request.extensions, _find_end_of_day(original_day, law.zone)
    )
    if isinstance(extension_length, NoDueDate):
        return extension_length
    extended_end = _find_last_day(law, rule, (rule.length, extension_length), start, pause_stretches)
    if extended_end is None:
        return NoDueDate(
            NoDueDateReason.STOPPED,
            "The deadline is paused until the requested proof or clarification is received.",
        )
    day, paused_days = extended_end
    return DueDate(_find_end_of_day(day, law.zone), day, original_day, paused_days, rule)


def _find_extension_length(
    rule: DeadlineRule,
    extension: DeadlineRule | None,
    extensions: Sequence[DeadlineExtension],
    original_end: int,
) -> TimeLength | NoDueDate:
    """Return the length of the extension, or the reason why it is not allowed."""
    if extension is None:
        return NoDueDate(
            NoDueDateReason.NO_EXTENSION, f"The deadline cannot be extended ({rule.citation.source})."
        )
    source = extension.citation.source
    if len(extensions) > 1:
        return NoDueDate(
            NoDueDateReason.EXTENDED_TWICE, f"The deadline can be extended only once ({source})."
        )
    (requested,) = extensions
    # GDPR Art. 12(3), for example: the person is informed of the extension within the first month.
    if requested.notified_at >= original_end:
        return NoDueDate(
            NoDueDateReason.EXTENDED_TOO_LATE,
            f"The person must be told before the deadline ends ({source}).",
        )
    length = extension.length if requested.length is None else requested.length
    # Lengths in different units are not comparable, so an extension in another unit than the law's is
    # refused.
    if length.unit is not extension.length.unit or length.count > extension.length.count:
        return NoDueDate(
            NoDueDateReason.EXTENDED_TOO_FAR, f"The longest extension is {extension.length} ({source})."
        )
    return length


def _find_last_day(
    law: Jurisdiction,
    rule: DeadlineRule,
    lengths: Sequence[TimeLength],
    start: int,
    pause_stretches: Sequence[tuple[int, int | None]],
) -> tuple[date, int] | None:
    """Return the last day and the number of paused days; None while a pause lasts.

    A pause that begins after the period has ended is ignored.
    """
    unpaused_end = _add_lengths(find_local_day(start, law.zone), lengths, law.holidays)
    paused_days = 0
    for pause_start, pause_end in pause_stretches:
        # Earlier pauses move the end, so each pause is compared with the end as moved so far.
        if pause_start >= _find_end_of_day(_shift_by_pauses(law, rule, unpaused_end, paused_days), law.zone):
            break
        if pause_end is None:
            return None
        # Whole local days count: a pause that begins and ends on one day does not move the end.
        paused_days += (find_local_day(pause_end, law.zone) - find_local_day(pause_start, law.zone)).days
    return _shift_by_pauses(law, rule, unpaused_end, paused_days), paused_days


def _shift_by_pauses(law: Jurisdiction, rule: DeadlineRule, end: date, paused_days: int) -> date:
    day = end + paused_days * _ONE_DAY
    # Pauses are added as calendar days, so a period of business days may also end on a day off.
    if rule.rolls or rule.length.unit is TimeUnit.BUSINESS_DAYS:
        while not is_working_day(day, law.holidays):
            day += _ONE_DAY
    return day


def _add_lengths(day: date, lengths: Sequence[TimeLength], holidays: str) -> date:
    """Return the day on which consecutive lengths of time after a day end.

    Lengths of one unit are added first: one month and two more are three months from the start, whatever day
    the first month ended on.
    """
    first_length, *other_lengths = lengths
    if all(length.unit is first_length.unit for length in other_lengths):
        return _add_length(
            day, TimeLength(sum(length.count for length in lengths), first_length.unit), holidays
        )
    for length in lengths:
        day = _add_length(day, length, holidays)
    return day


def _add_length(day: date, length: TimeLength, holidays: str) -> date:
    match length.unit:
        case TimeUnit.MONTHS:
            return add_months(day, length.count)
        case TimeUnit.BUSINESS_DAYS:
            remaining_days = length.count
            while remaining_days:
                day += _ONE_DAY
                remaining_days -= is_working_day(day, holidays)
            return day
        case _:
            return day + length.count * _ONE_DAY


def _merge_pauses(pauses: Sequence[DeadlinePause], start: int) -> Iterator[tuple[int, int | None]]:
    """Yield the pauses after the clock started as disjoint stretches in order.

    A time that several pauses share is counted once.
    """
    last_stretch: tuple[int, int | None] | None = None
    for current_pause in sorted(pauses, key=lambda pause: pause.start):
        if current_pause.end is not None and current_pause.end <= start:
            continue
        pause_start = max(current_pause.start, start)
        if last_stretch is not None and (last_stretch[1] is None or pause_start <= last_stretch[1]):
            stretch_end = (
                None
                if last_stretch[1] is None or current_pause.end is None
                else max(last_stretch[1], current_pause.end)
            )
            last_stretch = last_stretch[0], stretch_end
            continue
        if last_stretch is not None:
            yield last_stretch
        last_stretch = pause_start, current_pause.end
    if last_stretch is not None:
        yield last_stretch


def _find_end_of_day(day: date, zone: str) -> int:
    # The next midnight, not 24 hours later: days on which the clock changes have 23 or 25 hours.
    return find_midnight(day + _ONE_DAY, zone)
