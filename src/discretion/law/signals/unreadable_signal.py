"""A signal that cannot be read: where it stands, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a signal says nothing; stable, and never with what was sent."""

    TYPE = "type"  # not the JSON type it must be
    LONG = "long"  # more text than is read
    LETTER = "letter"  # a letter that its encoding does not have
    KIND = "kind"  # another kind of string
    VERSION = "version"  # a version nobody here knows
    SHORT = "short"  # it ends too early
    COUNT = "count"  # not as many sections as its header says
    VALUE = "value"  # a field holds what the standard does not define


@dataclass(frozen=True, slots=True)
class Unread:
    """What was not read. ``place`` is a member of a message's context, and a section's id after a slash."""

    reason: Reason
    place: str = ""

    def within(self, place: str) -> Unread:
        """The same, seen from outside."""
        return Unread(self.reason, f"{place}/{self.place}" if self.place else place)
