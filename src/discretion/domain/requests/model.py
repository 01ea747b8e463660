"""A request: what somebody asks for, on whose behalf, how sure we are who they are, and what became of it.

States are those of the W3C Data Privacy Vocabulary's request statuses, and one for a request that was taken
back; with their reasons they are told one to one in the words of other protocols (``words.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from discretion.errors import Conflict
from discretion.law.deadline import Extension, Pause
from discretion.law.jurisdiction import Length, Right, Stop, Unit

Document = Mapping[str, Any]


class State(StrEnum):
    """Where a request stands."""

    INITIATED = "initiated"  # nobody is known under that name, or nothing proves it yet
    ACKNOWLEDGED = "acknowledged"  # it waits for a steward to decide
    ACTION_REQUIRED = "action_required"  # it waits for the person; the reason says for what
    ACTION_PERFORMED = "action_performed"  # they did it, and a steward is to look
    ACCEPTED = "accepted"  # it is being carried out
    DELAYED = "delayed"  # accepted, and it takes longer; the person was told why
    FULFILLED = "fulfilled"
    REJECTED = "rejected"
    UNFULFILLED = "unfulfilled"  # it came to nothing: nobody proved who asks
    WITHDRAWN = "withdrawn"


FINAL = frozenset({State.FULFILLED, State.REJECTED, State.UNFULFILLED, State.WITHDRAWN})

_ENDS = frozenset({State.REJECTED, State.UNFULFILLED, State.WITHDRAWN})
FOLLOWS: Mapping[State, frozenset[State]] = {
    State.INITIATED: frozenset({State.ACKNOWLEDGED, State.ACTION_REQUIRED, State.ACCEPTED}) | _ENDS,
    State.ACKNOWLEDGED: frozenset(
        {State.ACTION_REQUIRED, State.ACCEPTED, State.DELAYED, State.FULFILLED, *_ENDS}
    ),
    State.ACTION_REQUIRED: frozenset({State.ACTION_PERFORMED, State.ACKNOWLEDGED, State.ACCEPTED}) | _ENDS,
    State.ACTION_PERFORMED: frozenset(
        {State.ACKNOWLEDGED, State.ACTION_REQUIRED, State.ACCEPTED, State.DELAYED, State.FULFILLED, *_ENDS}
    ),
    State.ACCEPTED: frozenset({State.DELAYED, State.FULFILLED, State.REJECTED, State.WITHDRAWN}),
    State.DELAYED: frozenset({State.ACTION_REQUIRED, State.ACCEPTED, State.FULFILLED, *_ENDS}),
    State.FULFILLED: frozenset(),
    State.REJECTED: frozenset(),
    State.UNFULFILLED: frozenset(),
    State.WITHDRAWN: frozenset(),
}
"""Which state may follow which."""


class Reason(StrEnum):
    """Why a request waits, or was refused, or came to nothing."""

    IDENTITY = "identity"  # who asks is to be proven
    CLARIFICATION = "clarification"
    EVIDENCE = "evidence"
    FRAUD = "fraud"
    NOT_VERIFIED = "not_verified"
    NO_MATCH = "no_match"
    NOT_COVERED = "not_covered"  # the law does not give what is asked for, or another law forbids it
    OUTSIDE_JURISDICTION = "outside_jurisdiction"
    TOO_MANY = "too_many"  # manifestly unfounded or excessive (GDPR Art. 12(5))
    OTHER = "other"
    EXPIRED = "expired"


class Kind(StrEnum):
    """Who asks."""

    PERSON = "person"
    AGENT = "agent"
    GUARDIAN = "guardian"
    STEWARD = "steward"


class Assurance(IntEnum):
    """How sure it is that who asks is who they say, or speaks for them; more is surer."""

    NONE = 0
    SESSION = 1  # a token of theirs
    AGENT = 2  # an agent we know says so
    FRESH = 3  # they logged in a moment ago
    CODE = 4  # they read a code sent to an address of theirs
    OFFICE = 5  # the privacy office has seen to it


NEEDED: Mapping[Right, Assurance] = {
    Right.ACCESS: Assurance.FRESH,
    Right.PORTABILITY: Assurance.FRESH,
    Right.CORRECTION: Assurance.FRESH,
    Right.ERASURE: Assurance.FRESH,
    Right.RECIPIENTS: Assurance.FRESH,
    Right.AUTOMATED_DECISION: Assurance.FRESH,
}
"""What must be proven for a right; for others a session does, as they only ever protect (11 CCR 7026(d))."""


AT_ONCE: frozenset[Right] = frozenset({Right.OPT_OUT_SALE, Right.LIMIT_SENSITIVE, Right.RESTRICTION})
"""The rights that nobody waits for."""


def needed(right: Right) -> Assurance:
    """How sure it must be who asks for a right."""
    return NEEDED.get(right, Assurance.SESSION)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks. ``by`` stands on record (``self:customer-app``), ``subject`` is their ``sub`` at ``client``.

    ``reference`` is the number of the retailer's own file on an agent's or guardian's authority. No name.
    ``contact`` is a keyed digest of the address by which somebody is named who has no token of their own.
    """

    kind: Kind
    by: str
    client: str
    subject: str = field(repr=False)
    assurance: Assurance
    reference: str | None = None
    contact: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for.

    ``scope`` has what of it is no personal data (a channel, a category, a format). ``sealed`` has what is,
    each shut under the customer's key; ``same`` is a keyed digest of it, by which a second asking for the
    same is recognised. With ``decides`` a steward decides before anything is done. An appeal is
    ``appeal_of`` a request, which ``began`` at a moment (ms) whose law holds for both.
    """

    right: Right
    scope: Mapping[str, Any] = field(default_factory=dict)
    sealed: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    decides: bool = False
    appeal_of: bytes | None = None
    began: int | None = None
    same: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of carrying a request out; ``why`` is what it waits for or failed of."""

    name: str
    state: str
    attempts: int
    at: int | None = None
    why: str | None = None
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of state: when, to what, why, by whom."""

    state: State
    at: int
    by: str
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was refused: the provision, in words for the person, and what they can do next."""

    law: str
    words: str
    next: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands; times in ms since 1970."""

    id: bytes
    right: Right
    state: State
    reason: Reason | None
    customer: bytes | None = field(repr=False)
    client: str
    subject: str = field(repr=False)
    kind: Kind
    by: str
    assurance: Assurance
    reference: str | None
    laws: tuple[str, ...]
    received: int
    identified: int | None
    acknowledged: int | None
    pauses: tuple[Pause, ...]
    extension: Extension | None
    extended_why: str | None
    due: int | None
    scope: Mapping[str, Any]
    steps: tuple[Step, ...]
    history: tuple[Turn, ...]
    refusal: Refusal | None
    result: Mapping[str, Any]
    appeal_of: bytes | None
    began: int | None
    version: int

    @property
    def open(self) -> bool:
        """Whether something is still to come."""
        return self.state not in FINAL

    def asker(self, by: str, client: str, subject: str) -> Asker:
        """Whoever asked, asking again: as sure as they were."""
        return Asker(self.kind, by, client, subject, self.assurance, self.reference)


def read(document: Document) -> Request:
    """A request from its document."""
    return Request(
        id=document["_id"],
        right=Right(document["right"]),
        state=State(document["state"]),
        reason=_maybe(Reason, document.get("reason")),
        customer=document.get("customer"),
        client=document["client"],
        subject=document["subject"],
        kind=Kind(document["kind"]),
        by=document["by"],
        assurance=Assurance(document["assurance"]),
        reference=document.get("reference"),
        laws=tuple(document["laws"]),
        received=document["received"],
        identified=document.get("identified"),
        acknowledged=document.get("acknowledged"),
        pauses=tuple(
            Pause(Stop(one["reason"]), one["start"], one.get("end")) for one in document.get("pauses", ())
        ),
        extension=_extension(document.get("extension")),
        extended_why=(document.get("extension") or {}).get("why"),
        due=document.get("due"),
        scope=document["scope"],
        steps=tuple(
            Step(
                one["name"],
                one["state"],
                one["attempts"],
                one.get("at"),
                one.get("why"),
                one.get("told", {}),
            )
            for one in document["steps"]
        ),
        history=tuple(
            Turn(State(one["state"]), one["at"], one["by"], _maybe(Reason, one.get("reason")))
            for one in document["history"]
        ),
        refusal=Refusal(**document["refusal"]) if "refusal" in document else None,
        result=document.get("result", {}),
        appeal_of=document.get("appeal_of"),
        began=document.get("began"),
        version=document["v"],
    )


def turned(
    document: Document, state: State, at: int, by: str, reason: Reason | None = None
) -> dict[str, Any]:
    """Members to be set when a request changes its state; None is to be unset.

    Raises:
        Conflict: ``REQUEST_STATE``.
    """
    before = State(document["state"])
    if state not in FOLLOWS[before]:
        raise Conflict("REQUEST_STATE", f"A request that is {before} does not become {state}.")
    turn: dict[str, Any] = {"state": state.value, "at": at, "by": by}
    if reason is not None:
        turn["reason"] = reason.value
    change: dict[str, Any] = {
        "state": state.value,
        "reason": None if reason is None else reason.value,
        "history": [*document["history"], turn],
    }
    if state in FINAL:
        change |= {"open": None, "next": None, "ended": at}
    return change


def _extension(told: Mapping[str, Any] | None) -> Extension | None:
    if told is None:
        return None
    length = Length(told["count"], Unit(told["unit"])) if "count" in told else None
    return Extension(told["told"], length)


def _maybe(kind: type[Reason], value: str | None) -> Reason | None:
    return None if value is None else kind(value)
