"""The parties of a request: the customer, and the requester who files it.

A customer files for themselves. An agent, a guardian or any holder of a token with the scope ``rights`` names
the customer by an address. A steward names the customer by id, and may file for an agent or a guardian.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import strawberry
from strawberry import UNSET

from discretion.domain.ingest.statement_context import REFERENCE_PATTERN
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.loading import load_customer
from discretion.domain.profiles.api.customers import IdentifierInput
from discretion.domain.profiles.identifier_lookup import find_contact_customer
from discretion.domain.requests.model import Requester
from discretion.errors import BadRequest, Forbidden, NotFound
from discretion.reveal.revealer import Reading
from discretion.seal.normalisation import NORMALISATION_RULES
from discretion.store.request_state import RequesterAssurance, RequesterRole
from discretion.token.grant import Grant

RequesterKind: Any = strawberry.enum(RequesterRole, name="RequesterKind", description="Who asks.")


@strawberry.input(description="Who asks for a person, and your own file on what lets them.")
class RequesterInput:
    """The requester, see ``requests.model.Requester``."""

    reference: str = strawberry.field(description="The number of your own file on their authority. No name.")
    kind: RequesterKind = strawberry.field(
        default=RequesterRole.AGENT, description="`AGENT` or `GUARDIAN`; a steward says for whom they file."
    )


@dataclass(frozen=True, slots=True)
class RequestParties:
    """The customer, if one was found, and the requester.

    With ``by_contact`` the customer was named only by an address. No answer may show then whether one was
    found.
    """

    customer: bytes | None = field(repr=False)
    requester: Requester
    by_contact: bool


@strawberry.input(description="On whose behalf a request is filed.")
class ForInput:
    """The argument ``behalf``. Customers who file for themselves leave it out."""

    customer: strawberry.ID | None = strawberry.field(
        default=UNSET, description="For a steward: the customer."
    )
    contact: IdentifierInput | None = strawberry.field(
        default=UNSET, description="For whoever has no token of the customer's: an address of theirs."
    )
    requester: RequesterInput | None = strawberry.field(
        default=UNSET, description="For an agent, a guardian, or a steward who files for one."
    )


def token_assurance(grant: Grant, now_ms: int) -> RequesterAssurance:
    """Return the assurance of a customer's token, by its ``auth_time`` (RFC 9068, section 2.2.1)."""
    return RequesterAssurance.FRESH if grant.has_fresh_login(now_ms) else RequesterAssurance.SESSION


async def resolve_parties(info: ResolverInfo, behalf: ForInput | None) -> RequestParties:
    """Return the customer and the requester, from the token and the argument ``behalf``.

    Raises:
        Unauthenticated: ``TOKEN_MISSING``.
        Forbidden: ``RIGHTS_NOT_GRANTED``.
        BadRequest: ``FOR_ARGUMENTS``, ``REFERENCE_INVALID``, ``IDENTIFIER_TYPE_UNKNOWN``,
        ``CONTACT_INVALID``.
        NotFound: ``CUSTOMER_NOT_FOUND``.
    """
    reading = info.context.require_reading()
    grant, target = reading.grant, behalf or ForInput()
    if grant.is_self:
        named = reading.decode_customer_id(target.customer) if target.customer else reading.own_customer
        if target.contact or target.requester or named != reading.own_customer:
            raise _build_argument_error("A customer files for themselves: leave 'behalf' out.")
        requester = Requester(
            RequesterRole.PERSON,
            f"self:{grant.client}",
            grant.client,
            reading.requester_subject,
            token_assurance(grant, reading.now_ms),
            login=None if reading.login_reach is None else reading.login_reach.entry,
            reached=reading.own_customer,
        )
        await _require_readable(info, reading.own_customer)
        assert reading.login_reach is not None
        return RequestParties(reading.login_reach.lasting_customer, requester, by_contact=False)
    if grant.is_steward:
        if not target.customer:
            raise _build_argument_error("A steward names 'behalf: {customer}'.")
        role = target.requester.kind if target.requester else RequesterRole.STEWARD
        reference = _check_reference(target)
        requester = Requester(
            role, f"steward:{grant.client}", grant.client, grant.subject, RequesterAssurance.OFFICE, reference
        )
        named_customer = await _require_readable(info, reading.decode_customer_id(target.customer))
        return RequestParties(named_customer, requester, by_contact=False)
    return await _resolve_by_contact(info, reading, target)


