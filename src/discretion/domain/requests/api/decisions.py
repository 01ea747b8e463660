"""Mutations of the privacy office: decide, extend, pause and resume a request."""

from __future__ import annotations

from collections.abc import Callable

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import bind_services, build_field
from discretion.domain.requests.api.dependencies import RequestServices
from discretion.domain.requests.api.types import (
    RightsRequest,
    build_rights_request,
    load_request_subjects,
)
from discretion.domain.requests.api.visibility import find_visible_request
from discretion.domain.requests.decisions import check_text
from discretion.errors import BadRequest
from discretion.law.jurisdiction import TimeLength, TimeUnit
from discretion.store.request_state import RequestReason

strawberry.enum(TimeUnit, name="LengthUnit", description="Calendar days, business days or months.")


@strawberry.input(description="Why a request is refused.")
class RefusalInput:
    """See ``store.subject_request.RequestRefusal``; the remedies of the laws are added to ``next``."""

    reason: RequestReason
    law: str = strawberry.field(description="The provision that allows it, such as `GDPR Art. 17(3)(b)`.")
    words: str = strawberry.field(description="Why, as the person is to read it.")
    next: str | None = strawberry.field(default=UNSET, description="What else they can do.")


@strawberry.input(description="How much longer it takes; never longer than the laws allow.")
class LengthInput:
    """A length of time, see ``law.jurisdiction.TimeLength``."""

    count: int
    unit: TimeUnit


def build_decision_mutations(provide: Callable[[], RequestServices]) -> list[StrawberryField]:
    """Return the mutations of this module."""
    request_type = RightsRequest | None
    decide_description = (
        "Accepts a request, or refuses it: with the provision, and the person is told their next step. What "
        "no steps carry out is fulfilled by an `answer`. For the steward."
    )
    extend_description = (
        "Takes longer to answer, where every law that counts lets it; the person reads why. For the steward."
    )
    pause_description = (
        "Asks the person for proof or for clarification; the time stands still, where every law that counts "
        "lets it. For the steward."
    )
    resume_description = "What was asked for has come; the time runs on. For the steward."
    return [
        build_field(
            bind_services(provide, _decide_request), "decideRequest", request_type, decide_description
        ),
        build_field(
            bind_services(provide, _extend_request), "extendRequest", request_type, extend_description
        ),
        build_field(bind_services(provide, _pause_request), "pauseRequest", request_type, pause_description),
        build_field(
            bind_services(provide, _resume_request), "resumeRequest", request_type, resume_description
        ),
    ]


async def _decide_request(
    services: RequestServices,
    root: object,
    info: ResolverInfo,
    id: strawberry.ID,
    accept: bool,
    refusal: RefusalInput | None = UNSET,
    answer: str | None = UNSET,
) -> RightsRequest:
    del root
    _, by = info.context.require_steward()
    request = await find_visible_request(services, info, id)
    if accept == bool(refusal) or (answer and not accept):
        raise BadRequest("DECISION_ARGUMENTS", "Accept with or without an 'answer', or give a 'refusal'.")
    if refusal:
        await services.decisions.refuse(
            request.id, by, refusal.reason, refusal.law, refusal.words, refusal.next or None
        )
        return await _reload_request(services, info, request.id)
    message = await services.messages.seal_message(request.id, by, check_text(answer)) if answer else None
    await services.decisions.accept(request.id, by, message)
    return await _reload_request(services, info, request.id)


async def _extend_request(
    services: RequestServices,
    root: object,
    info: ResolverInfo,
    id: strawberry.ID,
    reason: str,
    length: LengthInput | None = UNSET,
) -> RightsRequest:
    del root
    _, by = info.context.require_steward()
    request = await find_visible_request(services, info, id)
    requested_length = TimeLength(length.count, length.unit) if length else None
    if requested_length is not None and requested_length.count < 1:
        raise BadRequest("EXTENSION_LENGTH", "An extension has a length of at least 1.")
    await services.decisions.extend(request.id, by, reason, requested_length)
    return await _reload_request(services, info, request.id)


async def _pause_request(
    services: RequestServices, root: object, info: ResolverInfo, id: strawberry.ID, reason: RequestReason
) -> RightsRequest:
    del root
    _, by = info.context.require_steward()
    request = await find_visible_request(services, info, id)
    await services.decisions.pause(request.id, by, reason)
    return await _reload_request(services, info, request.id)


async def _resume_request(
    services: RequestServices, root: object, info: ResolverInfo, id: strawberry.ID
) -> RightsRequest:
    del root
    _, by = info.context.require_steward()
    request = await find_visible_request(services, info, id)
    await services.decisions.resume(request.id, by)
    return await _reload_request(services, info, request.id)


async def _reload_request(services: RequestServices, info: ResolverInfo, request: bytes) -> RightsRequest:
    reloaded = await services.store.find(request)
    assert reloaded is not None
    await load_request_subjects(info, [reloaded])
    return build_rights_request(services, info, reloaded)
