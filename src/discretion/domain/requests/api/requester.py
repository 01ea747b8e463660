"""Who asks for what: a person for themselves, an agent or a guardian for them, the office on their behalf."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types import Info

from discretion.domain.ingest.statement_context import REFERENCE
from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.loading import load
from discretion.domain.profiles.api.customers import IdentifierInput
from discretion.domain.requests.model import Asker, Assurance, Kind
from discretion.errors import BadRequest, Forbidden, NotFound
from discretion.reveal.revealer import Reading
from discretion.seal.normalisation import RULES
from discretion.token.grant import Grant

Where = Info[Context, None]

FRESH_S = 600
"""How long ago somebody may have logged in for it to be a moment ago."""

RequesterKind: Any = strawberry.enum(Kind, name="RequesterKind", description="Who asks.")


@strawberry.input(description="Who asks for a person, and your own file on what lets them.")
class RequesterInput:
    """See ``rights.model.Asker``."""

    reference: str = strawberry.field(description="The number of your own file on their authority. No name.")
    kind: RequesterKind = strawberry.field(
        default=Kind.AGENT, description="`AGENT` or `GUARDIAN`; a steward says for whom they file."
    )


@dataclass(frozen=True, slots=True)
class Filing:
    """Whom a request is about, as far as anybody is known, and who asks.

    ``by_contact``: named by an address alone, so no answer may tell whether anybody is known by it.
    """

    customer: bytes | None = field(repr=False)
    asker: Asker
    by_contact: bool


@strawberry.input(description="On whose behalf a request is filed.")
class ForInput:
    """Left out by a customer, who asks for themselves."""

    customer: strawberry.ID | None = strawberry.field(
        default=UNSET, description="For a steward: the customer."
    )
    contact: IdentifierInput | None = strawberry.field(
        default=UNSET, description="For whoever has no token of the customer's: an address of theirs."
    )
    requester: RequesterInput | None = strawberry.field(
        default=UNSET, description="For an agent, a guardian, or a steward who files for one."
    )


def assurance_of(grant: Grant, now_ms: int) -> Assurance:
    """How sure a token makes it who asks (``auth_time`` of RFC 9068, section 2.2.1)."""
    at = grant.authenticated
    fresh = at is not None and 0 <= now_ms // 1000 - at <= FRESH_S
    return Assurance.FRESH if fresh else Assurance.SESSION


async def filing(info: Where, behalf: ForInput | None) -> Filing:
    """Who asks for whom.

    Raises:
        Unauthenticated: ``TOKEN_MISSING``; Forbidden: ``RIGHTS_NOT_GRANTED``;
        BadRequest: ``FOR_ARGUMENTS``, ``REFERENCE_INVALID``; NotFound: ``CUSTOMER_NOT_FOUND``.
    """
    reading = info.context.meeting()
    grant, given = reading.grant, behalf or ForInput()
    if grant.is_self:
        if given.contact or given.requester or (given.customer or grant.subject) != grant.subject:
            raise _arguments("A customer asks for themselves: leave 'for' out.")
        by = Asker(
            Kind.PERSON,
            f"self:{grant.client}",
            grant.client,
            grant.subject,
            assurance_of(grant, reading.now_ms),
        )
        return Filing(await _met(info, reading, grant.subject), by, by_contact=False)
    if grant.is_steward:
        if not given.customer:
            raise _arguments("A steward names 'for: {customer}'.")
        kind = given.requester.kind if given.requester else Kind.STEWARD
        reference = _reference(given)
        by = Asker(kind, f"steward:{grant.client}", grant.client, grant.subject, Assurance.OFFICE, reference)
        return Filing(await _met(info, reading, given.customer), by, by_contact=False)
    return await _by_contact(info, reading, given)


async def _by_contact(info: Where, reading: Reading, given: ForInput) -> Filing:
    grant = reading.grant
    kinds = {"agent": Kind.AGENT, "guardian": Kind.GUARDIAN, "rights": Kind.PERSON}
    kind = next((kinds[one] for one in kinds if one in grant.scopes), None)
    if kind is None:
        raise Forbidden(
            "RIGHTS_NOT_GRANTED",
            "This token asks for nobody's rights.",
            "Use a customer's own token, or one with the scope 'agent', 'guardian', 'rights' or 'steward'.",
        )
    if not given.contact or given.customer:
        raise _arguments("Name the person with 'for: {contact: {type, value}}'.")
    reference = _reference(given)
    if kind is not Kind.PERSON and reference is None:
        raise _arguments("An agent and a guardian name their file with 'for: {requester: {reference}}'.")
    entry, digest = address(info, given.contact)
    customer = await info.context.records.customers.by_identifier(entry)
    assurance = Assurance.NONE if kind is Kind.PERSON else Assurance.AGENT
    spoken = "contact" if kind is Kind.PERSON else kind.value
    asker = Asker(kind, f"{spoken}:{grant.client}", grant.client, grant.subject, assurance, reference, digest)
    return Filing(customer, asker, by_contact=True)


def address(info: Where, given: IdentifierInput) -> tuple[bytes, bytes]:
    """What an identifier is found by, and what a request that names it is known by.

    Raises:
        BadRequest: ``IDENTIFIER_TYPE_UNKNOWN``, ``CONTACT_INVALID``.
    """
    records = info.context.records
    kind = records.catalogue.identifiers.get(given.type)
    if kind is None:
        raise BadRequest(
            "IDENTIFIER_TYPE_UNKNOWN",
            "'type' is no identifier type of the catalogue.",
            f"It is one of {', '.join(sorted(records.catalogue.identifiers))}.",
        )
    spelled = RULES[kind.normalise](given.value, given.region or None)
    if spelled is None:
        raise BadRequest("CONTACT_INVALID", f"'value' is no {kind.key}.")
    return records.blind.of(kind.key, spelled), records.blind.of("request-contact", kind.key, spelled)


def _reference(given: ForInput) -> str | None:
    if not given.requester:
        return None
    if not REFERENCE.fullmatch(given.requester.reference):
        raise BadRequest(
            "REFERENCE_INVALID",
            "'reference' is not the number of a file.",
            "It takes letters, digits and . _ : / + -, and no name.",
        )
    if given.requester.kind not in {Kind.AGENT, Kind.GUARDIAN}:
        raise _arguments("A requester is an AGENT or a GUARDIAN.")
    return given.requester.reference


async def _met(info: Where, reading: Reading, name: str) -> bytes:
    named = reading.identify(strawberry.ID(name))
    if named is None or await load(info, named) is None:
        raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
    return named


def _arguments(advice: str) -> BadRequest:
    return BadRequest("FOR_ARGUMENTS", "It is not clear for whom this is asked.", advice)
