"""Whether a purpose reveals a customer: by id, in a list, in a count and through a filter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform

EMAIL = "marketing.communications.email"
TEXTS = "marketing.communications.sms"
FIRST_PARTY_ADS = "marketing.advertising.first_party"
PARTNERS = "marketing.advertising.third_party.targeted"
PAGES = "personalize.content"
STATISTICS = "analytics.reporting"
ADDRESS = "ann@shop.example"
READER = "reader"

SEEN_OPERATION = """query($id: ID!) {
  node(id: $id) { ... on Customer { commerce { loyaltyTier } } }
  all: customers { totalCount nodes { commerce { loyaltyTier } } }
  gold: customers(filter: {commerce: {loyaltyTier: {eq: "gold"}}}) { totalCount nodes { id } }
}"""
SET_CONSENT = "mutation($p: [ConsentInput!]!) { setConsent(purposes: $p) { receipts { state } } }"
SET_GUARDIAN_CONSENT = """mutation($p: [ConsentInput!]!, $c: ID!, $r: String!) {
  setConsent(purposes: $p, customer: $c, guardian: {reference: $r}) { receipts { state } } }"""
LAWS = "{ me { jurisdictions { key } } }"
PERMISSIONS = "{ me { permissions { purpose { key } permitted } } }"


def build_ann_message(number: int, user: str = "w-1", **traits: Any) -> dict[str, Any]:
    """Return a message about Ann; she is the only customer in tests that use this module."""
    all_traits = {"email": ADDRESS, "loyaltyTier": "gold", **traits}
    return {"type": "identify", "messageId": f"m{number}", "userId": user, "traits": all_traits}


@asynccontextmanager
async def open_platform_at(
    clock: Clock, database: Database, folder: Path, commands: CommandRecorder
) -> AsyncIterator[PlatformUnderTest]:
    """Open a platform that takes its time from a test clock."""
    platform = await build_test_platform(database, folder, commands, clock=clock)
    async with platform.http:
        yield platform


async def is_ann_revealed(platform: PlatformUnderTest, purpose: str) -> bool:
    """Return whether a purpose reveals Ann. All kinds of query must agree; Ann is the only customer."""
    steward = platform.issue_token(client=READER, scopes=["steward"], purposes=["essential.legal_obligation"])
    find_ann = f'{{ customer(identifier: {{type: "email", value: "{ADDRESS}"}}) {{ id }} }}'
    customer = (await platform.query(find_ann, steward))["data"]["customer"]["id"]
    answer = await platform.query(
        SEEN_OPERATION, platform.issue_token(client=READER, purposes=[purpose]), {"id": customer}
    )
    assert "errors" not in answer, answer
    data = answer["data"]
    reveals: list[bool] = [(data["node"] or {"commerce": {}})["commerce"].get("loyaltyTier") == "gold"]
    reveals += [
        data["all"]["nodes"] == [{"commerce": {"loyaltyTier": "gold"}}],
        data["all"]["totalCount"] == 1,
    ]
    reveals += [data["gold"]["nodes"] == [{"id": customer}], data["gold"]["totalCount"] == 1]
    assert len(set(reveals)) == 1, data
    return reveals[0]


async def query_as_customer(platform: PlatformUnderTest, query: str, **variables: Any) -> dict[str, Any]:
    """Return the data of a query with Ann's own token."""
    answer = await platform.query(query, await platform.issue_customer_token("email", ADDRESS), variables)
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


async def set_consent(
    platform: PlatformUnderTest, purpose: str, *, granted: bool, **extra_variables: Any
) -> None:
    """State Ann's own choice about a purpose."""
    await query_as_customer(
        platform, SET_CONSENT, p=[{"purpose": purpose, "given": granted, **extra_variables}]
    )


async def give_guardian_consent(platform: PlatformUnderTest, purpose: str) -> None:
    """State a guardian's consent for Ann, entered by the privacy office."""
    steward = platform.issue_token("steward", client="customer-app")
    customer = (await query_as_customer(platform, "{ me { id } }"))["me"]["id"]
    choices = [{"purpose": purpose, "given": True}]
    answer = await platform.query(
        SET_GUARDIAN_CONSENT, steward, {"p": choices, "c": customer, "r": "parents/2026-17"}
    )
    assert "errors" not in answer, answer


async def read_jurisdictions(platform: PlatformUnderTest) -> list[str]:
    """Return the keys of the jurisdictions that protect Ann."""
    return [
        jurisdiction["key"]
        for jurisdiction in (await query_as_customer(platform, LAWS))["me"]["jurisdictions"]
    ]


async def read_permissions(platform: PlatformUnderTest) -> dict[str, bool]:
    """Return which purposes Ann permits, as the API shows them to her."""
    return {
        permission["purpose"]["key"]: permission["permitted"]
        for permission in (await query_as_customer(platform, PERMISSIONS))["me"]["permissions"]
    }
