"""A mandate: what an organisation filed for somebody, and how that stands.

What it is told depends on nothing that only a match could show, until the person has proven who they are: a
request for nobody we know begins, is dated and is told like one for somebody (see ``rights.file``).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.domain.agents.agent import Kind
from discretion.domain.requests.model import FINAL, Assurance, Reason, Request, State, needed
from discretion.law.jurisdiction import Right

_ORDER = tuple(State)


@dataclass(frozen=True, slots=True)
class Mandate:
    """``id`` is what its agent calls the request by; ``requests`` are those filed under it."""

    id: bytes
    agent: str
    kind: Kind
    right: Right
    requests: tuple[bytes, ...]
    at: int
    reference: str | None = None

    @property
    def name(self) -> str:
        """The id as a UUID."""
        return named(self.id)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a mandate stands, for its agent. Times in ms since 1970.

    ``count`` is of people it is about, ``expires`` is until when they may prove who they are.
    """

    mandate: Mandate
    state: State
    reason: Reason | None
    due: int
    details: str | None = None
    count: int = 0
    expires: int | None = None

    @property
    def final(self) -> bool:
        """Whether nothing is still to come."""
        return self.state in FINAL


def read(document: Mapping[str, Any]) -> Mandate:
    """A mandate from its document."""
    return Mandate(
        document["_id"],
        document["agent"],
        Kind(document["kind"]),
        Right(document["right"]),
        tuple(document["requests"]),
        document["at"],
        document.get("reference"),
    )


def named(mandate: bytes) -> str:
    """A mandate's id as a UUID of version 4; ``fresh`` makes it one."""
    return str(uuid.UUID(bytes=mandate))


def fresh(entropy: bytes) -> bytes:
    """The id of a new mandate, of 16 random bytes."""
    return uuid.UUID(bytes=entropy, version=4).bytes


def parse(name: str) -> bytes | None:
    """The id that a UUID in its one canonical spelling names."""
    try:
        found = uuid.UUID(name)
    except ValueError:
        return None
    return found.bytes if str(found) == name else None


def standing(mandate: Mandate, requests: Sequence[Request]) -> Standing:
    """How a mandate stands: as the one of its requests does that is furthest from its end.

    A mandate without requests is of a controller, for whom nothing is kept of whoever it asked about.
    """
    if not requests:
        return Standing(mandate, State.FULFILLED, None, mandate.at)
    due = max((one.due for one in requests if one.due is not None), default=mandate.at)
    last = min(requests, key=lambda one: (one.state in FINAL, _ORDER.index(one.state)))
    if _proven(last):
        return Standing(mandate, last.state, last.reason, due, _details(last), len(requests))
    reason = Reason.NOT_VERIFIED if last.reason is Reason.NO_MATCH else last.reason
    return Standing(mandate, last.state, reason, due)


def _proven(request: Request) -> bool:
    """Whether whoever it is about has proven who they are, or somebody answers for it who may."""
    return request.assurance >= Assurance.FRESH or (
        request.identified is not None and needed(request.right) > Assurance.SESSION
    )


def _details(request: Request) -> str | None:
    """What the agent may tell the person: the law and the next step, or why it takes longer."""
    if request.refusal is not None:
        return f"{request.refusal.law}. {request.refusal.next}"
    return request.extended_why
