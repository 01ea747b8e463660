"""Queries and the subscription of requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.ingest.value_parsing import WrongType, parse_timestamp
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import bind_services, build_field
from discretion.domain.kit.graphql.page import PageInfo, cut_page, open_cursor, parse_page_window
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.requests.api.dependencies import RequestServices
from discretion.domain.requests.api.types import (
    RightsRequest,
    RightsRequestConnection,
    build_rights_request,
    load_request_subjects,
)
from discretion.domain.requests.api.visibility import (
    find_visible_request,
    list_customer_ids,
)
from discretion.domain.requests.deadline_monitor import WEEK_MS
from discretion.domain.requests.subscription import RequestSubscription
from discretion.errors import BadRequest
from discretion.law.jurisdiction import Right
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.store.request_state import RequestState
from discretion.store.requests import RequestCriteria
from discretion.store.subject_request import SubjectRequest

_REQUEST_CURSOR_KIND = b"request-cursor"
_OWN_REQUEST_CURSOR_KIND = b"own-request-cursor"


@strawberry.input(description="Which requests are listed.")
class RightsRequestFilter:
    """Filter of ``rightsRequests``; a condition that is left out does not limit the result."""

    states: list[RequestState] | None = UNSET
    right: Right | None = UNSET
    jurisdiction: str | None = strawberry.field(default=UNSET, description="Key of one of their laws.")
    due_before: DateTime | None = UNSET
    nearing: bool | None = strawberry.field(
        default=UNSET, description="Those that are open and due within a week, or late."
    )


def build_request_fields(provide: Callable[[], RequestServices]) -> list[StrawberryField]:
    """Return the fields ``Query.rightsRequest`` and ``Query.rightsRequests``."""
    single_description = "A request, for whoever filed it, whom it is about, and the steward."
    list_description = "Requests, what is due first coming first. For the steward."
    return [
        build_field(
            bind_services(provide, _get_request), "rightsRequest", RightsRequest | None, single_description
        ),
        build_field(
            bind_services(provide, _list_requests),
            "rightsRequests",
            RightsRequestConnection | None,
            list_description,
        ),
    ]


def build_own_requests_field(provide: Callable[[], RequestServices]) -> StrawberryField:
    """Return the field ``Customer.rightsRequests``."""
    description = "What was asked of this customer's data, newest first. For the customer and the steward."
    return build_field(
        bind_services(provide, _list_own_requests),
        "rightsRequests",
        RightsRequestConnection | None,
        description,
    )


def build_request_subscription_field(provide: Callable[[], RequestServices]) -> StrawberryField:
    """Return ``Subscription.rightsRequest``; ``edge.graphql.websocket`` resolves it for each change."""
    description = "A request now, and whenever something of it changes; for whoever may read it."
    return build_field(
        bind_services(provide, _subscribe_request), "rightsRequest", RightsRequest | None, description
    )


async def _subscribe_request(
    services: RequestServices, root: object, info: ResolverInfo, id: strawberry.ID
) -> RightsRequest:
    request = await find_visible_request(services, info, id)
    if isinstance(root, RequestSubscription):
        root.request = request
    await load_request_subjects(info, [request])
    return build_rights_request(services, info, request)


async def _get_request(
    services: RequestServices, root: object, info: ResolverInfo, id: strawberry.ID
) -> RightsRequest:
    del root
    request = await find_visible_request(services, info, id)
    await load_request_subjects(info, [request])
    return build_rights_request(services, info, request)


async def _list_requests(
    services: RequestServices,
    root: object,
    info: ResolverInfo,
    filter: RightsRequestFilter | None = UNSET,
    first: int | None = UNSET,
    after: str | None = UNSET,
) -> RightsRequestConnection:
    del root
    reading, _ = info.context.require_steward()
    page_window = parse_page_window(first, after)
    position = open_cursor(reading, _REQUEST_CURSOR_KIND, page_window.after, "these requests")
    criteria = _build_criteria(reading, filter or RightsRequestFilter())
    requests = await services.store.list_by_due(criteria, position, page_window.size + 1)
    page, page_info = cut_page(
        reading, _REQUEST_CURSOR_KIND, page_window, requests, lambda request: (request.due, request.id)
    )
    return await _build_page(services, info, page, page_info)


async def _list_own_requests(
    services: RequestServices,
    root: CustomerRow,
    info: ResolverInfo,
    first: int | None = UNSET,
    after: str | None = UNSET,
) -> RightsRequestConnection:
    reading = info.context.require_customer_or_steward()
    page_window = parse_page_window(first, after)
    position = open_cursor(reading, _OWN_REQUEST_CURSOR_KIND, page_window.after, "these requests")
    customers = await list_customer_ids(info, root.id)
    requests = await services.store.of(customers, position, page_window.size + 1)
    page, page_info = cut_page(
        reading,
        _OWN_REQUEST_CURSOR_KIND,
        page_window,
        requests,
        lambda request: (request.received, request.id),
    )
    return await _build_page(services, info, page, page_info)


async def _build_page(
    services: RequestServices, info: ResolverInfo, requests: Sequence[SubjectRequest], page_info: PageInfo
) -> RightsRequestConnection:
    await load_request_subjects(info, requests)
    return RightsRequestConnection(
        nodes=[build_rights_request(services, info, request) for request in requests], page_info=page_info
    )


def _build_criteria(reading: Reading, filter_input: RightsRequestFilter) -> RequestCriteria:
    due_limits = []
    if filter_input.due_before:
        due_limits.append(_parse_due_before(filter_input.due_before))
    if filter_input.nearing:
        due_limits.append(reading.now_ms + WEEK_MS)
    return RequestCriteria(
        states=[state.value for state in filter_input.states or ()],
        right=filter_input.right.value if filter_input.right else None,
        law=filter_input.jurisdiction or None,
        due_before=min(due_limits, default=None),
        is_open=bool(filter_input.nearing),
    )


def _parse_due_before(text: str) -> int:
    try:
        return parse_timestamp(text)
    except WrongType as error:
        raise BadRequest("DUE_BEFORE", "'dueBefore' is not a time.", f"Use {error.expected}.") from None
