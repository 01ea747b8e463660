"""Mutations that file rights requests, appeal refusals, withdraw requests and send messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Concatenate

import orjson
import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.access.transfer import ENDPOINT_BINDING, ENDPOINT_PART
from discretion.domain.correction.proposal import build_correction_scope
from discretion.domain.correction.proposed_change import MAX_CHANGES, check_changes
from discretion.domain.ingest.statement_context import REFERENCE_PATTERN
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import bind_services, build_field
from discretion.domain.kit.graphql.scalars import Json
from discretion.domain.requests.api.address_proofing import split_addresses
from discretion.domain.requests.api.dependencies import RequestServices
from discretion.domain.requests.api.requester import ForInput, RequestParties, resolve_parties
from discretion.domain.requests.api.types import RightsRequest, build_rights_request, load_request_subjects
from discretion.domain.requests.api.visibility import find_visible_request, format_caller_actor
from discretion.domain.requests.decisions import check_text
from discretion.domain.requests.messages import is_identity_unproven
from discretion.domain.requests.model import (
    IMMEDIATE_RIGHTS,
    RequestDetails,
    build_requester,
    find_required_assurance,
)
from discretion.domain.requests.remedies import describe_remedies
from discretion.domain.requests.submission import build_appeal
from discretion.errors import BadRequest, Broken, Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.plan.selection import select_attributes
from discretion.seal.cell import REQUEST_CHANGES_KEY, REQUEST_MESSAGE_KEY
from discretion.store.request_state import RequestState
from discretion.store.subject_request import RequestScope, SubjectRequest

_SEALED_RIGHTS = frozenset({Right.CORRECTION, Right.PORTABILITY})
"""Rights whose sealed part says what is requested; an appeal takes it over."""

RequestMutation = Callable[Concatenate[RequestServices, ...], Awaitable[RightsRequest]]


@dataclass(frozen=True, slots=True)
class SealedPart:
    """A part of a request with personal data: its name, what its cell is bound to, and the value."""

    name: str
    binding: str
    value: object = field(repr=False)


@strawberry.input(description="What a value should be.")
class CorrectionInput:
    """One proposed correction of an attribute's value."""

    attribute: str = strawberry.field(description="Its path, such as `contact.email`.")
    value: Json | None = strawberry.field(description="What it should be; null to have it removed.")


@strawberry.input(description="A part of what is kept; left out, all of it is meant.")
class ScopeInput:
    """The part of the data that an erasure is limited to."""

    channel: str | None = strawberry.field(default=UNSET, description="`web`, `store` or `app`.")
    category: str | None = strawberry.field(default=UNSET, description="A data category of the catalogue.")
    purpose: str | None = strawberry.field(default=UNSET, description="A purpose of the catalogue.")


def build_request_mutations(provide: Callable[[], RequestServices]) -> list[StrawberryField]:
    """Return the mutations of this module."""
    request_type = RightsRequest | None
    mutations: dict[str, tuple[RequestMutation, str]] = {
        "requestAccess": (_request_access, "Asks for a copy of everything that is kept (GDPR Art. 15)."),
        "requestPortability": (
            _request_portability,
            "Asks for the machine-readable part, and has it sent `to` another's https URL (GDPR Art. 20).",
        ),
        "requestCorrection": (
            _request_correction,
            "Asks that values be corrected (GDPR Art. 16). A new address waits for a code, by itself.",
        ),
        "requestErasure": (_request_erasure, "Asks that data be erased (GDPR Art. 17)."),
        "requestRestriction": (
            _request_restriction,
            "Restricts what is done with the data to keeping them, or lifts that, at once (GDPR Art. 18).",
        ),
        "optOutOfSale": (
            _opt_out_of_sale,
            "Opts out of sale, sharing and targeted advertising, at once (Cal. Civ. Code 1798.120).",
        ),
        "limitSensitive": (
            _limit_sensitive,
            "Limits the use of sensitive data, at once (Cal. Civ. Code 1798.121).",
        ),
        "reviewAutomatedDecision": (
            _review_automated_decision,
            "Asks a person to look at a decision that a machine took (GDPR Art. 22(3)).",
        ),
        "appeal": (_appeal_refusal, "Appeals a refusal, where a law lets the person."),
        "withdrawRequest": (_withdraw_request, "Takes a request back, as long as nothing of it was done."),
        "messageRequest": (_send_message, "Tells the other side something about a request."),
    }
    return [
        build_field(bind_services(provide, resolver), name, request_type, description)
        for name, (resolver, description) in mutations.items()
    ]


async def _request_access(
    services: RequestServices, root: object, info: ResolverInfo, behalf: ForInput | None = UNSET
) -> RightsRequest:
    del root
    return await _file_request(services, info, Right.ACCESS, behalf)


async def _request_portability(
    services: RequestServices,
    root: object,
    info: ResolverInfo,
    to: str | None = UNSET,
    behalf: ForInput | None = UNSET,
) -> RightsRequest:
    del root
    if not to:
        return await _file_request(services, info, Right.PORTABILITY, behalf)
    # Checked now so that the person learns of a mistake, and again when the package is sent.
    services.egress.check_target(to)
    return await _file_request(
        services, info, Right.PORTABILITY, behalf, sealed=SealedPart(ENDPOINT_PART, ENDPOINT_BINDING, to)
    )


