"""``RightsRequest``: a request as whoever may see it reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry

from discretion.domain.kit.graphql.context import Records
from discretion.domain.kit.graphql.loading import load
from discretion.domain.kit.graphql.page_info import PageInfo
from discretion.domain.kit.graphql.scalars import DateTime, Json
from discretion.domain.requests.api.requester import RequesterKind, Where
from discretion.domain.requests.deadlines import Clock
from discretion.domain.requests.model import Reason, Request, State, read
from discretion.domain.requests.sealed_fields import MESSAGE
from discretion.domain.requests.status_map import next_step, status
from discretion.law.jurisdiction import Jurisdiction, Right
from discretion.plan.compile import ALWAYS
from discretion.reveal.forms import iso
from discretion.reveal.revealer import CUSTOMER_KIND, Reading, Row
from discretion.store.driver.database import Document

REQUEST = b"request"
"""Kind of the ids of requests."""

RequestState: Any = strawberry.enum(
    State, name="RightsRequestState", description="Where a request stands (W3C DPV request statuses)."
)
RequestReason: Any = strawberry.enum(
    Reason, name="RightsRequestReason", description="Why it waits, was refused, or came to nothing."
)
RequestRight: Any = strawberry.enum(Right, name="RightsRequestRight", description="What can be asked for.")


@strawberry.type(description="A law by which a request is answered, and who watches over it.")
class RightsLaw:
    """See ``law.jurisdiction.Jurisdiction``."""

    key: str
    label: str
    law: str
    authority: str = strawberry.field(description="Where to complain.")
    authority_url: str


@strawberry.type(description="One step of carrying a request out.")
class RightsStep:
    """See ``rights.model.Step``."""

    name: str
    done: bool
    at: DateTime | None
    attempts: int = strawberry.field(description="How often it failed.")
    why: str | None = strawberry.field(description="What it waits for, or failed of last.")


@strawberry.type(description="A change of state.")
class RightsTurn:
    """See ``rights.model.Turn``."""

    state: RequestState
    at: DateTime
    by: str
    reason: RequestReason | None


@strawberry.type(description="Why a request was refused, and what can be done about it.")
class RightsRefusal:
    """See ``rights.model.Refusal``."""

    law: str = strawberry.field(description="The provision that allows it.")
    words: str
    next: str = strawberry.field(description="Appeal, authority, court.")


@strawberry.type(description="What the person and the privacy office told each other.")
class RightsMessage:
    """Sealed under the person's key; gone with it."""

    at: DateTime
    by: str
    text: str


async def row_of(info: Where, customer: bytes) -> Row | None:
    """Whom a request is about, for whoever filed it or is to decide it; on the account."""
    reading = info.context.meeting()
    (found,) = await info.context.records.customers.by_ids([customer], ALWAYS, -1)
    return None if found is None else reading.rows([found])[0]


async def _messages(root: Any, info: Where) -> list[RightsMessage]:
    document = root.document
    told, customer = document.get("messages", ()), document.get("customer")
    if not told or customer is None:
        return []
    row = await row_of(info, customer)
    if row is None:
        return []
    reading = info.context.meeting()
    former = dict(await info.context.records.identities.former(row.id))
    found = []
    for one in told:
        if one["for"] != row.id and one["for"] not in former:
            continue  # written to somebody they were taken for
        text = reading.reveal_former(row, former, one["for"], one["sealed"], MESSAGE, "requests.messages")
        found.append(RightsMessage(at=DateTime(iso(one["at"])), by=one["by"], text=text))
    return found