async def _resolve_by_contact(info: ResolverInfo, reading: Reading, target: ForInput) -> RequestParties:
    grant = reading.grant
    roles_by_scope = {
        "agent": RequesterRole.AGENT,
        "guardian": RequesterRole.GUARDIAN,
        "rights": RequesterRole.PERSON,
    }
    role = next((roles_by_scope[scope] for scope in roles_by_scope if scope in grant.scopes), None)
    if role is None:
        raise Forbidden(
            "RIGHTS_NOT_GRANTED",
            "This token may not file rights requests.",
            "Use a customer's own token, or one with the scope 'agent', 'guardian', 'rights' or 'steward'.",
        )
    if not target.contact or target.customer:
        raise _build_argument_error("Name the person with 'behalf: {contact: {type, value}}'.")
    reference = _check_reference(target)
    if role is not RequesterRole.PERSON and reference is None:
        raise _build_argument_error(
            "An agent and a guardian name their file with 'behalf: {requester: {reference}}'."
        )
    entry, digest = digest_identifier(info, target.contact)
    # No customer is no error: the request is filed all the same, so that nobody can test
    # whether an address is known.
    resources = info.context.resources
    match = await find_contact_customer(resources.identities, resources.catalogue.identifiers, entry)
    customer = None if match is None else match.lasting_id
    assurance = RequesterAssurance.NONE if role is RequesterRole.PERSON else RequesterAssurance.AGENT
    actor_prefix = "contact" if role is RequesterRole.PERSON else role.value
    requester = Requester(
        role,
        f"{actor_prefix}:{grant.client}",
        grant.client,
        grant.subject,
        assurance,
        reference,
        digest,
        reached=None if match is None else match.id,
        is_claimed=match is not None and match.is_claimed,
    )
    return RequestParties(customer, requester, by_contact=True)


def digest_identifier(info: ResolverInfo, identifier: IdentifierInput) -> tuple[bytes, bytes]:
    """Return the blind index of an identifier, and the digest by which a request stores it as ``contact``.

    The two differ, so that the stored ``contact`` cannot be joined with the collection ``identifiers``.

    Raises:
        BadRequest: ``IDENTIFIER_TYPE_UNKNOWN``, ``CONTACT_INVALID``.
    """
    records = info.context.resources
    identifier_type = records.catalogue.identifiers.get(identifier.type)
    if identifier_type is None:
        raise BadRequest(
            "IDENTIFIER_TYPE_UNKNOWN",
            "'type' is not an identifier type of the catalogue.",
            f"Use one of {', '.join(sorted(records.catalogue.identifiers))}.",
        )
    normalised = NORMALISATION_RULES[identifier_type.normalise](identifier.value, identifier.region or None)
    if normalised is None:
        raise BadRequest("CONTACT_INVALID", f"'value' is not a valid {identifier_type.key}.")
    return records.blind_index.index(identifier_type.key, normalised), records.blind_index.index(
        "request-contact", identifier_type.key, normalised
    )


def _check_reference(target: ForInput) -> str | None:
    if not target.requester:
        return None
    if not REFERENCE_PATTERN.fullmatch(target.requester.reference):
        raise BadRequest(
            "REFERENCE_INVALID",
            "'reference' is not a valid file number.",
            "Use letters, digits and . _ : / + -, and no name.",
        )
    if target.requester.kind not in {RequesterRole.AGENT, RequesterRole.GUARDIAN}:
        raise _build_argument_error("A requester is an AGENT or a GUARDIAN.")
    return target.requester.reference


async def _require_readable(info: ResolverInfo, customer: bytes | None) -> bytes:
    if customer is None or await load_customer(info, customer) is None:
        raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
    return customer


def _build_argument_error(advice: str) -> BadRequest:
    return BadRequest("FOR_ARGUMENTS", "It is not clear for whom this request is filed.", advice)
