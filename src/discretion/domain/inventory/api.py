"""``purposes`` and ``dataInventory``: what is collected, why, on which basis, how long, who sees it.

Public, no token (GDPR Art. 13 and 14).
"""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import Attribute, EventType
from discretion.catalogue.model import Purpose as CataloguePurpose
from discretion.catalogue.model import Use as CatalogueUse
from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.field import field


@strawberry.type(description="What personal data are used for; a Fideslang data use.")
class Purpose:
    """A purpose of the catalogue."""

    key: str
    label: str
    description: str
    meaning: str = strawberry.field(description="What it means to a customer.")
    legal_basis: str = strawberry.field(description="Of GDPR Art. 6(1).")


@strawberry.type(description="A purpose an item may be revealed for, and how.")
class InventoryUse:
    """A use of the catalogue."""

    purpose: Purpose
    form: str = strawberry.field(description="`clear`, `masked`, `coarse` or `pseudonym`.")


@strawberry.type(description="One kind of personal data the retailer keeps.")
class InventoryItem:
    """An attribute or an event type of the catalogue."""

    name: str = strawberry.field(description="The attribute's path in this API, or the event's name.")
    kind: str = strawberry.field(description="`attribute` or `event`.")
    type: str
    category: str = strawberry.field(description="A Fideslang data category.")
    description: str
    sensitivity: str
    channels: list[str] = strawberry.field(description="Where it comes from.")
    controller: str = strawberry.field(description="Who answers for it.")
    retention: str = strawberry.field(description="How long it is kept; an ISO 8601 duration.")
    sealed: bool = strawberry.field(description="Whether it is encrypted with the customer's own key.")
    uses: list[InventoryUse]


@strawberry.type(description="Everything the retailer keeps about people.")
class DataInventory:
    """The catalogue, as the public may read it."""

    version: str
    controller: str
    attributes: list[InventoryItem]
    events: list[InventoryItem]


def inventory_fields() -> list[StrawberryField]:
    """The public fields of the query."""

    def purposes(root: Any, info: Info[Context, None]) -> list[Purpose]:
        del root
        return [purpose_of(one) for _, one in sorted(info.context.records.catalogue.purposes.items())]

    def inventory(root: Any, info: Info[Context, None]) -> DataInventory:
        del root
        catalogue = info.context.records.catalogue
        return DataInventory(
            version=catalogue.version,
            controller=catalogue.controller,
            attributes=[_attribute(one, catalogue.controller) for one in catalogue.attributes.values()],
            events=[_event(one, catalogue.controller) for one in catalogue.events.values()],
        )

    words = "What is collected, why, on which basis, for how long, and who sees it."
    return [
        field(purposes, "purposes", list[Purpose], "What personal data are used for."),
        field(inventory, "dataInventory", DataInventory, words),
    ]


def purpose_of(purpose: CataloguePurpose) -> Purpose:
    """A purpose of the catalogue, as the API shows it."""
    return Purpose(
        key=purpose.key,
        label=purpose.label,
        description=purpose.description,
        meaning=purpose.meaning,
        legal_basis=purpose.basis.value,
    )


def _uses(uses: tuple[CatalogueUse, ...]) -> list[InventoryUse]:
    return [InventoryUse(purpose=purpose_of(use.purpose), form=use.form.value) for use in uses]


def _attribute(one: Attribute, controller: str) -> InventoryItem:
    return InventoryItem(
        name=one.path,
        kind="attribute",
        type=f"[{one.type.value}]" if one.many else one.type.value,
        category=one.category,
        description=one.description,
        sensitivity=one.sensitivity.value,
        channels=sorted(one.channels),
        controller=one.controller or controller,
        retention=one.retention,
        sealed=one.sealed,
        uses=_uses(one.uses),
    )


def _event(one: EventType, controller: str) -> InventoryItem:
    return InventoryItem(
        name=one.key,
        kind="event",
        type="Event",
        category=one.category,
        description=one.description,
        sensitivity="medium",
        channels=sorted(one.channels),
        controller=controller,
        retention=one.retention,
        sealed=True,
        uses=_uses(one.uses),
    )
