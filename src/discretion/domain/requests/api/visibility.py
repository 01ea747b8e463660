"""Which requests a caller may see: those they filed, those about themselves, and for a steward all."""

from __future__ import annotations

from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.requests.api.dependencies import RequestServices
from discretion.domain.requests.api.types import decode_request_id
from discretion.errors import NotFound
from discretion.reveal.revealer import Reading
from discretion.store.subject_request import SubjectRequest


async def find_visible_request(services: RequestServices, info: ResolverInfo, id: str) -> SubjectRequest:
    """Return a request that the caller may see.

    The requester may see it with the same client and subject, even after the customer was erased.

    Raises:
        NotFound: ``REQUEST_NOT_FOUND``; it does not exist, or this caller may not see it.
    """
    reading = info.context.require_reading()
    key = decode_request_id(info.context.resources, reading, id)
    request = None if key is None else await services.store.find(key)
    if request is None or not await _is_visible(info, reading, request):
        raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
    return request


async def _is_visible(info: ResolverInfo, reading: Reading, request: SubjectRequest) -> bool:
    grant = reading.grant
    if grant.is_steward:
        return True
    if request.client == grant.client and request.subject == reading.requester_subject:
        return True
    own_customer = reading.own_customer
    return own_customer is not None and request.customer in await list_customer_ids(info, own_customer)


async def list_customer_ids(info: ResolverInfo, customer: bytes) -> list[bytes]:
    """Return the id of a customer and the ids of the customers that were merged into it."""
    former_customers = await info.context.resources.identities.list_former_ids(customer)
    return [customer, *(former_id for former_id, _ in former_customers)]


def format_caller_actor(info: ResolverInfo) -> str:
    """Return the actor of the caller for the history of a request, such as ``self:customer-app``."""
    grant = info.context.require_reading().grant
    if grant.is_self:
        return f"self:{grant.client}"
    if grant.is_steward:
        return f"steward:{grant.client}"
    scope = next((candidate for candidate in ("agent", "guardian") if candidate in grant.scopes), "contact")
    return f"{scope}:{grant.client}"