async def _request_correction(
    services: RequestServices,
    root: object,
    info: ResolverInfo,
    changes: list[CorrectionInput],
    behalf: ForInput | None = UNSET,
) -> RightsRequest:
    del root
    if not 0 < len(changes) <= MAX_CHANGES:
        raise BadRequest("CHANGES_COUNT", f"A request corrects from 1 to {MAX_CHANGES} values.")
    paths = [change.attribute for change in changes]
    records = info.context.resources
    if len(select_attributes(records.catalogue, paths)) < len(paths):
        raise BadRequest("CHANGES_TWICE", "An attribute is corrected twice.", "Name each attribute once.")
    values = {change.attribute: change.value for change in changes}
    checked = check_changes(records.catalogue, values, info.context.require_reading().now_ms)
    parties = await resolve_parties(info, behalf or None)
    filed = []
    # A new address waits for its code, and the other changes do not wait for it.
    for address, group in split_addresses(info, checked, values):
        proposed_changes = [
            {"attribute": change.attribute.path, "value": values[change.attribute.path]} for change in group
        ]
        details = await _seal_details(
            services,
            info,
            parties,
            RequestDetails(Right.CORRECTION, build_correction_scope(group)),
            SealedPart("changes", REQUEST_CHANGES_KEY, proposed_changes),
        )
        details = replace(details, new_address=address)
        if parties.customer is None:
            await services.sealer.find_nobody()
        else:
            proposal = await services.correction_proposals.build(parties.customer, group)
            sealed = {**details.sealed, **proposal.sealed}
            details = replace(details, sealed=sealed, needs_decision=proposal.needs_decision)
        filed.append(await services.submission.submit(parties.customer, details, parties.requester))
    return await _load_answer(services, info, filed[0].id)


async def _request_erasure(
    services: RequestServices,
    root: object,
    info: ResolverInfo,
    scope: ScopeInput | None = UNSET,
    behalf: ForInput | None = UNSET,
) -> RightsRequest:
    del root
    return await _file_request(
        services, info, Right.ERASURE, behalf, parse_erasure_scope(info, scope) if scope else None
    )


async def _request_restriction(
    services: RequestServices,
    root: object,
    info: ResolverInfo,
    lift: bool = False,
    behalf: ForInput | None = UNSET,
) -> RightsRequest:
    del root
    return await _file_request(services, info, Right.RESTRICTION, behalf, RequestScope(is_lifted=lift))


async def _opt_out_of_sale(
    services: RequestServices, root: object, info: ResolverInfo, behalf: ForInput | None = UNSET
) -> RightsRequest:
    del root
    return await _file_request(services, info, Right.OPT_OUT_SALE, behalf)


async def _limit_sensitive(
    services: RequestServices, root: object, info: ResolverInfo, behalf: ForInput | None = UNSET
) -> RightsRequest:
    del root
    return await _file_request(services, info, Right.LIMIT_SENSITIVE, behalf)


async def _review_automated_decision(
    services: RequestServices,
    root: object,
    info: ResolverInfo,
    decision: str,
    words: str | None = UNSET,
    behalf: ForInput | None = UNSET,
) -> RightsRequest:
    del root
    if not REFERENCE_PATTERN.fullmatch(decision):
        raise BadRequest(
            "DECISION_INVALID",
            "'decision' is not a valid reference of a decision.",
            "Use letters, digits and . _ : / + -; explain the rest in 'words'.",
        )
    sealed = SealedPart("words", REQUEST_MESSAGE_KEY, check_text(words)) if words else None
    return await _file_request(
        services, info, Right.AUTOMATED_DECISION, behalf, RequestScope(decision=decision), sealed
    )


async def _appeal_refusal(
    services: RequestServices,
    root: object,
    info: ResolverInfo,
    request: strawberry.ID,
    words: str | None = UNSET,
) -> RightsRequest:
    del root
    refused = await find_visible_request(services, info, request)
    if refused.state is not RequestState.REJECTED:
        raise Conflict("REQUEST_STATE", f"A request in the state {refused.state} cannot be appealed.")
    if is_identity_unproven(refused):
        raise Conflict(
            "APPEAL_OF_NOBODY",
            "The requester of the refused request was not identified.",
            "File the request again, and prove your identity.",
        )
    if not services.deadlines.appeal_laws(refused):
        raise Conflict(
            "APPEAL_NOT_GIVEN",
            "No law that protects this person grants an appeal to the controller.",
            describe_remedies(services.deadlines, refused),
        )
    parties = await _identify_appellant(info, refused)
    details = build_appeal(refused)
    if (
        details.right in _SEALED_RIGHTS
    ):  # the proposed values, or the recipient's URL, are appealed as they were
        details = replace(details, sealed=refused.sealed)
    appeal = await services.submission.submit(refused.customer, details, parties.requester)
    if words:
        await services.messages.add_message(appeal.id, parties.requester.by, check_text(words))
    return await _load_answer(services, info, appeal.id)


