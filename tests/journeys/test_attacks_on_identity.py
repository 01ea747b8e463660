"""Attacks on who is who: a source with one key, a partner with one purpose, a child with one address."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fixtures.platform import House

STEWARD = """{ customers(first: 50) { nodes {
  identifiers { type value }
  identityHistory { nodes { kind by } }
} } }"""


def told(number: str, user: str, *, day: int = 1, **traits: Any) -> dict[str, Any]:
    """A person tells of themselves."""
    stamp = f"2026-03-{day:02}T10:00:00Z"
    return {"type": "identify", "messageId": number, "userId": user, "timestamp": stamp, "traits": traits}


def agreed(message: dict[str, Any], **purposes: bool) -> dict[str, Any]:
    """The same with a choice."""
    return {**message, "context": {"consent": {"categoryPreferences": purposes}}}


async def met(house: House, role: str) -> int:
    """How many a role meets."""
    answer = await house.ask("{ customers { totalCount } }", house.token(role))
    total: int = answer["data"]["customers"]["totalCount"]
    return total


async def test_a_merge_is_laid_to_those_who_brought_it_and_nobody_beside_them(house: House) -> None:
    """Senders that speak at one time share a transaction; what one of them does is not the others' doing."""
    await house.tell("tills", *(told(f"t{n}", f"L-{n}", email=f"p{n}@shop.example") for n in range(9)))
    await asyncio.gather(
        *(house.tell("ios-app", told(f"a{n}", f"x-{n}", firstName="Eve")) for n in range(9)),
        *(house.tell("web-shop", told(f"w{n}", f"w-{n}", firstName="Ann")) for n in range(9)),
    )
    await asyncio.gather(
        *(house.tell("ios-app", told(f"b{n}", f"x-{n}", phone=f"+4477009001{n:02}")) for n in range(9)),
        *(house.tell("web-shop", told(f"v{n}", f"w-{n}", email=f"p{n}@shop.example")) for n in range(9)),
    )
    answer = await house.ask(STEWARD, house.token("steward", purposes=["essential"]))
    people = answer["data"]["customers"]["nodes"]
    events = [event for one in people for event in one["identityHistory"]["nodes"]]
    assert len(events) == 9
    assert {(event["kind"], event["by"]) for event in events} == {("merged", "source:web-shop")}


@pytest.mark.parametrize("role", ["support", "frontend"])
async def test_a_desk_does_not_learn_the_hour_at_which_somebody_was_where(house: House, role: str) -> None:
    """A first visit is an identifier's first naming; like provenance, it is told by its month."""
    await house.tell("web-shop", told("m1", "w-1", email="ann@shop.example"))
    asked = "{ customers { nodes { identifiers { firstNamedAt } } } }"
    answer = await house.ask(asked, house.token(role))
    (ann,) = answer["data"]["customers"]["nodes"]
    assert {one["firstNamedAt"] for one in ann["identifiers"]} == {"2026-03"}


@pytest.mark.parametrize("child_first", [True, False])
async def test_a_child_does_not_come_of_age_by_a_parents_card(house: House, child_first: bool) -> None:
    """A family's address makes the app's child and the card's parent one; the child's yes stays void."""
    child = agreed(told("m1", "kid", email="home@shop.example", birthday="2016-01-01"), marketing=True)
    parent = told("m2", "w-1", email="home@shop.example", birthday="1980-01-01")
    grown = ("web-shop", parent)
    young = ("tills", {**child, "userId": "L-1"})
    for source, message in (young, grown) if child_first else (grown, young):
        await house.tell(source, message)
    assert await met(house, "support") == 1
    assert await met(house, "marketing") == 0


async def test_nobody_is_asked_for_identifiers_of_those_who_withhold_them(house: House) -> None:
    """Security may see accounts on its own interest until the person objects: then MongoDB is not asked."""
    purposes = ["essential.service.security", "marketing.advertising.first_party"]
    objecting = {"essential.service.security": False, "marketing.advertising.first_party": True}
    await house.tell("web-shop", agreed(told("m1", "w-1"), **objecting))
    house.commands.clear()
    answer = await house.ask(
        "{ customers { nodes { identifiers { value } } } }", house.token(client="guards", purposes=purposes)
    )
    assert answer["data"]["customers"]["nodes"] == [{"identifiers": []}]
    asked = [one for one in house.commands.named("aggregate") if one["aggregate"] == "source_records"]
    assert asked == []
