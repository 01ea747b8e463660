"""A document of ``requests``, typed: a rights request, its progress, and the lease of its worker.

Times are in ms since 1970. ``request_codec`` has the stored names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from discretion.law.deadline import DeadlineExtension, DeadlinePause
from discretion.law.jurisdiction import Right
from discretion.store.document import JsonValue, drop_unset
from discretion.store.ledger_names import SubjectNames
from discretion.store.places.place import ErasedIds
from discretion.store.request_state import (
    FINAL_STATES,
    RequesterAssurance,
    RequesterRole,
    RequestReason,
    RequestState,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestScope:
    """What a request asks for, without personal data; a member that says nothing limits nothing.

    Attributes:
        part: ``categories`` or ``specific``: what an agent asks for in an access request.
        channel: The channel that an erasure is limited to.
        category: The data category that an erasure is limited to.
        purpose: The purpose that an erasure is limited to.
        is_lifted: Whether a restriction is lifted.
        decision: The automated decision that is to be reviewed.
        purposes: The purposes that are objected to.
        attributes: Paths of the attributes that are corrected.
        removed: Those of them that should have no value.
    """

    part: str | None = None
    channel: str | None = None
    category: str | None = None
    purpose: str | None = None
    is_lifted: bool = False
    decision: str | None = None
    purposes: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def is_partial(self) -> bool:
        """Whether an erasure is limited to a part of the data."""
        return any(part is not None for part in (self.channel, self.category, self.purpose))

    def build_members(self) -> dict[str, JsonValue]:
        """Return the members that say something, under the names by which the API shows them."""
        named = {
            "part": self.part,
            "channel": self.channel,
            "category": self.category,
            "purpose": self.purpose,
            "decision": self.decision,
        }
        return {
            **drop_unset(named),
            **({"lift": True} if self.is_lifted else {}),
            **({"purposes": list(self.purposes)} if self.purposes else {}),
            **(
                {"attributes": list(self.attributes), "remove": list(self.removed)} if self.attributes else {}
            ),
        }


@dataclass(frozen=True, slots=True)
class RequestStep:
    """One step of a workflow.

    Attributes:
        name: Its name (``domain.kit.workflow.step_name``).
        is_done: Whether it is done.
        attempts: Number of failures.
        at: When it was done.
        why: What it waits for, or the cause of its last failure.
        output: Its result; None if it is not done.
    """

    name: str
    is_done: bool = False
    attempts: int = 0
    at: int | None = None
    why: str | None = None
    output: Mapping[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True)
class StateTransition:
    """A change of state in the history of a request."""

    state: RequestState
    at: int
    by: str
    reason: RequestReason | None = None


@dataclass(frozen=True, slots=True)
class RequestRefusal:
    """A refusal.

    Attributes:
        law: The provision that allows it.
        words: The explanation for the person.
        next: Their remedies.
    """

    law: str
    words: str
    next: str


@dataclass(frozen=True, slots=True)
class RequestMessage:
    """A message between the person and the privacy office.

    Attributes:
        at: When it was written.
        by: Who wrote it.
        owner: The customer id under whose key it is sealed.
        sealed: The text.
    """

    at: int
    by: str
    owner: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class IdentityCode:
    """The code that was sent to an address: its hash, how often one was entered, and its end of validity."""

    hash: str = field(repr=False)
    tries: int
    valid_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureSnapshot:
    """All ids under which data of an erased person are found, as they were before the first deletion.

    Identifiers that other customers use too are not deleted and get no tombstone. The erasure of a part of
    the data has only ``records``.

    Attributes:
        taken_at: When it was taken.
        customers: The present customer id first, then the former ones.
        records: Their source records.
        own_identifiers: Entries (blind indexes) of identifiers that only they use.
        shared_identifiers: Entries of identifiers that other customers use too.
        rulings: Rulings of stewards about their records.
        laws: Keys of the jurisdictions that protected them.
        names: Their names in the ledger; no longer derivable once the data keys are gone.
    """

    taken_at: int
    customers: tuple[bytes, ...] = field(default=(), repr=False)
    records: tuple[bytes, ...] = field(default=(), repr=False)
    own_identifiers: tuple[bytes, ...] = field(default=(), repr=False)
    shared_identifiers: tuple[bytes, ...] = field(default=(), repr=False)
    rulings: tuple[bytes, ...] = field(default=(), repr=False)
    laws: tuple[str, ...] = ()
    names: SubjectNames = field(default=SubjectNames(), repr=False)

    @property
    def ids(self) -> ErasedIds:
        """The ids under which the places of the map are searched."""
        return ErasedIds(
            frozenset(self.customers),
            frozenset(self.records),
            frozenset(self.own_identifiers),
            frozenset(self.rulings),
        )


@dataclass(frozen=True, slots=True)
class StoredPackage:
    """A package as its request stores it; the request is the only place that refers to it.

    Attributes:
        request: Id of the request.
        customer: The customer id whose key the pages are sealed under.
        fence: Number of the attempt that wrote the pages.
        sections: Number of pages by section, in the order of the package.
        rows: Number of rows by section.
        made_at: When it was made.
        available_until: When it is deleted.
    """

    request: bytes
    customer: bytes = field(repr=False)
    fence: int
    sections: Mapping[str, int]
    rows: Mapping[str, int]
    made_at: int
    available_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestResult:
    """What was done; no personal data.

    Attributes:
        purged: Deleted or changed documents of an erasure by collection.
        erased_events: Deleted events by type, of the erasure of a part of the data.
        certificate: The signed certificate of an erasure.
        receipt: Receipt of the disclosure that made the package.
    """

    purged: Mapping[str, int] = field(default_factory=dict)
    erased_events: Mapping[str, int] = field(default_factory=dict)
    certificate: str | None = None
    receipt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProgress:
    """What a step writes into its request while it runs; what is None or empty stays as it is.

    Attributes:
        snapshot: The ids of the person who is erased.
        purged: Documents deleted so far, of some collections.
        erased_events: Events deleted so far, by type.
        sealed: More sealed parts, by name.
        package: The package that was made.
        receipt: Receipt of the disclosure that made it.
        certificate: The certificate of an erasure. The snapshot and the sealed parts are removed with the
            same write: a repeated step finds the certificate, and the request identifies nobody any more.
    """

    snapshot: ErasureSnapshot | None = None
    purged: Mapping[str, int] = field(default_factory=dict)
    erased_events: Mapping[str, int] = field(default_factory=dict)
    sealed: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    package: StoredPackage | None = None
    receipt: str | None = None
    certificate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRequest:
    """A rights request.

    Attributes:
        id: Its id.
        version: Incremented by every write.
        right: The right that is exercised.
        state: Where it stands.
        reason: Why it waits, was refused or ended without result.
        customer: Whom it is about, by the id under which it was filed; None if nobody was found.
        client: The client that filed it.
        subject: What names the requester at this client: the ``sub`` of the token, or the digest of a login.
        role: In which role the requester filed it.
        by: The requester as an actor, such as ``self:customer-app``.
        assurance: How surely the requester is identified.
        reference: Number of the retailer's file on an agent's or guardian's authority.
        contact: Keyed digest of the address by which the customer was named.
        login: While it is open, the blind index of the identifier that the requester's login rests on.
        reached_numbers: While it is open, digests of the numbers of whom its login reached, or its address
            led to, when it was filed (``login_reach.list_reached_numbers``); None if neither named them.
        new_address: While it is open, the keyed digest of the one new address that it asks for.
        address_proven: When the new address was confirmed.
        laws: Keys of the laws that it is answered by.
        received: When it was filed.
        acknowledged: When its receipt was acknowledged.
        identified: When the identity was proven.
        proof_until: When the time to prove the identity or the new address ends.
        ended: When it reached its final state.
        acknowledge_by: Until when its receipt is to be acknowledged.
        extend_by: Until when the person must be told of an extension.
        due: Until when it is to be answered.
        pauses: Periods that do not count.
        extension: The extension of the deadline.
        extended_why: Why it was extended, as the person reads it.
        scope: What it asks for, without personal data.
        sealed: What it asks for with personal data; each part is sealed under the customer's key.
        needs_decision: Whether a steward decides before anything is done.
        steps: The steps of its workflow.
        history: Its changes of state.
        refusal: Why it was refused.
        result: What was done.
        appeal_of: The request that it appeals.
        original_received: When that one was received.
        open_digest: Digest of subject and content while it is open, so that it is filed once.
        next_run: When its next step is due; None if none is.
        lease_until: When the lease of its worker ends; 0 if there is none.
        fence: The number of that lease.
        code: The code that was sent last.
        codes_sent: When codes were sent within the last hour.
        messages: Messages, oldest first.
        warned: Warnings of its deadline that were given.
        warned_at: When the last one was given.
        snapshot: The ids of the person whom it erases.
        package: The package that it produced.
    """

    id: bytes
    version: int = 1
    right: Right
    state: RequestState
    reason: RequestReason | None = None
    customer: bytes | None = field(default=None, repr=False)
    client: str
    subject: str = field(repr=False)
    role: RequesterRole
    by: str
    assurance: RequesterAssurance
    reference: str | None = None
    contact: bytes | None = field(default=None, repr=False)
    login: bytes | None = field(default=None, repr=False)
    reached_numbers: tuple[bytes, ...] | None = field(default=None, repr=False)
    new_address: bytes | None = field(default=None, repr=False)
    address_proven: int | None = None
    laws: tuple[str, ...]
    received: int
    acknowledged: int | None = None
    identified: int | None = None
    proof_until: int | None = None
    ended: int | None = None
    acknowledge_by: int | None = None
    extend_by: int | None = None
    due: int | None = None
    pauses: tuple[DeadlinePause, ...] = ()
    extension: DeadlineExtension | None = None
    extended_why: str | None = None
    scope: RequestScope = field(default_factory=RequestScope)
    sealed: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    needs_decision: bool = False
    steps: tuple[RequestStep, ...] = ()
    history: tuple[StateTransition, ...] = ()
    refusal: RequestRefusal | None = None
    result: RequestResult = field(default_factory=RequestResult)
    appeal_of: bytes | None = None
    original_received: int | None = None
    open_digest: bytes | None = field(default=None, repr=False)
    next_run: int | None = None
    lease_until: int = 0
    fence: int = 0
    code: IdentityCode | None = None
    codes_sent: tuple[int, ...] = ()
    messages: tuple[RequestMessage, ...] = ()
    warned: tuple[str, ...] = ()
    warned_at: int | None = None
    snapshot: ErasureSnapshot | None = None
    package: StoredPackage | None = None

    @property
    def is_open(self) -> bool:
        """Whether the request has not ended."""
        return self.state not in FINAL_STATES

    @property
    def waits_for_identity(self) -> bool:
        """Whether the requester has to prove their identity before anything else happens."""
        return self.state is RequestState.ACTION_REQUIRED and self.reason is RequestReason.IDENTITY

    @property
    def waits_for_address(self) -> bool:
        """Whether the new address has to be confirmed before the correction takes effect."""
        return self.state is RequestState.ACTION_REQUIRED and self.reason is RequestReason.ADDRESS

    @property
    def was_accepted(self) -> bool:
        """Whether the request was accepted at any time."""
        return any(transition.state is RequestState.ACCEPTED for transition in self.history)

    @property
    def is_under_way(self) -> bool:
        """Whether a step has changed something. The first one of an erasure leaves a snapshot."""
        return self.snapshot is not None or any(step.is_done for step in self.steps)
