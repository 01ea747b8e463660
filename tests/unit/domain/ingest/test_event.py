"""Events of page, screen and group calls, which carry some of it beside their properties."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.domain.ingest.message import Fact
from tests.unit.domain.ingest.messages import heard, values


def kept(fact: Fact) -> dict[str, Any]:
    """The properties of what happened."""
    assert fact.event is not None
    return fact.event.properties.value


def test_a_group_call_is_an_event_with_its_number_and_traits() -> None:
    """What nobody declared of a group is dropped and counted; a group's traits are not the person's."""
    traits = {"role": "owner", "email": "house@post.example", "employees": 3, "plan": None}
    fact = heard("web-shop", type="group", groupId="h-1", traits=traits)
    assert fact.event is not None
    assert fact.event.type.key == "group"
    assert kept(fact) == {"groupId": "h-1", "role": "owner"}
    assert (values(fact), fact.dropped) == ({}, 2)


@pytest.mark.parametrize(("given", "text"), [("g" * 500, "g" * 500), (7, "7")])
def test_a_group_has_a_number_of_up_to_500_characters(given: Any, text: str) -> None:
    """SDKs of languages with whole numbers send those; the member goes before a trait of its name."""
    fact = heard("tills", type="group", groupId=given, traits={"groupId": "other"})
    assert kept(fact) == {"groupId": text}


@pytest.mark.parametrize(("source", "kind"), [("web-shop", "page"), ("ios-app", "screen")])
def test_a_page_or_screen_has_its_name_and_category_beside_its_properties(source: str, kind: str) -> None:
    """As SDKs write them; a property of the same name goes first."""
    fact = heard(source, type=kind, name="Lamps", category="light", properties={"name": "Lamp"})
    assert kept(fact) == {"name": "Lamp", "category": "light"}
    assert fact.dropped == 0
