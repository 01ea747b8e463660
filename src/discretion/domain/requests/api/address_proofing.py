"""``sendAddressCode`` and ``confirmAddress``: a new address takes effect after a code that was sent to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import strawberry
from strawberry.types.field import StrawberryField

from discretion.domain.correction.proposed_change import ProposedChange
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import bind_services, build_field
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.profiles.api.customers import IdentifierInput
from discretion.domain.requests.address_proofing import require_waiting_for_address
from discretion.domain.requests.api.dependencies import RequestServices
from discretion.domain.requests.api.identity_proofing import SentCode, format_caller_key
from discretion.domain.requests.api.requester import digest_identifier
from discretion.domain.requests.api.types import RightsRequest, build_rights_request, load_request_subjects
from discretion.domain.requests.api.visibility import find_visible_request, format_caller_actor
from discretion.domain.requests.one_time_codes import CODE_LIFE_MS, mask_address
from discretion.errors import BadRequest, Forbidden
from discretion.reveal.forms import format_timestamp
from discretion.seal.normalisation import READING_RULES
from discretion.store.subject_request import SubjectRequest


def build_address_mutations(provide: Callable[[], RequestServices]) -> list[StrawberryField]:
    """Return the mutations of this module."""
    send_description = (
        "Has a code sent to the new address that a request for correction asks for. The caller names the "
        "address again."
    )
    confirm_description = "Confirms the new address by the code, so that the correction takes effect."
    return [
        build_field(
            bind_services(provide, _send_address_code), "sendAddressCode", SentCode | None, send_description
        ),
        build_field(
            bind_services(provide, _confirm_address),
            "confirmAddress",
            RightsRequest | None,
            confirm_description,
        ),
    ]


def split_addresses(
    info: ResolverInfo, changes: Sequence[ProposedChange], values: Mapping[str, object]
) -> list[tuple[bytes | None, list[ProposedChange]]]:
    """Return each new address with its digest, then all other changes together without one.

    Args:
        info: The resolver's context.
        changes: The checked changes.
        values: The values by attribute path, as the caller gave them.

    Raises:
        BadRequest: ``CONTACT_INVALID``; no code can be sent to the address.
    """
    identifiers = info.context.resources.catalogue.identifiers
    groups: list[tuple[bytes | None, list[ProposedChange]]] = []
    others = []
    for change in changes:
        identifier_type = change.attribute.identifier
        if change.value is None or identifier_type is None or not identifiers[identifier_type].is_address:
            others.append(change)
            continue
        value = str(values[change.attribute.path])
        _, digest = digest_identifier(info, IdentifierInput(type=identifier_type, value=value))
        groups.append((digest, [change]))
    return [*groups, (None, others)] if others else groups


async def _send_address_code(
    services: RequestServices, root: object, info: ResolverInfo, request: strawberry.ID, address: str
) -> SentCode:
    del root
    visible = await find_visible_request(services, info, request)
    reading = info.context.require_reading()
    if reading.grant.is_steward:
        raise Forbidden(
            "CODE_NOT_YOURS",
            "The code is for whoever the address belongs to.",
            "Decide on other evidence: decideRequest(id:, accept:).",
        )
    require_waiting_for_address(visible)
    recipient = _match_address(info, visible, address)
    await services.address_proofing.send_code(visible.id, format_caller_key(info), recipient)
    return SentCode(
        sent_to=mask_address(recipient), until=DateTime(format_timestamp(reading.now_ms + CODE_LIFE_MS))
    )


async def _confirm_address(
    services: RequestServices, root: object, info: ResolverInfo, request: strawberry.ID, code: str
) -> RightsRequest:
    del root
    visible = await find_visible_request(services, info, request)
    confirmed = await services.address_proofing.verify_code(
        visible.id, format_caller_key(info), format_caller_actor(info), code
    )
    await load_request_subjects(info, [confirmed])
    return build_rights_request(services, info, confirmed)


def _match_address(info: ResolverInfo, request: SubjectRequest, address: str) -> str:
    """Return the new address that a request asks for, as its owner spells it.

    The proposed value is sealed. The caller supplies it again, and it is compared by its digest, so that no
    seal is opened to send a code.
    """
    catalogue = info.context.resources.catalogue
    for path in request.scope.attributes:
        attribute = catalogue.attributes.get(path)
        if attribute is None or attribute.identifier is None:
            continue
        identifier_type = catalogue.identifiers[attribute.identifier]
        _, digest = digest_identifier(info, IdentifierInput(type=identifier_type.key, value=address))
        if digest == request.new_address:
            spelling, _ = READING_RULES[identifier_type.normalise](address, None)
            assert spelling is not None
            return spelling
    raise BadRequest(
        "ADDRESS_OTHER", "The request asks for another address.", "Give the one it was filed with."
    )
