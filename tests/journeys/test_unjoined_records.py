"""What a customer's records only claim, and records of others that claim what the customer has proven."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.domain.profiles.identifier_index import MAX_ANONYMOUS_CLAIMS
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.proofs import add_external_id
from tests.journeys.proven_customer import ANN, CARD, clock, open_platform_with_ann, send

__all__ = ["clock"]

UNJOINED = "{ me { unprovenIdentifiers { type value source } mayBeYours { id source year by } } }"


@pytest_asyncio.fixture
async def platform(
    database: Database, tmp_path: Path, commands: CommandRecorder, clock: Clock
) -> AsyncIterator[PlatformUnderTest]:
    """A platform whose customer Ann has proven her address and her card."""
    async with open_platform_with_ann(database, tmp_path, commands, clock) as test_platform:
        yield test_platform


def build_message(user: str, number: int = 1, **traits: Any) -> dict[str, Any]:
    """Return a message with traits of an account."""
    return {"type": "identify", "messageId": f"{user}-{number}", "userId": user, "traits": traits}


async def read_unjoined(platform: PlatformUnderTest, user: str) -> tuple[list[Any], list[Any]]:
    """Return what an account only claims, and the records that may be its customer's, without their ids."""
    answer = await platform.query(UNJOINED, platform.issue_token("customer", subject=user))
    assert "errors" not in answer, answer
    me = answer["data"]["me"]
    return me["unprovenIdentifiers"], [
        {name: value for name, value in each.items() if name != "id"} for each in me["mayBeYours"]
    ]


async def test_a_record_that_claims_a_proven_identifier_is_shown_as_source_and_year(
    platform: PlatformUnderTest,
) -> None:
    """The till knows her mailbox from a receipt, an account typed it, another one typed her card number."""
    old = {"timestamp": "2024-05-06T10:00:00Z"}
    await send(platform, {**build_message("L-7", email=ANN, firstName="Anna"), **old}, "tills")
    await send(platform, build_message("w-other", email=ANN, firstName="Otto"))
    await send(platform, add_external_id(build_message("w-third"), "loyalty_id", CARD))
    unproven, possible = await read_unjoined(platform, "w-ann")
    assert unproven == []
    assert sorted(possible, key=lambda each: (each["source"], each["by"])) == [
        {"source": "tills", "year": 2024, "by": "email"},
        {"source": "web-shop", "year": 2026, "by": "email"},
        {"source": "web-shop", "year": 2026, "by": "loyalty_id"},
    ]


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (build_message("w-evil", email=ANN), ("email", ANN)),
        (build_message("w-evil", email=ANN.upper()), ("email", ANN)),
        (add_external_id(build_message("w-evil"), "loyalty_id", CARD), ("loyalty_id", CARD)),
        (add_external_id(build_message("w-evil"), "email", ANN, "claimed"), ("email", ANN)),
    ],
)
async def test_whoever_claims_an_identifier_sees_only_what_they_typed(
    platform: PlatformUnderTest, claim: dict[str, Any], expected: tuple[str, str]
) -> None:
    """The claimant does not learn that somebody else has proven it."""
    await send(platform, claim)
    unproven, possible = await read_unjoined(platform, "w-evil")
    assert unproven == [{"type": expected[0], "value": expected[1], "source": "web-shop"}]
    assert possible == []


async def test_what_a_record_has_replaced_or_proven_is_not_shown(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    await send(platform, build_message("w-other", email=ANN))
    clock.advance(60_000)
    await send(platform, build_message("w-other", 2, email="otto@shop.example"))
    await send(platform, build_message("w-family", email=ANN, emailVerified=True))
    assert await read_unjoined(platform, "w-ann") == ([], [])


async def test_an_anonymous_flood_is_bounded(platform: PlatformUnderTest) -> None:
    for number in range(30):
        message = {"type": "identify", "messageId": f"shr-{number}", "anonymousId": f"shr-{number}"}
        await send(platform, {**message, "traits": {"email": ANN}})
    await send(platform, build_message("w-other", email=ANN))
    _, possible = await read_unjoined(platform, "w-ann")
    assert len(possible) == MAX_ANONYMOUS_CLAIMS + 1
    assert {each["by"] for each in possible} == {"email"}
    answer = await platform.query(
        "{ me { moreMayBeYours } }", platform.issue_token("customer", subject="w-ann")
    )
    assert answer["data"]["me"]["moreMayBeYours"] is True, "some claims have no place in the index"


@pytest.mark.parametrize("field", ["unprovenIdentifiers { value }", "mayBeYours { source }"])
@pytest.mark.parametrize("role", ["steward", "support"])
async def test_nobody_but_the_customer_reads_them(platform: PlatformUnderTest, role: str, field: str) -> None:
    await send(platform, build_message("w-other", email=ANN))
    answer = await platform.query(f"{{ customers {{ nodes {{ {field} }} }} }}", platform.issue_token(role))
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"CUSTOMER_ONLY"}


async def test_both_customers_read_in_the_ledger_what_was_revealed(platform: PlatformUnderTest) -> None:
    await send(platform, build_message("w-other", email=ANN))
    await read_unjoined(platform, "w-ann")
    for user in ("w-ann", "w-other"):
        answer = await platform.query(
            "{ me { disclosures(first: 9) { nodes { actor also } } } }",
            platform.issue_token("customer", subject=user),
        )
        entries = answer["data"]["me"]["disclosures"]["nodes"]
        assert any("mayBeYours" in entry["also"] for entry in entries), (user, entries)
