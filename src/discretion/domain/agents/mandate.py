"""A mandate: what an organisation filed for somebody, and how that stands.

What it is told depends on nothing that only a match could show, until the person has proven who they are: a
request for nobody we know begins, is dated and is told like one for somebody.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from discretion.domain.agents.agent import Kind
from discretion.domain.rights.clock import Clock
from discretion.domain.rights.model import FINAL, Assurance, Reason, Request, State, needed
from discretion.law.jurisdiction import Right
from discretion.law.model import UNKNOWN

SETTLED_MS = 60_000
"""After so long a request that needs no proof is done, also where there is nobody to do it for."""

_ORDER = tuple(State)
_TAKEN_AT_ITS_WORD = frozenset({Assurance.SESSION, Assurance.AGENT})


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
    """How a mandate stands, for its agent. Times in ms since 1970; ``count`` is of requests with somebody."""

    mandate: Mandate
    state: State
    reason: Reason | None
    due: int
    details: str | None = None
    count: int = 0

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


def standing(mandate: Mandate, requests: Sequence[Request], clock: Clock, now_ms: int) -> Standing:
    """How a mandate stands: as the one of its requests does that is furthest from its end."""
    each = [_seen(one, clock) for one in requests]
    due = max((one.due for one in each if one.due is not None), default=mandate.at)
    count = sum(one.customer is not None for one in each)
    if mandate.kind is Kind.CONTROLLER and not count:
        return Standing(mandate, State.FULFILLED, None, due)
    last = min(each, key=lambda one: (one.state in FINAL, _ORDER.index(one.state)))
    if needed(mandate.right) <= Assurance.SESSION and last.assurance in _TAKEN_AT_ITS_WORD:
        return Standing(mandate, *_protected(mandate, last, now_ms), due)
    return Standing(mandate, last.state, last.reason, due, _details(last), count)


def _proven(request: Request) -> bool:
    """Whether whoever it is about has proven who they are, or somebody answers for it who may."""
    if needed(request.right) <= Assurance.SESSION:
        return request.assurance >= Assurance.FRESH
    return request.identified is not None or request.assurance >= Assurance.FRESH


def _seen(request: Request, clock: Clock) -> Request:
    """A request without what only a match could show, while nobody has proven anything."""
    if _proven(request):
        return request
    unproven = replace(request, laws=(UNKNOWN,), identified=None)
    reason = Reason.NOT_VERIFIED if request.reason is Reason.NO_MATCH else request.reason
    return replace(unproven, due=clock.dates(unproven).respond, reason=reason)


def _protected(mandate: Mandate, request: Request, now_ms: int) -> tuple[State, Reason | None]:
    """How a request stands that takes no proof (11 CCR 7026(d)), filed on the word of an agent.

    Where there is nobody, nothing of theirs is sold or used, which is what was asked for.
    """
    if now_ms < mandate.at + SETTLED_MS and request.state is not State.WITHDRAWN:
        return State.ACCEPTED, None
    if request.customer is None and request.state is not State.WITHDRAWN:
        return State.FULFILLED, None
    return request.state, request.reason


def _details(request: Request) -> str | None:
    """What the agent may tell the person: the law and the next step, or why it takes longer."""
    if not _proven(request):
        return None
    if request.refusal is not None:
        return f"{request.refusal.law}. {request.refusal.next}"
    return request.extended_why
