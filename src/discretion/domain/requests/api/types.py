"""GraphQL types of rights requests."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from discretion.domain.kit.graphql.context import ResolverInfo, ResolverResources
from discretion.domain.kit.graphql.loading import load_subjects
from discretion.domain.kit.graphql.page import PageInfo
from discretion.domain.kit.graphql.scalars import DateTime, Json
from discretion.domain.requests.api.dependencies import RequestServices
from discretion.domain.requests.api.requester import RequesterKind
from discretion.domain.requests.deadlines import DeadlineClock
from discretion.domain.requests.status_map import describe_next_step, dpv_status
from discretion.law.jurisdiction import Jurisdiction, Right
from discretion.plan.compile import BASE_PROJECTION
from discretion.purpose.decision import EVERY_BIT
from discretion.reveal.forms import format_timestamp
from discretion.reveal.revealer import CUSTOMER_ID_KIND, REQUEST_ID_KIND, CustomerRow, Reading
from discretion.seal.cell import REQUEST_MESSAGE_KEY
from discretion.store.document import JsonValue
from discretion.store.request_state import RequestReason, RequestState
from discretion.store.subject_request import StoredPackage, SubjectRequest

strawberry.enum(
    RequestState, name="RightsRequestState", description="Where a request stands (W3C DPV request statuses)."
)
strawberry.enum(
    RequestReason, name="RightsRequestReason", description="Why it waits, was refused, or came to nothing."
)
strawberry.enum(Right, name="RightsRequestRight", description="What can be asked for.")


@strawberry.type(description="A law by which a request is answered, and who watches over it.")
class RightsLaw:
    """A law, see ``law.jurisdiction.Jurisdiction``."""

    key: str
    label: str
    law: str
    authority: str = strawberry.field(description="Where to complain.")
    authority_url: str


@strawberry.type(description="One step of carrying a request out.")
class RightsStep:
    """A workflow step, see ``store.subject_request.RequestStep``."""

    name: str
    done: bool
    at: DateTime | None
    attempts: int = strawberry.field(description="How often it failed.")
    why: str | None = strawberry.field(description="What it waits for, or failed of last.")


@strawberry.type(description="A change of state.")
class RightsTurn:
    """A history entry, see ``store.subject_request.StateTransition``."""

    state: RequestState
    at: DateTime
    by: str
    reason: RequestReason | None


@strawberry.type(description="Why a request was refused, and what can be done about it.")
class RightsRefusal:
    """A refusal, see ``store.subject_request.RequestRefusal``."""

    law: str = strawberry.field(description="The provision that allows it.")
    words: str
    next: str = strawberry.field(description="Appeal, authority, court.")


@strawberry.type(description="What the person and the privacy office told each other.")
class RightsMessage:
    """A message, decrypted. It cannot be read any more after the person's key is destroyed."""

    at: DateTime
    by: str
    text: str


async def load_subject_row(info: ResolverInfo, request: SubjectRequest) -> CustomerRow | None:
    """Return the customer of a request for decryption, or None if there is none."""
    rows = await load_request_subjects(info, [request])
    return None if request.customer is None else rows.get(request.customer)


async def _resolve_messages(root: RightsRequest, info: ResolverInfo) -> list[RightsMessage]:
    request: SubjectRequest = root.request
    if not request.messages:
        return []
    row = await load_subject_row(info, request)
    if row is None:
        return []
    reading = info.context.require_reading()
    former_customers = dict(await info.context.resources.identities.list_former_ids(row.id))
    messages = []
    for message in request.messages:
        if message.owner != row.id and message.owner not in former_customers:
            continue  # encrypted for a customer that was merged in by mistake and has been split off again
        text = reading.reveal_former_cell(
            row, former_customers, message.owner, message.sealed, REQUEST_MESSAGE_KEY, "requests.messages"
        )
        messages.append(RightsMessage(at=DateTime(format_timestamp(message.at)), by=message.by, text=text))
    return messages


@strawberry.type(description="What somebody asked of a person's data, and what became of it.")
class RightsRequest:
    """A rights request, see ``store.subject_request.SubjectRequest``."""

    id: strawberry.ID = strawberry.field(description="Opaque, and good only for the client it was given to.")
    right: Right
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
    request: strawberry.Private[SubjectRequest]
    messages: list[RightsMessage] = strawberry.field(
        resolver=_resolve_messages,
        description="What the person and the office told each other, oldest first.",
    )


@strawberry.type(description="A page of requests.")
class RightsRequestConnection:
    """Relay connection of requests, nodes only."""

    nodes: list[RightsRequest]
    page_info: PageInfo


