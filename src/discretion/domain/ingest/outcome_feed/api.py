"""The GraphQL field ``ingestOutcomes``: what sources send at present, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable

import strawberry
from strawberry.types.field import StrawberryField

from discretion.domain.ingest.message import IngestStatus
from discretion.domain.ingest.outcome_feed.outcome_feed import OutcomeFeed
from discretion.domain.ingest.tracking_plan.event_name import MAY_BE_PERSONAL, NAMED_ONCE
from discretion.domain.ingest.tracking_plan.plan_violation import EVENT_UNDECLARED
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.reveal.forms import format_timestamp
from discretion.store.ingest_outcomes import ObservedOutcome

PAGE_SIZE = 500


@strawberry.type(description="What became of one message of a source: no value, no id.")
class LiveOutcome:
    """One entry of the feed."""

    at: DateTime = strawberry.field(description="When it came.")
    source: str
    type: str | None = strawberry.field(description="Its type; null if that is none of the tracking API.")
    event: str | None = strawberry.field(
        description="Its event; null if it is none, or if its name may not be shown."
    )
    event_withheld: str | None = strawberry.field(
        description="Why the name of an undeclared event is not shown; null if it is, or if there is none."
    )
    status: IngestStatus
    codes: list[str] = strawberry.field(description="Why it was refused, and what was left out of it.")
    places: list[str] = strawberry.field(description="Where in the message; one for each code.")
    dropped: int = strawberry.field(description="How many values the catalogue does not declare.")


@strawberry.type(description="What became of messages, and where to go on.")
class LiveOutcomes:
    """A page of the feed."""

    outcomes: list[LiveOutcome]
    cursor: str = strawberry.field(description="Give it as `after` to get what came since.")


def build_outcomes_field(provide: Callable[[], OutcomeFeed]) -> StrawberryField:
    """Build the field ``Query.ingestOutcomes``."""

    async def resolve_outcomes(
        root: object, info: ResolverInfo, source: str | None = None, after: str | None = None
    ) -> LiveOutcomes:
        del root
        info.context.require_steward()
        page = await provide().read(source, after, PAGE_SIZE)
        return LiveOutcomes(
            outcomes=[
                LiveOutcome(
                    at=DateTime(format_timestamp(outcome.at)),
                    source=outcome.source,
                    type=outcome.type or None,
                    event=outcome.event or None,
                    event_withheld=_explain_withheld(outcome),
                    status=IngestStatus(outcome.status),
                    codes=list(outcome.codes),
                    places=list(outcome.places),
                    dropped=outcome.dropped,
                )
                for outcome in page.outcomes
            ],
            cursor=page.cursor,
        )

    description = (
        "What sources send at present and what becomes of it, of all servers, some seconds after it came. "
        "Ask without `after` first, then every second with the cursor of the answer before; outcomes are "
        "recorded only while somebody asks. At most 500 a second of each server. For the steward."
    )
    return build_field(resolve_outcomes, "ingestOutcomes", LiveOutcomes | None, description)


def _explain_withheld(outcome: ObservedOutcome) -> str | None:
    if outcome.event or EVENT_UNDECLARED not in outcome.codes:
        return None
    return MAY_BE_PERSONAL if outcome.undeclared is None else NAMED_ONCE
