"""``sendCode`` and ``proveIdentity``: identity proofing by a code or by a fresh login."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import bind_services, build_field
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.profiles.api.customers import IdentifierInput
from discretion.domain.requests.api.dependencies import RequestServices
from discretion.domain.requests.api.known_address import reveal_first_address
from discretion.domain.requests.api.requester import digest_identifier, token_assurance
from discretion.domain.requests.api.types import (
    RightsRequest,
    build_rights_request,
    load_request_subjects,
    load_subject_row,
)
from discretion.domain.requests.api.visibility import (
    find_visible_request,
    format_caller_actor,
    list_customer_ids,
)
from discretion.domain.requests.code_addresses import EMAIL_TYPE
from discretion.domain.requests.identity_proofing import require_waiting_for_identity
from discretion.domain.requests.one_time_codes import CODE_LIFE_MS, mask_address
from discretion.errors import BadRequest, Conflict, Forbidden
from discretion.reveal.forms import format_timestamp
from discretion.seal.normalisation import NORMALISATION_RULES
from discretion.store.request_state import RequesterAssurance
from discretion.store.subject_request import SubjectRequest


@strawberry.type(description="A code is on its way, if the address is one we know of this person.")
class SentCode:
    """The answer of ``sendCode``. It is the same whether or not a customer was found."""

    sent_to: str = strawberry.field(
        description="The address, masked; of a record of somebody else, only its type."
    )
    until: DateTime = strawberry.field(description="Until when the code is good.")


def build_proofing_mutations(provide: Callable[[], RequestServices]) -> list[StrawberryField]:
    """Return the mutations of this module."""
    send_description = (
        "Has a code sent to an e-mail address that was confirmed for the person. Whoever has no token of "
        "theirs names the address by which the request was filed."
    )
    prove_description = "Proves who asks: with the code, or without one by a login of the last ten minutes."
    return [
        build_field(bind_services(provide, _send_code), "sendCode", SentCode | None, send_description),
        build_field(
            bind_services(provide, _prove_identity), "proveIdentity", RightsRequest | None, prove_description
        ),
    ]


async def _send_code(
    services: RequestServices,
    root: object,
    info: ResolverInfo,
    request: strawberry.ID,
    contact: IdentifierInput | None = UNSET,
) -> SentCode:
    del root
    visible = await find_visible_request(services, info, request)
    reading = info.context.require_reading()
    if reading.grant.is_steward:
        raise Forbidden(
            "CODE_NOT_YOURS", "The privacy office verifies identities by its own means: resumeRequest(id:)."
        )
    require_waiting_for_identity(visible)
    named_contact, proofing, caller = contact or None, services.identity_proofing, format_caller_key(info)
    # A customer with a token may learn whether an address is known. Anybody else must not learn it.
    if reading.grant.is_self:
        known_addresses = await proofing.code_addresses.find(visible)
        address = await _choose_known_address(info, visible, named_contact, known_addresses)
        await proofing.send_code(visible.id, caller, address)
    else:
        entry, address = _match_contact(info, visible, named_contact)
        await proofing.send_code_to_contact(visible, caller, entry, address)
    return SentCode(
        sent_to=mask_address(address), until=DateTime(format_timestamp(reading.now_ms + CODE_LIFE_MS))
    )


async def _prove_identity(
    services: RequestServices,
    root: object,
    info: ResolverInfo,
    request: strawberry.ID,
    code: str | None = UNSET,
) -> RightsRequest:
    del root
    visible = await find_visible_request(services, info, request)
    grant = info.context.require_reading().grant
    is_of_login = visible.waits_for_identity and visible.login is not None
    if is_of_login and await services.reach_check.check(visible) is None:
        # It has ended: its login does not reach what it reached when the request was filed.
        pass
    elif code:
        await services.identity_proofing.verify_code(
            visible.id, format_caller_key(info), format_caller_actor(info), code
        )
    else:
        require_waiting_for_identity(visible)
        await _require_fresh_login(info, visible)
        await services.decisions.confirm_identity(
            visible.id, f"self:{grant.client}", RequesterAssurance.FRESH
        )
    reloaded = await services.store.find(visible.id)
    assert reloaded is not None
    await load_request_subjects(info, [reloaded])
    return build_rights_request(services, info, reloaded)


async def _require_fresh_login(info: ResolverInfo, request: SubjectRequest) -> None:
    """Raise Forbidden ``LOGIN_NOT_FRESH`` unless the caller is the customer and has a fresh login."""
    reading = info.context.require_reading()
    own_customer = reading.own_customer
    is_fresh = token_assurance(reading.grant, reading.now_ms) >= RequesterAssurance.FRESH
    if (
        own_customer is None
        or not is_fresh
        or request.customer not in await list_customer_ids(info, own_customer)
    ):
        raise Forbidden(
            "LOGIN_NOT_FRESH",
            "This token does not show that the person logged in within ten minutes.",
            "Log in again, or use a code: sendCode(request:).",
        )


def _match_contact(
    info: ResolverInfo, request: SubjectRequest, contact: IdentifierInput | None
) -> tuple[bytes, str]:
    """Return the blind index and the normalised form of the address by which the request was filed.

    The address itself is not stored. The caller supplies it again, and it is compared by its digest.
    """
    if contact is None or contact.type != EMAIL_TYPE:
        raise BadRequest("CONTACT_NEEDED", "Give the e-mail address by which the request was filed.")
    entry, digest = digest_identifier(info, contact)
    if digest != request.contact:
        raise BadRequest("CONTACT_OTHER", "The request was filed with another address.")
    return entry, _normalise_contact(info, contact)


async def _choose_known_address(
    info: ResolverInfo,
    request: SubjectRequest,
    contact: IdentifierInput | None,
    known_addresses: Mapping[bytes, int],
) -> str:
    """Return an address of the customer: the one that ``contact`` names, or the one proven first."""
    row, identities = await load_subject_row(info, request), info.context.resources.identities
    records = [] if row is None else await identities.list_identifiers(row.id, {EMAIL_TYPE})
    if contact is not None:
        entry, _ = digest_identifier(info, contact)
        known_addresses = {entry: known_addresses[entry]} if entry in known_addresses else {}
    address = None if row is None else await reveal_first_address(info, row, records, known_addresses)
    if address is None:
        raise Conflict(
            "CONTACT_UNKNOWN",
            "No such address is one that was confirmed for this person.",
            "Log in again, or ask the privacy office.",
        )
    return address[1]


def _normalise_contact(info: ResolverInfo, contact: IdentifierInput) -> str:
    identifier_type = info.context.resources.catalogue.identifiers[contact.type]
    normalised = NORMALISATION_RULES[identifier_type.normalise](contact.value, None)
    assert normalised is not None
    return normalised


def format_caller_key(info: ResolverInfo) -> str:
    """Return the key by which the tries of a caller are counted."""
    grant = info.context.require_reading().grant
    return f"{grant.client} {grant.subject}"
