"""The GraphQL fields ``purposes`` and ``dataInventory``: what is collected, why, on which basis and how long.

They are public and need no token (GDPR Art. 13 and 14).
"""

from __future__ import annotations

import strawberry
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import Attribute, EventType
from discretion.catalogue.model import Purpose as CataloguePurpose
from discretion.catalogue.model import Use as CatalogueUse
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import build_field


@strawberry.type(name="Purpose", description="What personal data are used for; a Fideslang data use.")
class InventoryPurpose:
    """A purpose of the catalogue, as the API publishes it."""

    key: str
    label: str
    description: str
    meaning: str = strawberry.field(description="What it means to a customer.")
    legal_basis: str = strawberry.field(description="Of GDPR Art. 6(1).")


@strawberry.type(description="A purpose an item may be revealed for, and how.")
class InventoryUse:
    """A use of the catalogue: a purpose, and the form in which it may see the item."""

    purpose: InventoryPurpose
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
    """The public part of the catalogue."""

    version: str
    controller: str
    attributes: list[InventoryItem]
    events: list[InventoryItem]


def build_inventory_fields() -> list[StrawberryField]:
    """Build the public query fields ``purposes`` and ``dataInventory``."""

    def resolve_purposes(root: object, info: ResolverInfo) -> list[InventoryPurpose]:
        del root
        return [
            build_inventory_purpose(purpose)
            for _, purpose in sorted(info.context.resources.catalogue.purposes.items())
        ]

    def resolve_inventory(root: object, info: ResolverInfo) -> DataInventory:
        del root
        catalogue = info.context.resources.catalogue
        return DataInventory(
            version=catalogue.version,
            controller=catalogue.controller,
            attributes=[
                _build_attribute_item(declaration, catalogue.controller)
                for declaration in catalogue.attributes.values()
            ],
            events=[
                _build_event_item(declaration, catalogue.controller)
                for declaration in catalogue.events.values()
            ],
        )

    description = "What is collected, why, on which basis, for how long, and who sees it."
    return [
        build_field(resolve_purposes, "purposes", list[InventoryPurpose], "What personal data are used for."),
        build_field(resolve_inventory, "dataInventory", DataInventory, description),
    ]


def build_inventory_purpose(purpose: CataloguePurpose) -> InventoryPurpose:
    """Build the published form of a purpose."""
    return InventoryPurpose(
        key=purpose.key,
        label=purpose.label,
        description=purpose.description,
        meaning=purpose.meaning,
        legal_basis=purpose.basis.value,
    )


def _build_uses(uses: tuple[CatalogueUse, ...]) -> list[InventoryUse]:
    return [InventoryUse(purpose=build_inventory_purpose(use.purpose), form=use.form.value) for use in uses]


def _build_attribute_item(attribute: Attribute, controller: str) -> InventoryItem:
    return InventoryItem(
        name=attribute.path,
        kind="attribute",
        type=attribute.registered.type,
        category=attribute.category,
        description=attribute.description,
        sensitivity=attribute.sensitivity.value,
        channels=sorted(attribute.channels),
        controller=attribute.controller or controller,
        retention=attribute.retention,
        sealed=attribute.sealed,
        uses=_build_uses(attribute.uses),
    )


def _build_event_item(event: EventType, controller: str) -> InventoryItem:
    return InventoryItem(
        name=event.key,
        kind="event",
        type="Event",
        category=event.category,
        description=event.description,
        sensitivity="medium",
        channels=sorted(event.channels),
        controller=controller,
        retention=event.retention,
        sealed=True,
        uses=_build_uses(event.uses),
    )
