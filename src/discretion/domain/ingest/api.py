"""``ingest``: messages through GraphQL, from sources that hold an access token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import Source
from discretion.domain.ingest.intake import Intake
from discretion.domain.ingest.message import Outcome, Status
from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.scalars import Json
from discretion.errors import Forbidden

SCOPE = "ingest"
"""The scope of a token that may send messages."""

strawberry.enum(Status, name="IngestStatus", description="What became of a message.")


@strawberry.type(description="What became of one message.")
class IngestOutcome:
    """An outcome, as the batch endpoint tells it."""

    message_id: str | None = strawberry.field(
        description="The message's own, or the one it was given; null if it was refused without one."
    )
    status: Status
    dropped: int = strawberry.field(description="How many values the catalogue does not declare.")
    minimised: int = strawberry.field(
        description="How many values and events of it the person refused, so that they are not stored."
    )
    code: str | None = strawberry.field(description="Why it was refused; stable.")
    reason: str | None = strawberry.field(description="The same in words. Carries no value.")
    place: str | None = strawberry.field(description="Where in the message, such as `traits.birthday`.")


@strawberry.type(description="What became of messages: how many of each, and one by one in their order.")
class IngestResult:
    """All outcomes of a call."""

    accepted: int
    duplicate: int = strawberry.field(description="Known already by their `messageId`; they count once.")
    refused: int
    dropped: int = strawberry.field(description="Values that the catalogue does not declare, in all of them.")
    minimised: int = strawberry.field(description="What was not stored since it was refused, in all of them.")
    results: list[IngestOutcome]


def ingest_mutations() -> list[StrawberryField]:
    """``Mutation.ingest``."""

    async def ingest(root: Any, info: Info[Context, None], messages: list[Json]) -> IngestResult:
        del root
        source = _source(info.context)
        return _result(await info.context.records.verbs[Intake].take(source, messages))

    words = (
        "Takes in messages of Segment's tracking API, at most 2,500 of at most 32 KB each: the same as "
        "`POST /v1/batch`. For a token with the scope `ingest` whose client is a source of the catalogue. "
        "A wrong message is refused alone. When this answers, what was accepted is durable. Send messages "
        "as a variable: the text of a document is remembered for a while, and variables are not."
    )
    return [field(ingest, "ingest", IngestResult, words)]


def _source(context: Context) -> Source:
    """The source that a token speaks for.

    Raises:
        Forbidden: ``INGEST_NOT_GRANTED``.
    """
    grant = context.meeting().grant
    source = context.records.catalogue.sources.get(grant.client)
    if source is None or SCOPE not in grant.scopes:
        raise Forbidden(
            "INGEST_NOT_GRANTED",
            "This token may not send messages.",
            f"Use one with the scope '{SCOPE}' whose client_id is the key of a source in the catalogue.",
        )
    return source


def _result(outcomes: Sequence[Outcome]) -> IngestResult:
    counts = {status: sum(1 for one in outcomes if one.status is status) for status in Status}
    return IngestResult(
        accepted=counts[Status.ACCEPTED],
        duplicate=counts[Status.DUPLICATE],
        refused=counts[Status.REFUSED],
        dropped=sum(one.dropped for one in outcomes),
        minimised=sum(one.minimised for one in outcomes),
        results=[
            IngestOutcome(
                message_id=one.message or None,
                status=one.status,
                dropped=one.dropped,
                minimised=one.minimised,
                code=one.code or None,
                reason=one.reason or None,
                place=one.place or None,
            )
            for one in outcomes
        ],
    )
