"""A signal that cannot be read, with its place and the reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class UnreadableReason(StrEnum):
    """Why a signal cannot be read; stable codes that never contain what was sent."""

    TYPE = "type"  # wrong JSON type
    LONG = "long"  # longer than the limit
    ENCODING = "letter"  # a letter outside the encoding
    KIND = "kind"  # another kind of string
    VERSION = "version"  # an unknown version
    SHORT = "short"  # it ends too early
    COUNT = "count"  # the number of sections differs from the header
    VALUE = "value"  # a field value that the standard does not define


@dataclass(frozen=True, slots=True)
class UnreadableSignal:
    """A signal that was not read. ``place`` is a member of the context, with a section's id after a slash."""

    reason: UnreadableReason
    place: str = ""

    def nest_in(self, place: str) -> UnreadableSignal:
        """Return the same problem with a parent place."""
        return UnreadableSignal(self.reason, f"{place}/{self.place}" if self.place else place)