@strawberry.type(description="What somebody asked of a person's data, and what became of it.")
class RightsRequest:
    """See ``rights.model.Request``."""

    id: strawberry.ID = strawberry.field(description="Opaque, and good only for the client it was given to.")
    right: RequestRight
    state: RequestState
    reason: RequestReason | None
    status: str = strawberry.field(description="The state as an IRI of the W3C Data Privacy Vocabulary.")
    next_step: str = strawberry.field(description="What the person does next.")
    requester: RequesterKind
    by: str = strawberry.field(description="Who filed it: `self:…`, `agent:…`, `steward:…`, `contact:…`.")
    reference: str | None = strawberry.field(description="The file on an agent's or guardian's authority.")
    customer_id: strawberry.ID | None = strawberry.field(
        description="Whom it is about. For the customer and the steward."
    )
    scope: Json = strawberry.field(description="What of it is no personal data.")
    received_at: DateTime
    acknowledged_at: DateTime | None
    identified_at: DateTime | None = strawberry.field(description="When it was proven who asks.")
    ended_at: DateTime | None
    due_at: DateTime | None = strawberry.field(
        description="Before when it is to be answered, by the strictest of the laws."
    )
    acknowledge_by: DateTime | None
    extend_by: DateTime | None = strawberry.field(
        description="Before when the person must be told, if it is to take longer."
    )
    extended_at: DateTime | None = strawberry.field(description="When they were told.")
    extension_reason: str | None
    why_no_due: str | None = strawberry.field(description="Why there is no day: `stopped`, `not_started`, …")
    warned: list[str] = strawberry.field(
        description="What was raised of its deadline so far: `week`, `day`, `late`. For the steward."
    )
    laws: list[RightsLaw] = strawberry.field(description="The laws that it is answered by.")
    steps: list[RightsStep]
    history: list[RightsTurn]
    refusal: RightsRefusal | None
    result: Json = strawberry.field(description="What came of it; no personal data.")
    appeal_of: strawberry.ID | None
    appealable: bool = strawberry.field(description="Whether a law lets the person appeal, with `appeal`.")
    document: strawberry.Private[Document]
    messages: list[RightsMessage] = strawberry.field(
        resolver=_messages, description="What the person and the office told each other, oldest first."
    )


@strawberry.type(description="A page of requests.")
class RightsRequestConnection:
    """Relay connection of requests, nodes only."""

    nodes: list[RightsRequest]
    page_info: PageInfo


def shown(info: Where, document: Document) -> RightsRequest:
    """A request for whoever asks, who may see it."""
    reading = info.context.meeting()
    clock, request = info.context.records.verbs[Clock], read(document)
    reading.note("requests")
    known = reading.grant.is_self or reading.grant.is_steward
    refused = request.state is State.REJECTED
    return RightsRequest(
        id=strawberry.ID(reading.shut(REQUEST, request.id)),
        right=request.right,
        state=request.state,
        reason=request.reason,
        status=status(request),
        next_step=next_step(request),
        requester=request.kind,
        by=request.by,
        reference=request.reference,
        customer_id=_customer(reading, request) if known else None,
        scope=Json(dict(request.scope)),
        received_at=DateTime(iso(request.received)),
        acknowledged_at=_time(request.acknowledged),
        identified_at=_time(request.identified),
        ended_at=_time(document.get("ended")),
        due_at=_time(request.due),
        acknowledge_by=_time(document.get("acknowledge_by")),
        extend_by=_time(document.get("extend_by")),
        extended_at=None if request.extension is None else DateTime(iso(request.extension.told)),
        extension_reason=request.extended_why,
        why_no_due=_why(clock, request),
        warned=list(document.get("warned", ())) if reading.grant.is_steward else [],
        laws=[_law(one) for one in clock.laws(request)],
        steps=[
            RightsStep(
                name=one.name,
                done=one.state == "done",
                at=_time(one.at),
                attempts=one.attempts,
                why=None if one.state == "done" else one.why,
            )
            for one in request.steps
        ],
        history=[
            RightsTurn(state=one.state, at=DateTime(iso(one.at)), by=one.by, reason=one.reason)
            for one in request.history
        ],
        refusal=_refusal(request),
        result=Json(dict(request.result)),
        appeal_of=None
        if request.appeal_of is None
        else strawberry.ID(reading.shut(REQUEST, request.appeal_of)),
        appealable=refused and bool(clock.appealable(request)),
        document=document,
    )


async def met(info: Where, documents: Sequence[Document]) -> None:
    """Put whom requests are about on the account of this reading, as far as they are there."""
    for one in documents:
        if (customer := one.get("customer")) is not None:
            await load(info, customer)


def request_id(records: Records, reading: Reading, text: str) -> bytes | None:
    """The request behind an id, if it was made for this client."""
    return records.pairwise.open(reading.grant.client, REQUEST, text)


def _customer(reading: Reading, request: Request) -> strawberry.ID | None:
    return None if request.customer is None else strawberry.ID(reading.shut(CUSTOMER_KIND, request.customer))


def _why(clock: Clock, request: Request) -> str | None:
    if request.due is not None or not request.open:
        return None
    why = clock.dates(request).why
    return None if why is None else why.value


def _time(at: int | None) -> DateTime | None:
    return None if at is None else DateTime(iso(at))


def _law(law: Jurisdiction) -> RightsLaw:
    return RightsLaw(
        key=law.key,
        label=law.label,
        law=law.law,
        authority=law.authority.name,
        authority_url=law.authority.url,
    )


def _refusal(request: Request) -> RightsRefusal | None:
    told = request.refusal
    return None if told is None else RightsRefusal(law=told.law, words=told.words, next=told.next)
