"""The GraphQL mutation ``ingest``: messages from sources that hold an access token."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import strawberry
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import Source
from discretion.domain.ingest.intake import Intake
from discretion.domain.ingest.message import IngestStatus, MessageOutcome
from discretion.domain.kit.graphql.context import ResolverContext, ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.scalars import Json
from discretion.errors import Forbidden

INGEST_SCOPE = "ingest"
"""The OAuth scope that permits a token to send messages."""

strawberry.enum(IngestStatus, name="IngestStatus", description="What became of a message.")


@strawberry.type(name="LeftOut", description="A declared part of a message that was not used.")
class IngestLeftOut:
    """GraphQL ``LeftOut``: a place of the message, and why its value was not used."""

    place: str = strawberry.field(description="Where in the message, such as `traits.birthday`.")
    code: str = strawberry.field(description="Why; stable.")
    reason: str = strawberry.field(description="The same in words. Carries no value.")


@strawberry.type(description="What became of one message.")
class IngestOutcome:
    """One message's outcome, with the same members as in the reply of the batch endpoint."""

    message_id: str | None = strawberry.field(
        description="The message's own, or the one it was given; null if it was refused without one."
    )
    status: IngestStatus
    dropped: int = strawberry.field(description="How many values the catalogue does not declare.")
    minimised: int = strawberry.field(
        description="How many of its values and events are not stored: refused by the person, or too old."
    )
    code: str | None = strawberry.field(description="Why it was refused; stable.")
    reason: str | None = strawberry.field(description="The same in words. Carries no value.")
    place: str | None = strawberry.field(description="Where in the message, such as `traits.birthday`.")
    left_out: list[IngestLeftOut] = strawberry.field(
        description="Declared parts of an accepted message that were not used."
    )
    statements: IngestStatus | None = strawberry.field(
        description="What became of its consent choices and opt-out signals if the rest was refused: they are"
        " in force. Null if it was not refused, or states nothing."
    )


@strawberry.type(description="What became of messages: how many of each, and one by one in their order.")
class IngestResult:
    """All outcomes of one call, with their totals."""

    accepted: int
    duplicate: int = strawberry.field(description="Known already by their `messageId`; they count once.")
    refused: int
    dropped: int = strawberry.field(description="Values that the catalogue does not declare, in all of them.")
    minimised: int = strawberry.field(
        description="What was not stored since it was refused or too old, in all of them."
    )
    left_out: int = strawberry.field(description="Declared parts that were not used, in all of them.")
    results: list[IngestOutcome]


def build_ingest_mutations(provide: Callable[[], Intake]) -> list[StrawberryField]:
    """Build the field ``Mutation.ingest``."""

    async def ingest(root: object, info: ResolverInfo, messages: list[Json]) -> IngestResult:
        del root
        source = _require_source(info.context)
        return _build_result(await provide().ingest(source, messages))

    description = (
        "Takes in messages of Segment's tracking API, at most 2,500 of at most 32 KB each: the same as "
        "`POST /v1/batch`. For a token with the scope `ingest` whose client is a source of the catalogue. "
        "A wrong message is refused alone. When this answers, what was accepted is durable. Send messages "
        "as a variable: the text of a document is remembered for a while, and variables are not."
    )
    return [build_field(ingest, "ingest", IngestResult, description)]


def _require_source(context: ResolverContext) -> Source:
    """Return the catalogue's source that the token's client is.

    Raises:
        Forbidden: ``INGEST_NOT_GRANTED``.
    """
    grant = context.require_reading().grant
    source = context.resources.catalogue.sources.get(grant.client)
    if source is None or INGEST_SCOPE not in grant.scopes:
        raise Forbidden(
            "INGEST_NOT_GRANTED",
            "This token may not send messages.",
            f"Use one with the scope '{INGEST_SCOPE}' whose client_id is the key of a source in the "
            "catalogue.",
        )
    return source


def _build_result(outcomes: Sequence[MessageOutcome]) -> IngestResult:
    counts = {status: sum(1 for outcome in outcomes if outcome.status is status) for status in IngestStatus}
    return IngestResult(
        accepted=counts[IngestStatus.ACCEPTED],
        duplicate=counts[IngestStatus.DUPLICATE],
        refused=counts[IngestStatus.REFUSED],
        dropped=sum(outcome.dropped for outcome in outcomes),
        minimised=sum(outcome.minimised for outcome in outcomes),
        left_out=sum(len(outcome.left_out) for outcome in outcomes),
        results=[
            IngestOutcome(
                message_id=outcome.message_id or None,
                status=outcome.status,
                dropped=outcome.dropped,
                minimised=outcome.minimised,
                code=outcome.code or None,
                reason=outcome.reason or None,
                place=outcome.place or None,
                left_out=[
                    IngestLeftOut(place=part.place, code=part.code, reason=part.reason)
                    for part in outcome.left_out
                ],
                statements=outcome.statements,
            )
            for outcome in outcomes
        ],
    )
