"""When a message's matter happened, by our clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discretion.domain.ingest.rejection import No
from discretion.domain.ingest.value_parsing import WrongType, moment


def when(raw: Mapping[str, Any], received: int) -> int:
    """Ms since 1970: ``received - (sentAt - timestamp)``, as Segment corrects a wrong clock.

    A message without ``sentAt`` is taken at its word, one without a time happened when it came.
    A clock that runs ahead does not make the future, and none makes a time before 1970.

    Raises:
        No: ``TIMESTAMP_INVALID``, ``SENT_AT_INVALID``.
    """
    sent = _read(raw, "sentAt", "SENT_AT_INVALID")
    given = _read(raw, "timestamp", "TIMESTAMP_INVALID")
    if given is None:
        given = _read(raw, "originalTimestamp", "TIMESTAMP_INVALID")
    if given is None:
        return received
    slow = 0 if sent is None else received - sent
    return max(0, min(given + slow, received))


def claimed(raw: Mapping[str, Any]) -> int | None:
    """The time the sender wrote on a message that ``when`` has read, by their clock; None without one.

    A body that is sent again long after has the old ``sentAt``, and ``when`` then makes its matter recent.
    """
    given = _read(raw, "timestamp", "TIMESTAMP_INVALID")
    return _read(raw, "originalTimestamp", "TIMESTAMP_INVALID") if given is None else given


def _read(raw: Mapping[str, Any], member: str, code: str) -> int | None:
    given = raw.get(member)
    if given is None:
        return None
    try:
        return moment(given)
    except WrongType as wrong:
        raise No(code, f"It takes {wrong.wanted}.", member) from None
