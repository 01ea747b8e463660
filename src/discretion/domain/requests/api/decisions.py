"""Mutations by which the privacy office decides, extends, pauses and resumes requests."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.kit.graphql.field import field
from discretion.domain.requests.api.requester import Where
from discretion.domain.requests.api.types import RequestReason, RightsRequest, met, shown
from discretion.domain.requests.api.visibility import office, reached
from discretion.domain.requests.decisions import Decide, spoken
from discretion.domain.requests.messages import Converse
from discretion.domain.requests.model import Reason
from discretion.errors import BadRequest
from discretion.law.jurisdiction import Length, Unit
from discretion.store.driver.database import Document
from discretion.store.requests import Requests

LengthUnit: Any = strawberry.enum(
    Unit, name="LengthUnit", description="Calendar days, business days or months."
)


@strawberry.input(description="Why a request is refused.")
class RefusalInput:
    """See ``rights.model.Refusal``. What the person can do next is added by their laws."""

    reason: RequestReason
    law: str = strawberry.field(description="The provision that allows it, such as `GDPR Art. 17(3)(b)`.")
    words: str = strawberry.field(description="Why, as the person is to read it.")
    next: str | None = strawberry.field(default=UNSET, description="What else they can do.")


@strawberry.input(description="How much longer it takes; never longer than the laws allow.")
class LengthInput:
    """See ``law.jurisdiction.Length``."""

    count: int
    unit: LengthUnit


def deciding_mutations() -> list[StrawberryField]:
    """See the module."""
    answer: Any = RightsRequest | None
    decides = (
        "Accepts a request, or refuses it: with the provision, and the person is told their next step. What "
        "no steps carry out is fulfilled by an `answer`. For the steward."
    )
    extends = (
        "Takes longer to answer, where every law that counts lets it; the person reads why. For the steward."
    )
    pauses = (
        "Asks the person for proof or for clarification; the time stands still, where every law that counts "
        "lets it. For the steward."
    )
    resumes = "What was asked for has come; the time runs on. For the steward."
    return [
        field(_decide, "decideRequest", answer, decides),
        field(_extend, "extendRequest", answer, extends),
        field(_pause, "pauseRequest", answer, pauses),
        field(_resume, "resumeRequest", answer, resumes),
    ]


async def _decide(
    root: Any,
    info: Where,
    id: strawberry.ID,
    accept: bool,
    refusal: RefusalInput | None = UNSET,
    answer: str | None = UNSET,
) -> RightsRequest:
    del root
    _, by = office(info)
    document, verbs = await reached(info, id), info.context.records.verbs
    if accept == bool(refusal) or (answer and not accept):
        raise BadRequest("DECISION_ARGUMENTS", "Accept, with an 'answer' or without, or give a 'refusal'.")
    if refusal:
        await verbs[Decide].refuse(
            document["_id"], by, refusal.reason, refusal.law, refusal.words, refusal.next or None
        )
        return await _now(info, document["_id"])
    told: Document | None = None
    if answer:
        message = await verbs[Converse].sealed(document["_id"], by, spoken(answer))
        told = {"messages": [*document.get("messages", ()), message]}
    await verbs[Decide].accept(document["_id"], by, told)
    return await _now(info, document["_id"])


async def _extend(
    root: Any, info: Where, id: strawberry.ID, reason: str, length: LengthInput | None = UNSET
) -> RightsRequest:
    del root
    _, by = office(info)
    document = await reached(info, id)
    asked = Length(length.count, length.unit) if length else None
    if asked is not None and asked.count < 1:
        raise BadRequest("EXTENSION_LENGTH", "An extension is of one day at least.")
    await info.context.records.verbs[Decide].extend(document["_id"], by, reason, asked)
    return await _now(info, document["_id"])


async def _pause(root: Any, info: Where, id: strawberry.ID, reason: RequestReason) -> RightsRequest:
    del root
    _, by = office(info)
    document = await reached(info, id)
    await info.context.records.verbs[Decide].pause(document["_id"], by, Reason(reason))
    return await _now(info, document["_id"])


async def _resume(root: Any, info: Where, id: strawberry.ID) -> RightsRequest:
    del root
    _, by = office(info)
    document = await reached(info, id)
    await info.context.records.verbs[Decide].resume(document["_id"], by)
    return await _now(info, document["_id"])


async def _now(info: Where, request: bytes) -> RightsRequest:
    document = await info.context.records.verbs[Requests].get(request)
    assert document is not None
    await met(info, [document])
    return shown(info, document)
