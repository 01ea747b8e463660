"""``erasurePreview``: what an erasure would do, told before it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.erasure.dry_run import Rehearse
from discretion.domain.erasure.preview import Plan
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.requests.api.mutations import ScopeInput, scoped
from discretion.domain.requests.api.requester import ForInput, Where, filing
from discretion.errors import Forbidden
from discretion.reveal.forms import iso

NOTED = "erasure_preview"


@strawberry.type(description="How many documents of a collection go, or lose what names the person.")
class ErasureGoing:
    """See ``erasure.plan.Going``."""

    where: str = strawberry.field(description="The collection.")
    holds: str = strawberry.field(description="What it has of people.")
    count: int


@strawberry.type(description="What stays although it was asked for.")
class ErasureStaying:
    """See ``erasure.plan.Staying``."""

    what: str = strawberry.field(description="The event's name, or `record`.")
    count: int
    law: str = strawberry.field(description="Key of the jurisdiction that orders it, or what a hold names.")
    why: str = strawberry.field(description="The provision, or the reason of the hold.")
    until: DateTime | None = strawberry.field(description="When it goes too; null until its hold is lifted.")


@strawberry.type(description="How often something goes.")
class ErasureCount:
    """A name and a number."""

    what: str
    count: int


@strawberry.type(description="What an erasure would do now. Nothing was changed.")
class ErasurePreview:
    """See ``erasure.plan.Plan``."""

    scope: str = strawberry.field(description="`everything`, or the part, such as `channel:web`.")
    going: list[ErasureGoing]
    staying: list[ErasureStaying]
    values: list[ErasureCount] = strawberry.field(description="Of a part: its values, by attribute.")
    events: list[ErasureCount] = strawberry.field(description="Of a part: its events, by type.")
    trimmed: list[ErasureCount] = strawberry.field(description="Of a part: events that stay in part.")
    names: int = strawberry.field(description="Identifiers that would be barred from coming back.")
    shared: int = strawberry.field(description="Of them, those that others have too and keep.")


def preview_field() -> StrawberryField:
    """``Query.erasurePreview``."""
    words = (
        "What an erasure would do: what goes, where and how much, what stays by which law and until when. "
        "For the customer, and for a steward, who names the `customer`."
    )
    return field(_preview, "erasurePreview", ErasurePreview | None, words)


async def _preview(
    root: Any,
    info: Where,
    scope: ScopeInput | None = UNSET,
    customer: strawberry.ID | None = UNSET,
) -> ErasurePreview:
    del root
    reading = info.context.meeting()
    if not (reading.grant.is_self or reading.grant.is_steward):
        raise Forbidden(
            "PREVIEW_NOT_GRANTED",
            "What an erasure would do is told to the customer and to the privacy office.",
            "Use a customer's own token, or one with the scope 'steward'.",
        )
    asked = scoped(info, scope) if scope else {}
    who = await filing(info, ForInput(customer=customer))
    assert who.customer is not None
    reading.note(NOTED)
    return _shown(await info.context.records.verbs[Rehearse](who.customer, asked))


def _shown(plan: Plan) -> ErasurePreview:
    return ErasurePreview(
        scope=plan.scope,
        going=[ErasureGoing(where=one.collection, holds=one.holds, count=one.count) for one in plan.going],
        staying=[
            ErasureStaying(
                what=one.what,
                count=one.count,
                law=one.law,
                why=one.why,
                until=None if one.until is None else DateTime(iso(one.until)),
            )
            for one in plan.staying
        ],
        values=_counts(plan.values),
        events=_counts(plan.events),
        trimmed=_counts(plan.trimmed),
        names=plan.names,
        shared=plan.shared,
    )


def _counts(told: Mapping[str, int]) -> list[ErasureCount]:
    return [ErasureCount(what=what, count=count) for what, count in sorted(told.items())]
