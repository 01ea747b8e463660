"""Filing of rights requests.

A request that asks for the same as an open one is the open one. The laws that protect the customer are
recorded when the request is filed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from discretion.domain.kit.workflow.step_name import StepName
from discretion.domain.requests.deadlines import DeadlineClock
from discretion.domain.requests.model import (
    IMMEDIATE_RIGHTS,
    RequestDetails,
    Requester,
    RequestReason,
    RequestState,
    SubjectRequest,
    build_transition,
    read_request,
    required_assurance,
)
from discretion.errors import Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.law.model import UNKNOWN
from discretion.store.document import MutableDocument
from discretion.store.people import PeopleStore
from discretion.store.requests import RequestStore
from discretion.store.transactions import Session, Transactions

IDENTITY_EXPIRY_MS = 45 * 86_400_000
"""Time for the requester to prove their identity (ms); after that the request expires."""

StepNames = Mapping[Right, Sequence[StepName]]
"""The steps of each right, in their order. A steward answers a right that has no steps."""


AfterFiling = Callable[[Mapping[str, Any], Session], Awaitable[None]]
"""Called with the document of a request that is filed."""


@dataclass(frozen=True, slots=True)
class RequestSubmission:
    """Files requests.

    ``wake_runner`` wakes the workflow runner; ``after_filing`` is called in the transaction of each filing.
    """

    transactions: Transactions
    people: PeopleStore
    requests: RequestStore
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

        async def file_once(session: Session) -> MutableDocument:
            subject, laws = await self._find_subject(session, customer)
            open_request = await self.requests.find_open(
                _build_open_key(subject, details, requester), session
            )
            if open_request is not None:
                return open_request
            document = {**self.build_document(subject, laws, details, requester), **_customer_field(customer)}
            await self.requests.add(document, session)
            await self.after_filing(document, session)
            return document

        try:
            request = read_request(await self.transactions.run(file_once))
        except Conflict:
            # Another worker filed the same request at the same time: the unique index on `open` refused this
            # one.
            request = read_request(await self.transactions.run(file_once))
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

    def build_document(
        self, customer: bytes | None, laws: Sequence[str], details: RequestDetails, requester: Requester
    ) -> MutableDocument:
        """Return the document of a new request.

        If the request names the customer only by an address, the strictest law applies until the requester is
        identified. The laws of the customer would show that the address is known. See
        ``store.schema.requests`` for the legend of the stored keys.
        """
        now = self.now_ms()
        state, reason = choose_initial_state(
            customer, details, requester, bool(self.steps.get(details.right))
        )
        is_identified = reason is not RequestReason.IDENTITY
        document: MutableDocument = {
            "_id": self.entropy(16),
            "v": 1,
            "right": details.right.value,
            "state": state.value,
            "client": requester.client,
            "subject": requester.subject,
            "kind": requester.role.value,
            "by": requester.by,
            "assurance": int(requester.assurance),
            "laws": list(laws) if requester.contact is None else [UNKNOWN],
            "received": now,
            "acknowledged": now,
            "scope": dict(details.scope),
            "sealed": dict(details.sealed),
            "decides": details.needs_decision,
            "steps": [
                {"name": step.value, "state": "open", "attempts": 0}
                for step in self.steps.get(details.right, ())
            ],
            "fence": 0,
            "until": 0,
            "history": [
                {
                    "state": state.value,
                    "at": now,
                    "by": requester.by,
                    **({} if reason is None else {"reason": reason.value}),
                }
            ],
            **({} if reason is None else {"reason": reason.value}),
            "open": _build_open_key(customer, details, requester),
            **({} if customer is None else {"customer": customer}),
            **({} if requester.contact is None else {"contact": requester.contact}),
            **({} if is_identified else {"expires": now + IDENTITY_EXPIRY_MS}),
            **({"identified": now} if is_identified else {}),
            **({} if requester.reference is None else {"reference": requester.reference}),
            **({} if details.appeal_of is None else {"appeal_of": details.appeal_of}),
            **({} if details.original_received is None else {"began": details.original_received}),
            **({"next": now} if state is RequestState.ACCEPTED else {}),
        }
        return {**document, **build_date_fields(self.deadline_clock, document)}

    def build_fulfilled_document(
        self, customer: bytes | None, laws: Sequence[str], details: RequestDetails, requester: Requester
    ) -> MutableDocument:
        """Return the document of a new request whose first step is already done.

        If there are no further steps, the request is fulfilled.
        """
        document = self.build_document(customer, laws, details, requester)
        now = document["received"]
        first_step, later_steps = document["steps"][:1], document["steps"][1:]
        steps = [*({**step, "state": "done", "at": now} for step in first_step), *later_steps]
        if later_steps:
            return drop_unset_fields({**document, "steps": steps, "next": now})
        return drop_unset_fields(
            {
                **document,
                "steps": steps,
                **build_transition(document, RequestState.FULFILLED, now, requester.by),
            }
        )


def _customer_field(customer: bytes | None) -> MutableDocument:
    """Return the field with the id under which the request was filed, which may be a former id.

    If a steward later splits a merged customer, the request belongs to the part that has this id.
    """
    return {} if customer is None else {"customer": customer}


def choose_initial_state(
    customer: bytes | None, details: RequestDetails, requester: Requester, is_automatic: bool
) -> tuple[RequestState, RequestReason | None]:
    """Return the first state of a request and its reason.

    It is the same if no customer was found and if the requester is not identified, so that it does not show
    which. Immediate rights need no customer: they are recorded without effect if none was found.
    """
    is_unmatched = customer is None and details.right not in IMMEDIATE_RIGHTS
    if is_unmatched or requester.assurance < required_assurance(details.right):
        return RequestState.ACTION_REQUIRED, RequestReason.IDENTITY
    return (
        RequestState.ACCEPTED if is_automatic and not details.needs_decision else RequestState.ACKNOWLEDGED
    ), None


def build_date_fields(clock: DeadlineClock, document: Mapping[str, Any]) -> MutableDocument:
    """Return the fields with the deadlines of a request (ms); a value of None removes the field.

    The deadlines are stored only to query and sort by them. ``clock`` can compute them at any time.
    """
    dates = clock.compute_dates(read_request(document))
    date_fields = {"due": dates.respond, "acknowledge_by": dates.acknowledge, "extend_by": dates.extend}
    stored_names = document.keys() & date_fields.keys()
    return {name: at for name, at in date_fields.items() if at is not None or name in stored_names}


def drop_unset_fields(document: Mapping[str, Any]) -> MutableDocument:
    """Return a document without the fields that are None."""
    return {name: value for name, value in document.items() if value is not None}


def build_appeal(request: SubjectRequest) -> RequestDetails:
    """Return the details of an appeal against a refusal: the same content, to be decided by a steward."""
    return RequestDetails(
        request.right,
        request.scope,
        needs_decision=True,
        appeal_of=request.id,
        original_received=request.received,
    )


def _build_open_key(customer: bytes | None, details: RequestDetails, requester: Requester) -> bytes:
    """Return a digest that two requests share if they ask for the same.

    For a request by address the digest contains the address, the client and the role, not the customer.
    Otherwise two addresses of one customer could be recognised as such.
    """
    content_parts = [
        details.right.value,
        dict(details.scope),
        (details.appeal_of or b"").hex(),
        details.fingerprint.hex(),
    ]
    requester_parts = [requester.client, requester.role.value] if requester.contact is not None else []
    subject_key = requester.contact or customer or b""
    encoded = orjson.dumps([*content_parts, *requester_parts], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(subject_key + encoded).digest()[:16]
