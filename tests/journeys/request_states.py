"""Whether a purpose reveals somebody: by id, in a list, in a count and through a filter, all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build

EMAIL = "marketing.communications.email"
TEXTS = "marketing.communications.sms"
OWN_ADS = "marketing.advertising.first_party"
PARTNERS = "marketing.advertising.third_party.targeted"
PAGES = "personalize.content"
STATISTICS = "analytics.reporting"
ADDRESS = "ann@shop.example"
READER = "reader"

SEEN = """query($id: ID!) {
  node(id: $id) { ... on Customer { commerce { loyaltyTier } } }
  all: customers { totalCount nodes { commerce { loyaltyTier } } }
  gold: customers(filter: {commerce: {loyaltyTier: {eq: "gold"}}}) { totalCount nodes { id } }
}"""
GIVE = "mutation($p: [ConsentInput!]!) { setConsent(purposes: $p) { receipts { state } } }"
FOR = """mutation($p: [ConsentInput!]!, $c: ID!, $r: String!) {
  setConsent(purposes: $p, customer: $c, guardian: {reference: $r}) { receipts { state } } }"""
LAWS = "{ me { jurisdictions { key } } }"
MAY = "{ me { permissions { purpose { key } permitted } } }"


def ann(number: int, user: str = "w-1", **traits: Any) -> dict[str, Any]:
    """What the shop tells of Ann, whom only messages from here are about."""
    known = {"email": ADDRESS, "loyaltyTier": "gold", **traits}
    return {"type": "identify", "messageId": f"m{number}", "userId": user, "traits": known}


@asynccontextmanager
async def at(clock: Clock, database: Database, folder: Path, commands: Commands) -> AsyncIterator[House]:
    """A house that goes by a clock."""
    built = await build(database, folder, commands, clock=clock)
    async with built.http:
        yield built


async def revealed(house: House, purpose: str) -> bool:
    """Whether Ann is revealed for a purpose. All ways of asking must agree; she is the only one there."""
    steward = house.token(client=READER, scopes=["steward"], purposes=["essential.legal_obligation"])
    who = f'{{ customer(identifier: {{type: "email", value: "{ADDRESS}"}}) {{ id }} }}'
    customer = (await house.ask(who, steward))["data"]["customer"]["id"]
    answer = await house.ask(SEEN, house.token(client=READER, purposes=[purpose]), {"id": customer})
    assert "errors" not in answer, answer
    told = answer["data"]
    shown: list[bool] = [(told["node"] or {"commerce": {}})["commerce"].get("loyaltyTier") == "gold"]
    shown += [told["all"]["nodes"] == [{"commerce": {"loyaltyTier": "gold"}}], told["all"]["totalCount"] == 1]
    shown += [told["gold"]["nodes"] == [{"id": customer}], told["gold"]["totalCount"] == 1]
    assert len(set(shown)) == 1, told
    return shown[0]


async def own(house: House, query: str, **variables: Any) -> dict[str, Any]:
    """What Ann is answered."""
    answer = await house.ask(query, await house.own_token("email", ADDRESS), variables)
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


async def says(house: House, purpose: str, *, given: bool, **more: Any) -> None:
    """Ann's own word."""
    await own(house, GIVE, p=[{"purpose": purpose, "given": given, **more}])


async def guardian_agrees(house: House, purpose: str) -> None:
    """A guardian's yes for Ann, taken by the privacy office."""
    steward = house.token("steward", client="customer-app")
    customer = (await own(house, "{ me { id } }"))["me"]["id"]
    said = [{"purpose": purpose, "given": True}]
    answer = await house.ask(FOR, steward, {"p": said, "c": customer, "r": "parents/2026-17"})
    assert "errors" not in answer, answer


async def laws(house: House) -> list[str]:
    """Whose laws protect Ann."""
    return [one["key"] for one in (await own(house, LAWS))["me"]["jurisdictions"]]


async def permits(house: House) -> dict[str, bool]:
    """What Ann is told she permits."""
    return {one["purpose"]["key"]: one["permitted"] for one in (await own(house, MAY))["me"]["permissions"]}
