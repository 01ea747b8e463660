"""The GraphQL field ``trackingPlanViolations``: which events and properties break the tracking plan."""

from __future__ import annotations

from collections.abc import Callable

import strawberry
from strawberry.types.field import StrawberryField

from discretion.domain.ingest.tracking_plan.counted_violations import MAX_LISTED, CountedViolations
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.scalars import Date
from discretion.errors import BadRequest


@strawberry.type(description="What a source sent on a day that breaks the tracking plan: names and counts.")
class TrackingPlanViolation:
    """One kind of violation of one source and day."""

    source: str
    day: Date = strawberry.field(description="The day on which they came, in UTC.")
    code: str = strawberry.field(
        description="Why: the code of a refusal or of what was left out; `UNDECLARED` for a value that was "
        "dropped because the catalogue does not declare it."
    )
    event: str | None = strawberry.field(
        description="The event; null if it is none, or if its name may not be shown."
    )
    place: str | None = strawberry.field(
        description="The property or trait, such as `properties.hatSize`; null if it may not be shown."
    )
    shape: str | None = strawberry.field(
        description="The type and the length class of a value there, such as `text of 11 to 50 characters`."
    )
    count: int


def build_violations_field(provide: Callable[[], CountedViolations]) -> StrawberryField:
    """Build the field ``Query.trackingPlanViolations``."""

    async def resolve_violations(
        root: object, info: ResolverInfo, source: str | None = None, first: int = 100
    ) -> list[TrackingPlanViolation]:
        del root
        info.context.require_steward()
        if not 0 < first <= MAX_LISTED:
            raise BadRequest("PAGE_SIZE", f"'first' is from 1 to {MAX_LISTED}.", "Ask for fewer.")
        services = provide()
        return [
            TrackingPlanViolation(
                source=violation.source,
                day=Date(violation.day),
                code=violation.reason,
                event=violation.event or None,
                place=violation.place or None,
                shape=violation.shape or None,
                count=violation.count,
            )
            for violation in await services.list_violations(source, first)
        ]

    description = (
        "What sources sent in the last 30 days that the catalogue does not declare, or declares otherwise; "
        "counts by source and day, the latest first. A name that a sender chose is shown if it came in at "
        "least two messages and does not look like personal data. For the steward."
    )
    return build_field(
        resolve_violations, "trackingPlanViolations", list[TrackingPlanViolation] | None, description
    )
