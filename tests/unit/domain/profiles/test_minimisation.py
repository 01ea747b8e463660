"""Members of products are minimised and erased by their own purposes and categories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from discretion.catalogue.model import EventProperty
from discretion.domain.ingest.message import Fact
from discretion.domain.profiles.erased_scopes import ErasureScope, remove_erased_data
from discretion.domain.profiles.minimisation import minimise_fact
from discretion.domain.profiles.source_record import apply_statements, build_source_record
from tests.unit.domain.ingest.messages import CATALOGUE, NOW, build_fact

PRODUCT = {"sku": "s", "url": "u", "position": 3}


def build_view(**members: Any) -> Fact:
    """Return the fact of a viewed list with one product."""
    properties = {"list_id": "deals", "products": [PRODUCT]}
    view: dict[str, Any] = {"type": "track", "event": "Product List Viewed", "properties": properties}
    return build_fact("web-shop", **view, **members)


def read_products(fact: Fact) -> list[dict[str, object]]:
    """Return the products of the fact's event."""
    assert fact.event is not None
    products: list[dict[str, object]] = fact.event.properties.value["products"]  # type: ignore[assignment]
    return products


@pytest.mark.parametrize(
    ("refused", "left", "removed"),
    [
        (["marketing.advertising.first_party"], ["position", "sku", "url"], 0),
        (["marketing.advertising.first_party", "personalize.content"], ["sku", "url"], 1),
        (["marketing.advertising.first_party", "personalize"], ["sku", "url"], 1),
    ],
)
def test_a_member_whose_purposes_are_all_refused_is_not_stored(
    refused: list[str], left: list[str], removed: int
) -> None:
    """Its place in the list serves advertising and personal pages only; its address serves the shop, too."""
    context = {"consent": {"categoryPreferences": dict.fromkeys(refused, False)}}
    fact = build_view(context=context)
    record = build_source_record(b"r", fact, b"c")
    apply_statements(record, fact)
    stored, count = minimise_fact(fact, record)
    assert ([sorted(product) for product in read_products(stored)], count) == ([left], removed)


def move_member(declared: EventProperty, name: str, category: str) -> EventProperty:
    """Return a list of objects, one member of which belongs to another category."""
    members = tuple(
        replace(member, category=category) if member.name == name else member for member in declared.members
    )
    return replace(declared, members=members)


def test_an_erased_category_takes_its_members_from_an_event_that_stays() -> None:
    """The event and its other members are of other categories."""
    fact = build_view()
    assert fact.event is not None
    properties = tuple(
        move_member(declared, "url", "user.contact.url") for declared in fact.event.type.properties
    )
    event_type = replace(fact.event.type, properties=properties)
    fact = replace(fact, event=replace(fact.event, type=event_type))
    scope = ErasureScope("category", "user.contact")
    remaining = remove_erased_data(fact, [(scope, NOW)], CATALOGUE).fact
    assert read_products(remaining) == [{"sku": "s", "position": 3}]
    assert read_products(remove_erased_data(fact, [(scope, 0)], CATALOGUE).fact) == [PRODUCT]
