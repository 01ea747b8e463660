"""Saying no to a message: a stable code, a reason that carries no value, and the place to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class No(Exception):
    """What a message gets wrong; the validator makes a refusal of it."""

    def __init__(self, code: str, reason: str, place: str = "") -> None:
        super().__init__(code)
        self.code, self.reason, self.place = code, reason, place


def mapping(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The JSON object under a name, empty if there is none.

    Raises:
        No: ``TYPE_WRONG``, it is something else.
    """
    given = parent.get(name)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise No("TYPE_WRONG", "It takes a JSON object.", name)
    return given
