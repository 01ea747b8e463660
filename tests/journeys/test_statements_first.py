"""A choice acts at once, whatever else of the message that carries it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from discretion.store.driver.database import Database
from tests.fixtures.platform import PlatformUnderTest
from tests.journeys.consent import ANN, EMAIL, PARTNERS, read_history
from tests.journeys.dead_letters import MOON_LANDED, open_corrected_platform, read_counts, replay_dead_letters

NO_TO_EMAIL = {"consent": {"categoryPreferences": {EMAIL: False}}}
YES_TO_EMAIL = {"consent": {"categoryPreferences": {EMAIL: True}}}
READ_PERMISSIONS = "{ me { permissions { purpose { key } permitted } } }"


async def read_permitted(platform: PlatformUnderTest, token: str, purpose: str) -> bool:
    """Return whether a purpose is permitted, as the customer reads it."""
    answer = await platform.query(READ_PERMISSIONS, token)
    (permitted,) = [
        permission["permitted"]
        for permission in answer["data"]["me"]["permissions"]
        if permission["purpose"]["key"] == purpose
    ]
    return bool(permitted)


async def create_agreeing_ann(platform: PlatformUnderTest) -> str:
    """Create Ann, who agreed to offers by e-mail, and return a token of hers."""
    await platform.send_messages(
        "web-shop", {**ANN, "timestamp": "2026-02-01T00:00:00Z", "context": YES_TO_EMAIL}
    )
    token = await platform.issue_customer_token("email", "ann@shop.example")
    assert await read_permitted(platform, token, EMAIL)
    return token


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"type": "track", "event": "Button Clicked"}, "EVENT_UNDECLARED"),
    (
        {"type": "track", "event": "Order Completed", "properties": {"order_id": "1", "total": "1,299.00"}},
        "TYPE_WRONG",
    ),
    ({"type": "track", "event": "Order Completed", "properties": {"total": 5}}, "PROPERTY_MISSING"),
    ({"type": "poke"}, "TYPE_UNSUPPORTED"),
    ({"type": "group", "groupId": ""}, "GROUP_ID_INVALID"),
    ({"type": "alias", "previousId": "[object Object]"}, "IDENTIFIER_BLOCKED"),
    ({"type": "identify", "timestamp": "noon"}, "TIMESTAMP_INVALID"),
    ({"type": "identify", "messageId": 7}, "MESSAGE_ID_INVALID"),
    ({"type": "identify", "traits": {"firstName": "x" * 40_000}}, "MESSAGE_TOO_LARGE"),
]


@pytest.mark.parametrize(("message", "code"), REFUSED, ids=[code for _, code in REFUSED])
async def test_a_no_in_a_refused_message_is_in_force(
    platform: PlatformUnderTest, message: dict[str, Any], code: str
) -> None:
    """The answer to the message says so."""
    token = await create_agreeing_ann(platform)
    refused = {"messageId": "r1", "userId": "w-1", **message, "context": NO_TO_EMAIL}
    (result,) = (await platform.send_messages("web-shop", refused))["results"]
    assert (result["status"], result["code"], result["statements"]) == ("refused", code, "accepted")
    assert not await read_permitted(platform, token, EMAIL)


@pytest.mark.parametrize("header", [{"sec-gpc": "1"}, {}])
async def test_an_opt_out_signal_of_a_refused_message_is_in_force(
    platform: PlatformUnderTest, header: dict[str, str]
) -> None:
    """As a header of the request, or in the context of the message."""
    await platform.send_messages(
        "web-shop", {**ANN, "traits": {**ANN["traits"], "address": {"country": "US", "region": "CA"}}}
    )
    token = await platform.issue_customer_token("email", "ann@shop.example")
    assert await read_permitted(platform, token, PARTNERS)
    refused = {"userId": "w-1", "event": "Button Clicked", "context": {} if header else {"gpc": True}}
    response = await platform.http.post(
        "/v1/track", json=refused, headers=header, auth=(platform.write_keys["web-shop"], "")
    )
    assert response.status_code == 400
    assert response.json()["results"][0]["statements"] == "accepted"
    assert not await read_permitted(platform, token, PARTNERS)


@pytest.mark.parametrize(
    "fault",
    [
        {"notice": {"version": "?"}},
        {"validUntil": "soon"},
        {"method": "telepathy"},
        {"purposes": {EMAIL: False, "espionage": True}},
    ],
)
async def test_a_no_needs_no_valid_proof(platform: PlatformUnderTest, fault: dict[str, Any]) -> None:
    token = await create_agreeing_ann(platform)
    body = {"userId": "w-1", "purposes": {EMAIL: False}, **fault}
    response = await platform.http.post("/v1/consent", json=body, auth=(platform.write_keys["web-shop"], ""))
    assert (response.status_code, response.json()["results"][0]["statements"]) == (400, "accepted")
    assert not await read_permitted(platform, token, EMAIL)


async def test_a_bad_value_beside_a_no_refuses_nothing(platform: PlatformUnderTest) -> None:
    token = await create_agreeing_ann(platform)
    traits = {"phone": "12", "birthday": "31.12.1990", "email": ""}
    message = {"type": "identify", "userId": "w-1", "traits": traits, "context": NO_TO_EMAIL}
    outcome = await platform.send_messages("web-shop", message)
    assert (outcome["accepted"], outcome["leftOut"]) == (1, 2)
    assert not await read_permitted(platform, token, EMAIL)


async def test_a_repetition_states_nothing_new_and_a_mended_message_is_accepted(
    platform: PlatformUnderTest,
) -> None:
    token = await create_agreeing_ann(platform)
    refused = {**MOON_LANDED, "userId": "w-1", "context": NO_TO_EMAIL}
    first, second = (await platform.send_messages("web-shop", refused, refused))["results"]
    assert [first["statements"], second["statements"]] == ["accepted", "duplicate"]
    history = await read_history(platform, token)
    mended = {**refused, "event": "Products Searched", "properties": {"query": "shoes"}}
    (result,) = (await platform.send_messages("web-shop", mended))["results"]
    assert (result["status"], "statements" in result) == ("accepted", False)
    assert (await platform.send_messages("web-shop", mended))["duplicate"] == 1
    assert await read_history(platform, token) == history
    assert not await read_permitted(platform, token, EMAIL)


async def test_a_replay_states_nothing_again(
    platform: PlatformUnderTest, database: Database, tmp_path: Path
) -> None:
    """What waits is the rest of the message; a later yes stays in force."""
    token = await create_agreeing_ann(platform)
    refused = {**MOON_LANDED, "userId": "w-1", "context": NO_TO_EMAIL}
    await platform.send_messages("web-shop", refused)
    assert [entry["count"] for entry in await read_counts(platform)] == [1]
    agree = {"type": "identify", "userId": "w-1", "messageId": "y1", "context": YES_TO_EMAIL}
    await platform.send_messages("web-shop", agree)
    history = await read_history(platform, token)
    async with open_corrected_platform(database, tmp_path) as corrected:
        assert (await replay_dead_letters(corrected))["taken"] == 1
        assert await read_history(corrected, token) == history
        assert await read_permitted(corrected, token, EMAIL)


async def test_a_statement_about_nobody_creates_nobody(platform: PlatformUnderTest) -> None:
    message = {
        "type": "track",
        "userId": "[object Object]",
        "event": "Button Clicked",
        "context": NO_TO_EMAIL,
    }
    (result,) = (await platform.send_messages("web-shop", message))["results"]
    assert (result["status"], "statements" in result) == ("refused", False)
    silent = {"type": "track", "userId": "u-7", "event": "Button Clicked"}
    (result,) = (await platform.send_messages("web-shop", silent))["results"]
    assert "statements" not in result
    assert await platform.internals.database.count("customers", {}) == 0
