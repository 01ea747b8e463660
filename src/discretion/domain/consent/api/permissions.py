"""``permissions``, ``jurisdictions`` and ``optOutSignal`` of a customer: what may be done, by which law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from discretion.domain.consent import permission
from discretion.domain.consent.api.representation import Where, concerned
from discretion.domain.inventory.api import Purpose, purpose_of
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.profiles.person_state import LIMIT, bearing, state_of
from discretion.law.jurisdiction import Lawbook
from discretion.purpose.permissions import PersonState
from discretion.reveal.forms import iso
from discretion.store.consents import Consents


@strawberry.type(description="Whether a customer's data may be used for a purpose now, and why.")
class Permission:
    """See ``consent.permission.Permission``."""

    purpose: Purpose
    permitted: bool
    model: str = strawberry.field(
        description="What the strictest of the customer's laws takes: `notice`, `opt_out` or `opt_in`."
    )
    said: bool | None = strawberry.field(
        description="The customer's word that counts; null if they said nothing."
    )
    why: str = strawberry.field(
        description="`required_by_law`, `contract`, `agreed` or `not_refused`; else `refused`, `not_agreed`, "
        "`opt_out_signal`, `notice_changed`, `age` or `restricted`."
    )
    since: DateTime | None = strawberry.field(description="When the word that counts was said.")
    until: DateTime | None = strawberry.field(description="When time alone will change it.")


@strawberry.type(description="A law that protects a customer.")
class CustomerJurisdiction:
    """See ``law.jurisdiction.Jurisdiction``."""

    key: str
    label: str
    law: str
    authority: str = strawberry.field(description="Where to complain.")
    authority_url: str


@strawberry.type(description="An opt-out signal of the customer's that is honoured (11 CCR 7025(c)(6)).")
class OptOutSignal:
    """Shown as the law wants it shown."""

    honoured_since: DateTime
    jurisdiction: str = strawberry.field(
        description="Key of the one whose law makes it bind; `jurisdictions` says more."
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """What a customer's records say of them; ``signalled`` is when the first of their signals came (ms)."""

    state: PersonState
    signalled: int | None


def permission_fields() -> list[StrawberryField]:
    """The fields of ``Customer``."""

    async def permissions(root: Any, info: Where) -> list[Permission]:
        concerned(info, "what a customer permits").note("permissions")
        return await permitted(info, root.id)

    async def jurisdictions(root: Any, info: Where) -> list[CustomerJurisdiction]:
        concerned(info, "which laws protect a customer").note("jurisdictions")
        lawbook = info.context.records.verbs[Lawbook]
        return [_jurisdiction(lawbook, key) for key in (await standing(info, root.id)).state.laws]

    async def opt_out_signal(root: Any, info: Where) -> OptOutSignal | None:
        concerned(info, "a customer's signals").note("optOutSignal")
        return await signal(info, root.id)

    may = (
        "Every purpose: whether law and words permit it now, why, since when, until when. For the customer "
        "and the steward."
    )
    laws = "Whose laws protect this customer. For the customer and the steward."
    honoured = (
        "Since when an opt-out signal such as Global Privacy Control is honoured, and by which law; null if "
        "there is none to honour. For the customer and the steward."
    )
    return [
        field(permissions, "permissions", list[Permission] | None, may),
        field(jurisdictions, "jurisdictions", list[CustomerJurisdiction] | None, laws),
        field(opt_out_signal, "optOutSignal", OptOutSignal | None, honoured),
    ]


async def standing(info: Where, customer: bytes) -> Standing:
    """A customer's state, from their records as they are now."""
    records = info.context.records
    heard = await records.verbs[Consents].heard(customer, bearing(records.catalogue))
    state = state_of(records.catalogue, records.verbs[Lawbook].of_place, heard)
    signals = [one for record in heard for name, one in record.get("signals", {}).items() if name != LIMIT]
    return Standing(state, min((one["f"] for one in signals), default=None))


async def permitted(info: Where, customer: bytes) -> list[Permission]:
    """All purposes, judged now."""
    records = info.context.records
    state = (await standing(info, customer)).state
    law, now = records.verbs[Lawbook].law, info.context.meeting().now_ms
    return [_permission(one) for one in permission.permissions(records.catalogue, law, state, now)]


async def signal(info: Where, customer: bytes) -> OptOutSignal | None:
    """The signal that is honoured now, if there is one."""
    records, lawbook = info.context.records, info.context.records.verbs[Lawbook]
    here = await standing(info, customer)
    now = info.context.meeting().now_ms
    key = permission.honoured(records.catalogue, lawbook.law, here.state, now)
    if key is None or here.signalled is None:
        return None
    return OptOutSignal(honoured_since=DateTime(iso(here.signalled)), jurisdiction=key)


def _permission(one: permission.Permission) -> Permission:
    return Permission(
        purpose=purpose_of(one.purpose),
        permitted=one.permitted,
        model=one.model.value,
        said=one.said,
        why=one.why.value,
        since=None if one.since is None else DateTime(iso(one.since)),
        until=None if one.until is None else DateTime(iso(one.until)),
    )


def _jurisdiction(lawbook: Lawbook, key: str) -> CustomerJurisdiction:
    law = lawbook.of(key)
    return CustomerJurisdiction(
        key=law.key,
        label=law.label,
        law=law.law,
        authority=law.authority.name,
        authority_url=law.authority.url,
    )
