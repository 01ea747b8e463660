"""A fact: one tracking message, validated, in the catalogue's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from discretion.catalogue.model import Attribute, EventType, Source
from discretion.domain.ingest.statement_context import Saying
from discretion.seal.redacted import Shut


@dataclass(frozen=True, slots=True)
class Identifier:
    """A typed external identifier, normalised."""

    type: str
    value: Shut[str]


@dataclass(frozen=True, slots=True)
class Happening:
    """An event and its declared properties, in stored form."""

    type: EventType
    properties: Shut[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Said:
    """An explicit word about a purpose; a yes counts until ``until`` (ms), if that is not None.

    ``guardian``: it is the word of whoever has parental responsibility.
    """

    given: bool
    until: int | None = None
    guardian: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """What one message says about one person.

    ``identifiers[0]`` is the person's id at the source: it names the source record. ``aliases``
    are what the source says the person was called before. ``values``
    are in stored form. ``choices`` maps purposes to what the source says beside other things that the person
    said, ``words`` to what they said expressly, ``saying`` is how. ``signals`` are opt-out signals that
    came with it, ``iab`` the strings some were read in, ``country`` is where the device was seen. Times in
    ms; ``claimed`` is the sender's own, not set right. ``dropped`` counts what the catalogue does not declare
    and the disk therefore never sees.
    """

    source: Source
    message: str
    at: int
    received: int
    identifiers: tuple[Identifier, ...]
    values: tuple[tuple[Attribute, Shut[Any]], ...] = ()
    choices: Mapping[str, bool] = field(default_factory=dict)
    words: Mapping[str, Said] = field(default_factory=dict)
    saying: Saying | None = None
    signals: frozenset[str] = frozenset()
    iab: str = field(default="", repr=False)
    country: str | None = field(default=None, repr=False)
    event: Happening | None = None
    aliases: tuple[Identifier, ...] = ()
    dropped: int = 0
    claimed: int | None = None

    @property
    def earliest(self) -> int:
        """When it happened by whichever clock says earlier: nothing comes back for being called recent."""
        return self.at if self.claimed is None else min(self.at, self.claimed)


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that was not taken in, with a stable code and a reason that carries no value."""

    message: str
    code: str
    reason: str
    place: str = ""


class Status(StrEnum):
    """What became of a message."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message, in the order they were sent.

    ``minimised`` counts what was not stored because the person refused every purpose of it.
    """

    message: str
    status: Status
    dropped: int = 0
    minimised: int = 0
    code: str = ""
    reason: str = ""
    place: str = ""
