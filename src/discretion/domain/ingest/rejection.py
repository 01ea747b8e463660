"""Rejection of a message or a part of it: a stable code, a reason without values, and the path at fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of a message that was not used: its place, a stable code, and a reason without values."""

    place: str
    code: str
    reason: str


class MessageRejected(Exception):
    """A message or a part of it is invalid.

    The validator turns this exception into a ``RefusedMessage``, or leaves the part out.
    """

    def __init__(self, code: str, reason: str, place: str = "") -> None:
        super().__init__(code)
        self.code, self.reason, self.place = code, reason, place

    def leave_out(self) -> LeftOut:
        """Return the rejection of a part without which the message still has a meaning."""
        return LeftOut(self.place, self.code, self.reason)


def read_object(parent: Mapping[str, object], member: str) -> Mapping[str, object]:
    """Return the JSON object in a member; empty if the member is absent, null or an empty text.

    Raises:
        MessageRejected: ``TYPE_WRONG``; the member is something else.
    """
    value = parent.get(member)
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise MessageRejected("TYPE_WRONG", "It takes a JSON object.", member)
    return value


def read_object_or_leave_out(
    parent: Mapping[str, object], member: str, place: str = ""
) -> tuple[Mapping[str, object], LeftOut | None]:
    """Return the JSON object in a member, or an empty one with the fault; ``place`` is the member's path."""
    try:
        return read_object(parent, member), None
    except MessageRejected as rejection:
        return {}, LeftOut(place or member, rejection.code, rejection.reason)
