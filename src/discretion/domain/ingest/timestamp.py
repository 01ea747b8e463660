"""The time of a message's content by the server's clock."""

from __future__ import annotations

from collections.abc import Mapping

from discretion.domain.ingest.rejection import LeftOut, MessageRejected
from discretion.domain.ingest.value_parsing import WrongType, parse_timestamp


def correct_timestamp(raw: Mapping[str, object], received: int) -> int:
    """Return when a message's content happened (ms since 1970): ``received - (sentAt - timestamp)``.

    This is Segment's correction of a wrong clock. Without a readable ``sentAt`` the timestamp is used as it
    is; without a timestamp, the time of receipt. The result is never later than ``received`` and never before
    1970.

    Raises:
        MessageRejected: ``TIMESTAMP_INVALID``.
    """
    claimed_time = read_claimed_timestamp(raw)
    if claimed_time is None:
        return received
    try:
        sent = _parse_time_member(raw, "sentAt", "SENT_AT_INVALID")
    except MessageRejected:
        sent = None
    clock_error = 0 if sent is None else received - sent
    # A future time would outrank every later message, so it is cut to the time of receipt.
    return max(0, min(claimed_time + clock_error, received))


def find_sent_at_fault(raw: Mapping[str, object]) -> LeftOut | None:
    """Return that ``sentAt`` is left out because it is no time; None if it is one or absent."""
    try:
        _parse_time_member(raw, "sentAt", "SENT_AT_INVALID")
    except MessageRejected as rejection:
        return rejection.leave_out()
    return None


def read_claimed_timestamp(raw: Mapping[str, object]) -> int | None:
    """Return the sender's own time of a message, uncorrected, in ms; None if it has none.

    A body that is sent again long after still has the old ``sentAt``, and ``correct_timestamp`` then moves
    its content to the present. The claimed time shows its age.

    Raises:
        MessageRejected: ``TIMESTAMP_INVALID``.
    """
    claimed_time = _parse_time_member(raw, "timestamp", "TIMESTAMP_INVALID")
    if claimed_time is None:
        claimed_time = _parse_time_member(raw, "originalTimestamp", "TIMESTAMP_INVALID")
    return claimed_time


def _parse_time_member(raw: Mapping[str, object], member: str, code: str) -> int | None:
    raw_value = raw.get(member)
    if raw_value is None or raw_value == "":
        return None
    try:
        return parse_timestamp(raw_value)
    except WrongType as type_error:
        raise MessageRejected(code, f"It takes {type_error.expected}.", member) from None
