"""Who speaks for whom: a customer for themselves, a steward on behalf of one, and nobody else."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.types import Info

from discretion.domain.ingest.statement_context import Method
from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.loading import load
from discretion.errors import BadRequest, Forbidden, NotFound
from discretion.reveal.revealer import Reading

Where = Info[Context, None]


async def speaker(info: Where, customer: Any) -> tuple[bytes, str, Method]:
    """The customer who is spoken of, who speaks (as it stands on record), and how.

    The customer is as whoever speaks names them, by an older id as it may be: whom it stands for is settled
    when the word is written, for in between people may be parted.

    Raises:
        Unauthenticated: ``TOKEN_MISSING``; Forbidden: ``CONSENT_NOT_GRANTED``;
        BadRequest: ``CUSTOMER_ARGUMENTS``; NotFound: ``CUSTOMER_NOT_FOUND``.
    """
    reading = info.context.meeting()
    grant = reading.grant
    if grant.is_self:
        if customer and customer != grant.subject:
            raise _not_found()
        return await _met(info, reading, grant.subject), f"self:{grant.client}", Method.CLICK
    if not grant.is_steward:
        raise Forbidden(
            "CONSENT_NOT_GRANTED",
            "Only a customer and the privacy office say what a customer agrees to.",
            "Use the customer's own token; sources report what they were told at /v1/consent.",
        )
    if not customer:
        raise BadRequest("CUSTOMER_ARGUMENTS", "Give 'customer': whom you speak for.")
    return await _met(info, reading, customer), f"steward:{grant.client}", Method.AGENT


async def _met(info: Where, reading: Reading, name: str) -> bytes:
    named = reading.identify(strawberry.ID(name))
    if named is None or await load(info, named) is None:
        raise _not_found()
    return named


def _not_found() -> NotFound:
    return NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")


def concerned(info: Where, what: str) -> Reading:
    """The reading of a customer or a steward.

    Raises:
        Forbidden: ``CONSENT_NOT_GRANTED``.
    """
    reading = info.context.meeting()
    if not (reading.grant.is_self or reading.grant.is_steward):
        raise Forbidden("CONSENT_NOT_GRANTED", f"Only the customer and the steward see {what}.")
    return reading
