"""GraphQL fields ``Customer.permissions``, ``Customer.jurisdictions`` and ``Customer.optOutSignal``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import strawberry
from strawberry.types.field import StrawberryField

from discretion.domain.consent import permission
from discretion.domain.consent.api.dependencies import ConsentServices
from discretion.domain.inventory.api import InventoryPurpose, build_inventory_purpose
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.profiles.person_state import LIMIT_SIGNAL, build_person_state, list_state_attributes
from discretion.law.jurisdiction import Lawbook
from discretion.purpose.permissions import PersonState
from discretion.reveal.forms import format_timestamp
from discretion.reveal.revealer import CustomerRow


@strawberry.type(description="Whether a customer's data may be used for a purpose now, and why.")
class Permission:
    """The permission for one purpose; see ``consent.permission.PurposePermission``."""

    purpose: InventoryPurpose
    permitted: bool
    model: str = strawberry.field(
        description="What the strictest of the customer's laws takes: `notice`, `opt_out` or `opt_in`."
    )
    said: bool | None = strawberry.field(
        description="The customer's word that counts; null if they said nothing."
    )
    why: str = strawberry.field(
        description="`required_by_law`, `contract`, `agreed` or `not_refused`; else `refused`, `not_agreed`, "
        "`opt_out_signal`, `notice_changed`, `age`, `restricted`, or for a steward `identifier_refused`: "
        "somebody else refuses who has proven an identifier that this customer names without a login."
    )
    since: DateTime | None = strawberry.field(description="When the word that counts was said.")
    until: DateTime | None = strawberry.field(description="When time alone will change it.")


@strawberry.type(description="A law that protects a customer.")
class CustomerJurisdiction:
    """A jurisdiction that protects the customer; see ``law.jurisdiction.Jurisdiction``."""

    key: str
    label: str
    law: str
    authority: str = strawberry.field(description="Where to complain.")
    authority_url: str


@strawberry.type(description="An opt-out signal of the customer's that is honoured (11 CCR 7025(c)(6)).")
class OptOutSignal:
    """The opt-out signal in effect. 11 CCR 7025(c)(6) requires that the customer can see it."""

    honoured_since: DateTime
    jurisdiction: str = strawberry.field(
        description="Key of the one whose law makes it bind; `jurisdictions` says more."
    )


@dataclass(frozen=True, slots=True)
class CustomerConsentState:
    """A customer's state from their records; ``signalled_at`` is when the first opt-out signal came (ms)."""

    state: PersonState
    signalled_at: int | None


def permission_fields(provide: Callable[[], ConsentServices]) -> list[StrawberryField]:
    """Build the fields of ``Customer``."""

    async def permissions(root: CustomerRow, info: ResolverInfo) -> list[Permission]:
        info.context.require_customer_or_steward().record_extra("permissions")
        return await read_permissions(provide(), info, root.id)

    async def jurisdictions(root: CustomerRow, info: ResolverInfo) -> list[CustomerJurisdiction]:
        info.context.require_customer_or_steward().record_extra("jurisdictions")
        services = provide()
        state = (await read_consent_state(services, info, root.id)).state
        return [_build_jurisdiction(services.lawbook, key) for key in state.laws]

    async def opt_out_signal(root: CustomerRow, info: ResolverInfo) -> OptOutSignal | None:
        info.context.require_customer_or_steward().record_extra("optOutSignal")
        return await read_honoured_signal(provide(), info, root.id)

    permissions_description = (
        "Every purpose: whether law and words permit it now, why, since when, until when. For the customer "
        "and the steward."
    )
    jurisdictions_description = "Whose laws protect this customer. For the customer and the steward."
    signal_description = (
        "Since when an opt-out signal such as Global Privacy Control is honoured, and by which law; null if "
        "there is none to honour. For the customer and the steward."
    )
    return [
        build_field(permissions, "permissions", list[Permission] | None, permissions_description),
        build_field(
            jurisdictions, "jurisdictions", list[CustomerJurisdiction] | None, jurisdictions_description
        ),
        build_field(opt_out_signal, "optOutSignal", OptOutSignal | None, signal_description),
    ]


async def read_consent_state(
    services: ConsentServices, info: ResolverInfo, customer: bytes
) -> CustomerConsentState:
    """Read a customer's state from their source records as they are now."""
    # From the records and not from the customer document, whose stored permissions may not be recomputed yet.
    resources = info.context.resources
    record_statements = await services.consents.read_statements(
        customer, list_state_attributes(resources.catalogue)
    )
    state = build_person_state(resources.catalogue, services.lawbook.find_key_of_place, record_statements)
    signals = [
        signal
        for record in record_statements
        for name, signal in record.signals.items()
        if name != LIMIT_SIGNAL
    ]
    return CustomerConsentState(state, min((signal.first for signal in signals), default=None))


async def read_permissions(
    services: ConsentServices, info: ResolverInfo, customer: bytes
) -> list[Permission]:
    """Evaluate all purposes for a customer now."""
    resources = info.context.resources
    state = (await read_consent_state(services, info, customer)).state
    law, now_ms = services.lawbook.consent_law, info.context.require_reading().now_ms
    return [
        _build_permission(evaluated)
        for evaluated in permission.evaluate_permissions(resources.catalogue, law, state, now_ms)
    ]


async def read_honoured_signal(
    services: ConsentServices, info: ResolverInfo, customer: bytes
) -> OptOutSignal | None:
    """Return the customer's opt-out signal if one of their laws makes it binding now."""
    resources, lawbook = info.context.resources, services.lawbook
    consent_state = await read_consent_state(services, info, customer)
    now_ms = info.context.require_reading().now_ms
    key = permission.find_honouring_law(resources.catalogue, lawbook.consent_law, consent_state.state, now_ms)
    if key is None or consent_state.signalled_at is None:
        return None
    return OptOutSignal(
        honoured_since=DateTime(format_timestamp(consent_state.signalled_at)), jurisdiction=key
    )


def _build_permission(evaluated: permission.PurposePermission) -> Permission:
    return Permission(
        purpose=build_inventory_purpose(evaluated.purpose),
        permitted=evaluated.permitted,
        model=evaluated.model.value,
        said=evaluated.choice,
        why=evaluated.reason.value,
        since=None if evaluated.since is None else DateTime(format_timestamp(evaluated.since)),
        until=None if evaluated.until is None else DateTime(format_timestamp(evaluated.until)),
    )


def _build_jurisdiction(lawbook: Lawbook, key: str) -> CustomerJurisdiction:
    law = lawbook.find_jurisdiction(key)
    return CustomerJurisdiction(
        key=law.key,
        label=law.label,
        law=law.law,
        authority=law.authority.name,
        authority_url=law.authority.url,
    )
