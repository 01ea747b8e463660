"""Rejection of a message: a stable code, a reason without values of the message, and the path at fault."""

from __future__ import annotations

from collections.abc import Mapping


class MessageRejected(Exception):
    """A message is invalid; the validator turns this exception into a ``RefusedMessage``."""

    def __init__(self, code: str, reason: str, place: str = "") -> None:
        super().__init__(code)
        self.code, self.reason, self.place = code, reason, place


def read_object(parent: Mapping[str, object], member: str) -> Mapping[str, object]:
    """Return the JSON object in a member; empty if the member is absent or null.

    Raises:
        MessageRejected: ``TYPE_WRONG``; the member is something else.
    """
    value = parent.get(member)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MessageRejected("TYPE_WRONG", "It takes a JSON object.", member)
    return value
