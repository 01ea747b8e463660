"""A delivery: one recipient to be told of one request, until they know or a human took it over."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

DAY_MS = 86_400_000
TRIED_MS = 14 * DAY_MS
"""How long it is tried."""

KEPT_MS = 44 * DAY_MS
"""How long the id is kept for a human to tell; after that it is not known whom to name."""

FIRST_MS, LONGEST_MS = 30_000, DAY_MS // 2
"""After the first failure, and at most, until it is tried again."""


class State(StrEnum):
    """Where a delivery stands."""

    OPEN = "open"  # to be sent, or sent again
    RECEIVED = "received"  # they have it (202) and will say when they have acted
    TOLD = "told"  # they said so, or a steward did
    BY_HAND = "by_hand"  # they registered no address
    STUCK = "stuck"  # the last try failed
    LAPSED = "lapsed"  # nobody told them in time


TRIED = (State.OPEN, State.RECEIVED)
"""What the platform still tries itself."""

HUMAN = (State.BY_HAND, State.STUCK)
"""What a steward is to see to."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """See the module; times in ms since 1970.

    ``what`` is the right that was exercised: erasure, correction, restriction. ``subjects`` are the ids by
    which this client knows the person; gone once it was told.
    """

    id: bytes
    request: bytes
    client: str
    what: str
    subjects: tuple[str, ...] = field(repr=False)
    attributes: tuple[str, ...]
    purposes: tuple[str, ...]
    state: State
    attempts: int
    created: int
    next: int | None
    acknowledged: int | None
    by: str | None
    why: str | None


def read(document: Mapping[str, Any]) -> Delivery:
    """A delivery from its document."""
    return Delivery(
        id=document["_id"],
        request=document["request"],
        client=document["client"],
        what=document["what"],
        subjects=tuple(document.get("subjects", ())),
        attributes=tuple(document["attributes"]),
        purposes=tuple(document["purposes"]),
        state=State(document["state"]),
        attempts=document["attempts"],
        created=document["created"],
        next=document.get("next"),
        acknowledged=document.get("acknowledged"),
        by=document.get("by"),
        why=document.get("why"),
    )


def name(request: bytes, client: str) -> bytes:
    """The id of the one delivery of a request to a client."""
    return hashlib.sha256(request + client.encode()).digest()[:16]


def told(at: int, by: str) -> dict[str, Any]:
    """What a delivery becomes when its recipient knows: whose data it was about is forgotten."""
    return {
        "state": State.TOLD.value,
        "acknowledged": at,
        "by": by,
        "subjects": None,
        "next": None,
        "why": None,
    }


def wait(attempts: int, chance: bytes) -> int:
    """How long to wait after so many failures, in ms: twice as long each time, and not all at once."""
    most = int(min(FIRST_MS * 2 ** min(attempts - 1, 20), LONGEST_MS))
    return most // 2 + int.from_bytes(chance) % (most // 2)
