"""The time of a message's content by the server's clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.domain.ingest.rejection import LeftOut, MessageRejected
from discretion.domain.ingest.value_parsing import WrongType, parse_timestamp


@dataclass(slots=True)
class MessageTimes:
    """The times of a message, in ms since 1970.

    Attributes:
        at: When its content happened, by the server's clock.
        claimed_at: The sender's own time, uncorrected; None if it has none. A body that is sent again long
            after still has the old ``sentAt``, and the correction then moves its content to the present. The
            claimed time shows its age.
        sent_at_fault: That ``sentAt`` is left out because it is no time.
    """

    at: int
    claimed_at: int | None = None
    sent_at_fault: LeftOut | None = None


def read_times(raw: Mapping[str, object], received: int) -> MessageTimes:
    """Return when a message's content happened: ``received - (sentAt - timestamp)``.

    This is Segment's correction of a wrong clock. Without a readable ``sentAt`` the timestamp is used as it
    is; without a timestamp, the time of receipt. The result is never later than ``received`` and never before
    1970.

    Raises:
        MessageRejected: ``TIMESTAMP_INVALID``.
    """
    claimed_time = _parse_time_member(raw, "timestamp", "TIMESTAMP_INVALID")
    if claimed_time is None:
        claimed_time = _parse_time_member(raw, "originalTimestamp", "TIMESTAMP_INVALID")
    sent, fault = None, None
    try:
        sent = _parse_time_member(raw, "sentAt", "SENT_AT_INVALID")
    except MessageRejected as rejection:
        fault = rejection.leave_out()
    if claimed_time is None:
        return MessageTimes(received, None, fault)
    clock_error = 0 if sent is None else received - sent
    # A future time would outrank every later message, so it is cut to the time of receipt.
    return MessageTimes(max(0, min(claimed_time + clock_error, received)), claimed_time, fault)


def _parse_time_member(raw: Mapping[str, object], member: str, code: str) -> int | None:
    raw_value = raw.get(member)
    if raw_value is None or raw_value == "":
        return None
    try:
        return parse_timestamp(raw_value)
    except WrongType as type_error:
        raise MessageRejected(code, f"It takes {type_error.expected}.", member) from None
