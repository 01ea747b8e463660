"""Filing of rights requests.

A request that asks for the same as an open one of the same requester is the open one. The laws that protect
the customer are recorded when the request is filed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import orjson

from discretion.domain.kit.workflow.step_name import StepName
from discretion.domain.requests.deadlines import DeadlineClock
from discretion.domain.requests.model import (
    IMMEDIATE_RIGHTS,
    RequestDetails,
    Requester,
    change_state,
    find_required_assurance,
)
from discretion.errors import Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.law.model import UNKNOWN
from discretion.reveal.login_reach import LoginReachResolver
from discretion.store.people import PeopleStore
from discretion.store.request_state import RequestReason, RequestState
from discretion.store.requests import RequestStore
from discretion.store.subject_request import RequestStep, StateTransition, SubjectRequest
from discretion.store.transactions import Session, Transactions

IDENTITY_EXPIRY_MS = 45 * 86_400_000
"""Time for the requester to prove their identity (ms); after that the request expires."""

ADDRESS_EXPIRY_MS = 14 * 86_400_000
"""Time to confirm a new address (ms): within every law's deadline, which runs meanwhile."""

StepNames = Mapping[Right, Sequence[StepName]]
"""The steps of each right, in their order. A steward answers a right that has no steps."""


AfterFiling = Callable[[SubjectRequest, Session], Awaitable[None]]
"""Called with a request that is filed."""


@dataclass(frozen=True, slots=True)
class RequestSubmission:
    """Files requests.

    ``wake_runner`` wakes the workflow runner; ``after_filing`` is called in the transaction of each filing.
    """

    transactions: Transactions
    people: PeopleStore
    requests: RequestStore
    login_reaches: LoginReachResolver
    deadline_clock: DeadlineClock
    steps: StepNames
    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]
    wake_runner: Callable[[], None]
    after_filing: AfterFiling

    async def submit(
        self, customer: bytes | None, details: RequestDetails, requester: Requester
    ) -> SubjectRequest:
        """File a request, or return the open request that asks for the same.

        Args:
            customer: The customer, by a current or former id; None if none was found. The work and the result
                are the same then, because the response must not show whether a customer was found.
            details: What the request asks for.
            requester: Who files it.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``.
        """

        async def file_once(session: Session) -> SubjectRequest:
            subject, laws = await self._find_subject(session, customer)
            digest = _build_open_digest(subject, details, requester)
            open_request = None if digest is None else await self.requests.find_open(digest, session)
            if open_request is not None:
                return open_request
            # It carries the id under which it was filed, which may be a former one. If a steward later splits
            # a merged customer, the request belongs to the part that has this id.
            filed = replace(self.build_request(subject, laws, details, requester), customer=customer)
            # Also for an address that leads to nobody: the time must not show that.
            if requester.reached is not None or requester.contact is not None:
                numbers = await self.login_reaches.list_reached_numbers(
                    requester.reached or b"", filed.id, session
                )
                filed = replace(filed, reached_numbers=numbers)
            await self.requests.add(filed, session)
            await self.after_filing(filed, session)
            return filed

        try:
            request = await self.transactions.run(file_once)
        except Conflict:
            # Another worker filed the same request at the same time: the unique index on `open` refused this
            # one.
            request = await self.transactions.run(file_once)
        self.wake_runner()
        return request

    async def _find_subject(
        self, session: Session, customer: bytes | None
    ) -> tuple[bytes | None, Sequence[str]]:
        # Without a customer the same query runs with an id that matches nothing, and takes as long.
        current = await self.people.current(customer or b"", session)
        if customer is None:
            return None, [UNKNOWN]
        if current is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        return current.id, current.laws

    def build_request(
        self, customer: bytes | None, laws: Sequence[str], details: RequestDetails, requester: Requester
    ) -> SubjectRequest:
        """Return a new request.

        If the request names the customer only by an address, the strictest law applies until the requester is
        identified. The laws of the customer would show that the address is known.
        """
        now, steps = self.now_ms(), self.steps.get(details.right, ())
        state, reason = choose_initial_state(customer, details, requester, bool(steps))
        is_identified = reason is not RequestReason.IDENTITY
        expiry_ms = {RequestReason.IDENTITY: IDENTITY_EXPIRY_MS, RequestReason.ADDRESS: ADDRESS_EXPIRY_MS}
        request = SubjectRequest(
            id=self.entropy(16),
            right=details.right,
            state=state,
            reason=reason,
            customer=customer,
            client=requester.client,
            subject=requester.subject,
            role=requester.role,
            by=requester.by,
            assurance=requester.assurance,
            reference=requester.reference,
            contact=requester.contact,
            login=requester.login,
            new_address=details.new_address,
            laws=tuple(laws) if requester.contact is None else (UNKNOWN,),
            received=now,
            acknowledged=now,
            identified=now if is_identified else None,
            proof_until=now + expiry_ms[reason] if reason in expiry_ms else None,
            scope=details.scope,
            sealed=details.sealed,
            needs_decision=details.needs_decision,
            steps=tuple(RequestStep(step.value) for step in steps),
            history=(StateTransition(state, now, requester.by, reason),),
            appeal_of=details.appeal_of,
            original_received=details.original_received,
            open_digest=_build_open_digest(customer, details, requester),
            next_run=now if state is RequestState.ACCEPTED else None,
        )
        return set_deadlines(self.deadline_clock, request)

    def build_fulfilled_request(
        self, customer: bytes | None, laws: Sequence[str], details: RequestDetails, requester: Requester
    ) -> SubjectRequest:
        """Return a new request whose first step is already done.

        If there are no further steps, the request is fulfilled. It is never the same as an open one: a person
        may restrict, lift and restrict again while recipients are still notified of the first.
        """
        request = replace(self.build_request(customer, laws, details, requester), open_digest=None)
        now = request.received
        first_step, later_steps = request.steps[:1], request.steps[1:]
        done = tuple(replace(step, is_done=True, at=now) for step in first_step)
        begun = replace(request, steps=(*done, *later_steps))
        if later_steps:
            return replace(begun, next_run=now)
        return change_state(begun, RequestState.FULFILLED, now, requester.by)


