"""What a record stores of the statements in messages. Independent of their order; no I/O.

Of explicit statements the latest counts, and a refusal wins at the same time. Of ambient ones, which a source
repeats, a record stores when they began and when they were last received.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from discretion.domain.ingest.message import ExplicitChoice
from discretion.purpose.statements import AmbientChoice
from discretion.store.source_record import Choice

DAY_MS = 86_400_000
TCF_V2_STARTED_MS = 1_566_345_600_000
"""21 August 2019, when version 2 of the TC string was published: no string was updated before."""


def fold_choice(current: Choice | None, choice: ExplicitChoice, at: int, message: str) -> Choice:
    """Return what a record stores after one more explicit statement."""
    candidate = Choice(choice.permits, at, message, choice.until)
    if current is None:
        return candidate
    latest, earlier = current, candidate
    # ``not permits`` sorts a refusal after an acceptance of the same time, so the refusal wins.
    if _sort_choice(candidate) > _sort_choice(current):
        latest, earlier = candidate, current
    refused_at = None
    if latest.permits:
        refused_at = _find_latest_time(
            [latest.refused_at, earlier.refused_at, None if earlier.permits else earlier.at]
        )
    return latest if latest.refused_at == refused_at else replace(latest, refused_at=refused_at)


def _sort_choice(choice: Choice) -> tuple[int, bool, str]:
    return choice.at, not choice.permits, choice.message


def fold_ambient_choice(current: AmbientChoice | None, at: int, *, permits: bool) -> AmbientChoice:
    """Return what a record stores after one more message with an ambient statement."""
    state = current or AmbientChoice()
    if not permits:
        return replace(state, refused_last=_find_latest_time([state.refused_last, at]))
    first = at if state.accepted_first is None else min(state.accepted_first, at)
    return replace(state, accepted_first=first, accepted_last=_find_latest_time([state.accepted_last, at]))


def fold_dated_choice(
    current: AmbientChoice | None, updated_at: int, received_at: int, *, permits: bool
) -> AmbientChoice:
    """Return what a record stores after one more message with a TC string.

    ``LastUpdated`` of a TC string is the beginning of a day (UTC) since version 2.2. An acceptance counts
    from then on, a refusal from the end of that day: whoever refuses and accepts on one day has refused until
    they accept on a later day. Neither is later than the message (``received_at``).

    Args:
        current: What the record stores.
        updated_at: ``LastUpdated`` of the string (ms).
        received_at: The time of the message (ms).
        permits: Whether the string accepts.
    """
    state = current or AmbientChoice()
    if permits:
        return replace(state, dated=_find_latest_time([state.dated, min(updated_at, received_at)]))
    # A refusal with an impossible date counts from its message, as an undated one does.
    refused_at = updated_at + DAY_MS - 1 if updated_at >= TCF_V2_STARTED_MS else received_at
    return replace(state, refused_last=_find_latest_time([state.refused_last, min(refused_at, received_at)]))


def _find_latest_time(times: Iterable[int | None]) -> int | None:
    return max((at for at in times if at is not None), default=None)
