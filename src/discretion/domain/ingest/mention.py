"""Mentions: a source record names an identifier. They are the edges of the identity graph."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class MentionStrength(IntEnum):
    """How a record names an identifier, from strongest to weakest. The numbers are stored as ``w``."""

    OWN = 0  # the id by which the source knows the person; it names the source record
    ALIAS = 1  # an earlier id of the same person, as the source states (Segment's ``alias``)
    ATTACHED = 2  # an identifier in the traits or the context of a message


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A source record names an identifier, for the first time at ``at`` (ms since 1970).

    ``record`` is the id of the source record, ``entry`` the blind index of the identifier.
    """

    record: bytes
    identifier_type: str
    entry: bytes
    source: str
    at: int
    strength: MentionStrength = MentionStrength.ATTACHED