def choose_initial_state(
    customer: bytes | None, details: RequestDetails, requester: Requester, is_automatic: bool
) -> tuple[RequestState, RequestReason | None]:
    """Return the first state of a request and its reason.

    It is the same if no customer was found and if the requester is not identified, so that it does not show
    which. Immediate rights need no customer: they are recorded without effect if none was found.
    """
    is_unmatched = customer is None and details.right not in IMMEDIATE_RIGHTS
    if is_unmatched or requester.assurance < find_required_assurance(details, requester):
        return RequestState.ACTION_REQUIRED, RequestReason.IDENTITY
    if details.new_address is not None:
        return RequestState.ACTION_REQUIRED, RequestReason.ADDRESS
    return (
        RequestState.ACCEPTED if is_automatic and not details.needs_decision else RequestState.ACKNOWLEDGED
    ), None


def leave_proof(request: SubjectRequest, now: int, by: str) -> SubjectRequest:
    """Return a request in the state after a proof: it waits for the next one, for a decision, or is run."""
    unproven = replace(request, proof_until=None, code=None)
    if request.new_address is not None and request.address_proven is None:
        waiting = change_state(unproven, RequestState.ACKNOWLEDGED, now, by)
        waiting = change_state(waiting, RequestState.ACTION_REQUIRED, now, by, RequestReason.ADDRESS)
        return replace(waiting, proof_until=now + ADDRESS_EXPIRY_MS)
    if not request.steps or request.needs_decision:
        return change_state(unproven, RequestState.ACKNOWLEDGED, now, by)
    return replace(change_state(unproven, RequestState.ACCEPTED, now, by), next_run=now)


def set_deadlines(clock: DeadlineClock, request: SubjectRequest) -> SubjectRequest:
    """Return a request with its deadlines (ms) as they are now.

    The deadlines are stored only to query and sort by them. ``clock`` can compute them at any time.
    """
    dates = clock.compute_dates(request)
    return replace(request, due=dates.respond, acknowledge_by=dates.acknowledge, extend_by=dates.extend)


def build_appeal(request: SubjectRequest) -> RequestDetails:
    """Return the details of an appeal against a refusal: the same content, to be decided by a steward."""
    return RequestDetails(
        request.right,
        request.scope,
        needs_decision=True,
        appeal_of=request.id,
        original_received=request.received,
    )


def _build_open_digest(customer: bytes | None, details: RequestDetails, requester: Requester) -> bytes | None:
    """Return a digest that two requests share if they ask for the same; None if no other one is the same.

    For a request by address the digest contains the address and the requester, not the customer. Otherwise
    two addresses of one customer could be recognised as such. A requester without a reference cannot be told
    apart from others who typed the address: what one of them proves must not answer the request of another.
    """
    if requester.contact is not None and requester.reference is None:
        return None
    content_parts = [
        details.right.value,
        details.scope.build_members(),
        (details.appeal_of or b"").hex(),
        details.fingerprint.hex(),
    ]
    requester_parts = (
        [requester.client, requester.subject, requester.role.value, requester.reference]
        if requester.contact is not None
        else []
    )
    subject_key = requester.contact or customer or b""
    encoded = orjson.dumps([*content_parts, *requester_parts], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(subject_key + encoded).digest()[:16]