def build_rights_request(
    services: RequestServices, info: ResolverInfo, request: SubjectRequest
) -> RightsRequest:
    """Return a request for a caller who may see it, and record the disclosure."""
    reading = info.context.require_reading()
    clock = services.deadlines
    reading.record_extra("requests")
    may_see_customer = reading.grant.is_self_or_steward
    is_refused = request.state is RequestState.REJECTED
    return RightsRequest(
        id=strawberry.ID(reading.encode_id(REQUEST_ID_KIND, request.id)),
        right=request.right,
        state=request.state,
        reason=request.reason,
        status=dpv_status(request),
        next_step=describe_next_step(request),
        requester=request.role,
        by=request.by,
        reference=request.reference,
        customer_id=_encode_customer(reading, request) if may_see_customer else None,
        scope=Json(request.scope.build_members()),
        received_at=DateTime(format_timestamp(request.received)),
        acknowledged_at=_format_time(request.acknowledged),
        identified_at=_format_time(request.identified),
        ended_at=_format_time(request.ended),
        due_at=_format_time(request.due),
        acknowledge_by=_format_time(request.acknowledge_by),
        extend_by=_format_time(request.extend_by),
        extended_at=None
        if request.extension is None
        else DateTime(format_timestamp(request.extension.notified_at)),
        extension_reason=request.extended_why,
        why_no_due=_reason_without_due(clock, request),
        warned=list(request.warned) if reading.grant.is_steward else [],
        laws=[_build_law(law) for law in clock.applicable_laws(request)],
        steps=[
            RightsStep(
                name=step.name,
                done=step.is_done,
                at=_format_time(step.at),
                attempts=step.attempts,
                why=None if step.is_done else step.why,
            )
            for step in request.steps
        ],
        history=[
            RightsTurn(
                state=transition.state,
                at=DateTime(format_timestamp(transition.at)),
                by=transition.by,
                reason=transition.reason,
            )
            for transition in request.history
        ],
        refusal=_build_refusal(request),
        result=Json(_build_result(request)),
        appeal_of=None
        if request.appeal_of is None
        else strawberry.ID(reading.encode_id(REQUEST_ID_KIND, request.appeal_of)),
        appealable=is_refused and bool(clock.appeal_laws(request)),
        request=request,
    )


async def load_request_subjects(
    info: ResolverInfo, requests: Sequence[SubjectRequest]
) -> dict[bytes, CustomerRow]:
    """Load the customers of requests, so that their disclosure is recorded. Erased customers are skipped.

    For a request without a customer the same query is made: the time must not show whether there is one.
    """
    customers = [request.customer for request in requests if request.customer is not None]
    if requests and not customers:
        await info.context.resources.customers.find_nobody(BASE_PROJECTION, EVERY_BIT)
    return await load_subjects(info, customers)


def decode_request_id(records: ResolverResources, reading: Reading, text: str) -> bytes | None:
    """Return the request that a pairwise id names, or None if the id was not made for this client."""
    return records.pairwise.decode(reading.grant.client, REQUEST_ID_KIND, text)


def _encode_customer(reading: Reading, request: SubjectRequest) -> strawberry.ID | None:
    return (
        None
        if request.customer is None
        else strawberry.ID(reading.encode_id(CUSTOMER_ID_KIND, request.customer))
    )


def _reason_without_due(clock: DeadlineClock, request: SubjectRequest) -> str | None:
    if request.due is not None or not request.is_open:
        return None
    reason = clock.compute_dates(request).why
    return None if reason is None else reason.value


def _format_time(at: int | None) -> DateTime | None:
    return None if at is None else DateTime(format_timestamp(at))


def _build_law(law: Jurisdiction) -> RightsLaw:
    return RightsLaw(
        key=law.key,
        label=law.label,
        law=law.law,
        authority=law.authority.name,
        authority_url=law.authority.url,
    )


def _build_result(request: SubjectRequest) -> dict[str, JsonValue]:
    """Return what everyone who may see a request may know of its result."""
    result = request.result
    parts: dict[str, JsonValue] = {
        "purged": dict(result.purged) or None,
        "events": dict(result.erased_events) or None,
        "certificate": result.certificate,
        "package": None if request.package is None else _describe_package(request.package),
        "receipt": result.receipt,
    }
    return {name: part for name, part in parts.items() if part is not None}


def _describe_package(package: StoredPackage) -> dict[str, JsonValue]:
    return {
        "madeAt": format_timestamp(package.made_at),
        "availableUntil": format_timestamp(package.available_until),
        "rows": dict(package.rows),
    }


def _build_refusal(request: SubjectRequest) -> RightsRefusal | None:
    refusal = request.refusal
    return None if refusal is None else RightsRefusal(law=refusal.law, words=refusal.words, next=refusal.next)
