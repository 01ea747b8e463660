"""Authorisation of statements: customers make their own, stewards make them on behalf of a customer."""

from __future__ import annotations

from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.loading import load_customer
from discretion.errors import BadRequest, Forbidden, NotFound
from discretion.reveal.revealer import Reading
from discretion.store.consent_event import StatementMethod


async def authorise_statement(info: ResolverInfo, customer: str | None) -> tuple[bytes, str, StatementMethod]:
    """Return the customer that a statement is about, its author as recorded, and its method.

    The customer id is returned as the caller gave it, which may be a former id. It is resolved when the
    statement is written: an unmerge in between may give it to another person.

    Raises:
        Unauthenticated: ``TOKEN_MISSING``; Forbidden: ``CONSENT_NOT_GRANTED``;
        BadRequest: ``CUSTOMER_ARGUMENTS``; NotFound: ``CUSTOMER_NOT_FOUND``.
    """
    reading = info.context.require_reading()
    grant = reading.grant
    if grant.is_self:
        # The same error as for an id that does not exist: a customer must not learn which ids exist.
        if customer and reading.decode_customer_id(customer) != reading.own_customer:
            raise _not_found()
        return (
            await _require_own(info, reading),
            f"self:{grant.client}",
            StatementMethod.CLICK,
        )
    if not grant.is_steward:
        raise Forbidden(
            "CONSENT_NOT_GRANTED",
            "Only a customer or a steward makes statements about consent.",
            "Use the customer's own token. Sources report statements at /v1/consent.",
        )
    if not customer:
        raise BadRequest("CUSTOMER_ARGUMENTS", "Give 'customer', the id of the customer concerned.")
    named_customer = reading.decode_customer_id(customer)
    return await _require_readable(info, named_customer), f"steward:{grant.client}", StatementMethod.AGENT


async def _require_own(info: ResolverInfo, reading: Reading) -> bytes:
    """Return the id under which a customer's own statement stays theirs if they are split meanwhile."""
    customer = await _require_readable(info, reading.own_customer)
    return (reading.login_reach and reading.login_reach.lasting_customer) or customer


async def _require_readable(info: ResolverInfo, customer: bytes | None) -> bytes:
    if customer is None or await load_customer(info, customer) is None:
        raise _not_found()
    return customer


def _not_found() -> NotFound:
    return NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