async def _withdraw_request(
    services: RequestServices, root: object, info: ResolverInfo, id: strawberry.ID
) -> RightsRequest:
    del root
    request = await find_visible_request(services, info, id)
    await services.decisions.withdraw(request.id, format_caller_actor(info))
    return await _load_answer(services, info, request.id)


async def _send_message(
    services: RequestServices, root: object, info: ResolverInfo, id: strawberry.ID, text: str
) -> RightsRequest:
    del root
    request = await find_visible_request(services, info, id)
    await services.messages.add_message(request.id, format_caller_actor(info), check_text(text))
    return await _load_answer(services, info, request.id)


async def _file_request(
    services: RequestServices,
    info: ResolverInfo,
    right: Right,
    behalf: ForInput | None,
    scope: RequestScope | None = None,
    sealed: SealedPart | None = None,
) -> RightsRequest:
    parties = await resolve_parties(info, behalf or None)
    details = RequestDetails(right, scope or RequestScope())
    if sealed is not None:
        details = await _seal_details(services, info, parties, details, sealed)
    is_sufficient = parties.requester.assurance >= find_required_assurance(details, parties.requester)
    if right in IMMEDIATE_RIGHTS and is_sufficient:
        request = await services.immediate_rights.exercise(parties.customer, details, parties.requester)
    else:
        request = await services.submission.submit(parties.customer, details, parties.requester)
    return await _load_answer(services, info, request.id)


async def _seal_details(
    services: RequestServices,
    info: ResolverInfo,
    parties: RequestParties,
    details: RequestDetails,
    to_seal: SealedPart,
) -> RequestDetails:
    """Return the details with a value encrypted under the customer's key.

    Without a customer there is no key: only the fingerprint of the value is kept.

    Args:
        services: The services of this API.
        info: The resolver's context.
        parties: The customer and the requester.
        details: The details so far.
        to_seal: The value.
    """
    records = info.context.resources
    encoded = orjson.dumps(to_seal.value, option=orjson.OPT_SORT_KEYS)
    # Encryption of the same value differs each time (random nonce). The keyed digest
    # recognises a repeated request.
    fingerprint = records.blind_index.index("request-same", encoded.decode())
    if parties.customer is None:
        await services.sealer.find_nobody()
        return RequestDetails(details.right, details.scope, fingerprint=fingerprint)
    _, cell = await services.sealer.seal(parties.customer, to_seal.binding, to_seal.value)
    return RequestDetails(details.right, details.scope, {to_seal.name: cell}, fingerprint=fingerprint)


async def _identify_appellant(info: ResolverInfo, request: SubjectRequest) -> RequestParties:
    """Return the parties of an appeal against a request that the caller may see."""
    grant = info.context.require_reading().grant
    if grant.is_self:
        return await resolve_parties(info, None)
    if request.customer is None:
        raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
    requester = build_requester(
        request, format_caller_actor(info), grant.client, info.context.require_reading().requester_subject
    )
    return RequestParties(request.customer, requester, by_contact=False)


async def _load_answer(services: RequestServices, info: ResolverInfo, request: bytes) -> RightsRequest:
    filed = await services.store.find(request)
    if filed is None:
        raise Broken("REQUEST_LOST", "A request that was just filed is missing.")
    await load_request_subjects(info, [filed])
    return build_rights_request(services, info, filed)


def parse_erasure_scope(info: ResolverInfo, scope_input: ScopeInput) -> RequestScope:
    """Return the scope of an erasure: a channel, a category or a purpose.

    Raises:
        BadRequest: ``SCOPE_EMPTY``, ``SCOPE_UNKNOWN``, ``SCOPE_TOGETHER``.
    """
    catalogue = info.context.resources.catalogue
    catalogue_values: dict[str, set[str]] = {
        "channel": {source.channel.value for source in catalogue.sources.values()},
        "category": {attribute.category for attribute in catalogue.attributes.values()},
        "purpose": set(catalogue.purposes),
    }
    values = {name: getattr(scope_input, name) for name in catalogue_values}
    scope: dict[str, str] = {
        name: value for name, value in values.items() if value is not None and value is not UNSET
    }
    if not scope:  # probably a form without a selection: never interpret it as an erasure of everything
        raise BadRequest(
            "SCOPE_EMPTY", "The scope names no part.", "To have everything erased, leave it out."
        )
    for name, value in scope.items():
        allowed_values = catalogue_values[name]
        # Categories and purposes are trees of dotted keys: an inner node names everything below it.
        if value not in allowed_values and not any(key.startswith(f"{value}.") for key in allowed_values):
            raise BadRequest("SCOPE_UNKNOWN", f"The catalogue has no such '{name}'.")
    if len(scope) > 1:
        raise BadRequest("SCOPE_TOGETHER", "A scope names one part.", "File one request for each part.")
    return RequestScope(
        channel=scope.get("channel"), category=scope.get("category"), purpose=scope.get("purpose")
    )
