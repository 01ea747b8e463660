"""Events of page, screen and group calls, some of whose members are beside their properties."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.domain.ingest.message import Fact
from tests.unit.domain.ingest.messages import build_fact, get_values


def get_properties(fact: Fact) -> dict[str, Any]:
    """Return the properties of a fact's event."""
    assert fact.event is not None
    return fact.event.properties.value


def test_a_group_call_is_an_event_with_its_id_and_traits() -> None:
    """Undeclared group traits are dropped and counted; a group's traits are not the person's."""
    traits = {"role": "owner", "email": "platform@post.example", "employees": 3, "plan": None}
    fact = build_fact("web-shop", type="group", groupId="h-1", traits=traits)
    assert fact.event is not None
    assert fact.event.type.key == "group"
    assert get_properties(fact) == {"groupId": "h-1", "role": "owner"}
    assert (get_values(fact), fact.dropped) == ({}, 2)


@pytest.mark.parametrize(("group_id", "text"), [("g" * 500, "g" * 500), (7, "7")])
def test_a_group_has_an_id_of_up_to_500_characters(group_id: Any, text: str) -> None:
    """SDKs of languages with integers send numbers; the member precedes a trait of its name."""
    fact = build_fact("tills", type="group", groupId=group_id, traits={"groupId": "other"})
    assert get_properties(fact) == {"groupId": text}


@pytest.mark.parametrize(("source", "call_type"), [("web-shop", "page"), ("ios-app", "screen")])
def test_a_page_or_screen_has_its_name_and_category_beside_its_properties(
    source: str, call_type: str
) -> None:
    """As SDKs write them; a property of the same name takes precedence."""
    fact = build_fact(source, type=call_type, name="Lamps", category="light", properties={"name": "Lamp"})
    assert get_properties(fact) == {"name": "Lamp", "category": "light"}
    assert fact.dropped == 0
