"""The GraphQL field ``deadLetters``: refused messages by reason and source; counts and times, no values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import strawberry
from strawberry.types.field import StrawberryField

from discretion.domain.ingest.tracking_plan.counted_violations import CountedViolations
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.reveal.forms import format_timestamp
from discretion.store.dead_letters import DeadLetterStore


@strawberry.type(
    name="DeadLetters", description="Refused messages that wait to be sent again, of one reason and source."
)
class DeadLetterGroup:
    """The dead letters of one reason, place and source: how many, and of which times."""

    code: str = strawberry.field(description="Why they are refused; the code that the sender was told.")
    place: str = strawberry.field(description="Where in the message; empty if it is no one place.")
    source: str = strawberry.field(description="Who sent them.")
    events: list[str] = strawberry.field(
        description="Which events, as far as their names may be shown; the most frequent first."
    )
    count: int
    oldest_at: DateTime = strawberry.field(description="When the first of them came.")
    newest_at: DateTime = strawberry.field(description="When the last of them came.")


@dataclass(frozen=True, slots=True)
class DeadLetterServices:
    """The dead letters, and which events sources sent."""

    store: DeadLetterStore
    tracking_plan: CountedViolations


def build_dead_letters_field(provide: Callable[[], DeadLetterServices]) -> StrawberryField:
    """Build the field ``Query.deadLetters``."""

    async def resolve_dead_letters(root: object, info: ResolverInfo) -> list[DeadLetterGroup]:
        del root
        info.context.require_steward()
        services = provide()
        events = await services.tracking_plan.list_events()
        return [
            DeadLetterGroup(
                code=group.code,
                place=group.place,
                source=group.source,
                events=events.get((group.code, group.place, group.source), []),
                count=group.count,
                oldest_at=DateTime(format_timestamp(group.oldest)),
                newest_at=DateTime(format_timestamp(group.newest)),
            )
            for group in await services.store.count_by_reason()
        ]

    description = (
        "Refused messages that are kept for 14 days and can be sent again, counted. For the steward."
    )
    return build_field(resolve_dead_letters, "deadLetters", list[DeadLetterGroup] | None, description)
