"""A source record mentions an identifier."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Voice(IntEnum):
    """How a record names an identifier, from strongest to weakest."""

    OWN = 0  # the name its source knows the person by
    ALIAS = 1  # an older name of the same person, said so by the source (Segment's ``alias``)
    SAID = 2  # something that came with a message


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A source record named an identifier, first ``at`` (ms since 1970).

    ``entry`` is the identifier's blind index.
    """

    record: bytes
    kind: str
    entry: bytes
    source: str
    at: int
    voice: Voice = Voice.SAID
