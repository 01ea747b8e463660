"""``deadLetters``: what is refused at the doors, by reason and source. Counts and times, no values."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.errors import Forbidden
from discretion.reveal.forms import iso
from discretion.store import dead_letters as letters


@strawberry.type(description="Refused messages that wait to be sent again, of one reason and source.")
class DeadLetters:
    """How many letters, and since when."""

    code: str = strawberry.field(description="Why they are refused; the code that the sender was told.")
    place: str = strawberry.field(description="Where in the message; empty if it is no one place.")
    source: str = strawberry.field(description="Who sent them.")
    count: int
    oldest_at: DateTime = strawberry.field(description="When the first of them came.")
    newest_at: DateTime = strawberry.field(description="When the last of them came.")


def letters_field() -> StrawberryField:
    """``Query.deadLetters``."""

    async def counted(root: Any, info: Info[Context, None]) -> list[DeadLetters]:
        del root
        if not info.context.meeting().grant.is_steward:
            raise Forbidden("DEAD_LETTERS_NOT_GRANTED", "Only the steward sees what is refused.")
        return [
            DeadLetters(
                code=one.code,
                place=one.place,
                source=one.source,
                count=one.count,
                oldest_at=DateTime(iso(one.oldest)),
                newest_at=DateTime(iso(one.newest)),
            )
            for one in await info.context.records.verbs[letters.DeadLetters].counts()
        ]

    words = "Refused messages that are kept for 14 days and can be sent again, counted. For the steward."
    return field(counted, "deadLetters", list[DeadLetters] | None, words)
