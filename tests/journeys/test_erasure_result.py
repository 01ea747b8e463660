"""An erasure from its preview to the deletion of the last retained invoice, as permitted roles see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import pytest_asyncio

from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.money import build_money
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.journeys.rights import (
    ACCESS,
    ERASURE,
    LIST_OWN_REQUESTS,
    PACKAGE,
    PREVIEW,
    READ_REQUEST,
    issue_own_token,
    run_operation,
    run_refused_operation,
)
from tests.store.domain.erasure.test_profile_deletion import ANN, BOB, TILL, WEB_ID, build_order, build_view

EMAIL = "ann@shop.example"
RETAINED_DATA = "query($r: String!) { heldData(request: $r) { law why until items { type source values } } }"
FIND_CUSTOMER = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
ALL_CUSTOMERS = """{ customers(first: 50) { nodes {
  id identity { givenName } contact { email }
  events(first: 50) { nodes { name } } consents(first: 50) { nodes { id } } identifiers { type value }
} } }"""
INVOICE = {"order_id": "o1", "total": 12.5, "currency": "GBP"}


@pytest.fixture
def clock() -> Clock:
    """A clock later than today, so that MongoDB deletes nothing that has yet to expire."""
    return Clock("2027-01-12T10:00")


@pytest_asyncio.fixture
async def platform(
    database: Database, tmp_path: Path, commands: CommandRecorder, clock: Clock
) -> AsyncIterator[PlatformUnderTest]:
    test_platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    async with test_platform.http:
        yield test_platform


async def read_customers(platform: PlatformUnderTest) -> list[dict[str, Any]]:
    """Return all that a steward reads of all customers."""
    answer = await platform.query(ALL_CUSTOMERS, platform.issue_token("steward"))
    assert "errors" not in answer, answer
    nodes: list[dict[str, Any]] = answer["data"]["customers"]["nodes"]
    return nodes


async def preview_erasure(platform: PlatformUnderTest, token: str, **variables: Any) -> dict[str, Any]:
    """Return the preview of an erasure."""
    answer = await platform.query(PREVIEW, token, variables)
    assert "errors" not in answer, answer
    result: dict[str, Any] = answer["data"]["erasurePreview"]
    return result


async def erase_and_read_certificate(
    platform: PlatformUnderTest, email: str, scope: dict[str, str] | None = None
) -> dict[str, Any]:
    """Request and run the erasure of a customer, or of a scope, and return its decoded certificate."""
    token = await issue_own_token(platform, email)
    filed = await run_operation(platform, token, ERASURE, scope=scope)
    await platform.run_due_requests()
    request = await run_operation(platform, token, READ_REQUEST, id=filed["id"])
    assert request["state"] == "FULFILLED"
    certificate: dict[str, Any] = jwt.decode(
        request["result"]["certificate"], options={"verify_signature": False}
    )
    return certificate


async def test_an_invoice_is_retained_for_its_law_and_deleted_on_its_day(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    """The preview says so beforehand; afterwards only a steward reads it, for legal obligations."""
    await platform.send_messages("web-shop", ANN, BOB, build_order("o1", WEB_ID), build_view("v1", WEB_ID))
    erasure_preview = await preview_erasure(platform, await issue_own_token(platform, EMAIL))
    (retained_entry,) = erasure_preview["staying"]
    assert (retained_entry["what"], retained_entry["count"], retained_entry["law"]) == (
        "Order Completed",
        1,
        "gb",
    )
    assert retained_entry["why"]
    assert {"where": "events", "count": 2}.items() <= next(
        entry for entry in erasure_preview["going"] if entry["where"] == "events"
    ).items()
    certificate = await erase_and_read_certificate(platform, EMAIL)
    variables = {"r": certificate["jti"]}
    (retained_data,) = (await platform.query(RETAINED_DATA, platform.issue_token("steward"), variables))[
        "data"
    ]["heldData"]
    assert (retained_data["law"], retained_data["why"], retained_data["until"]) == (
        retained_entry["law"],
        retained_entry["why"],
        retained_entry["until"],
    )
    values = {**INVOICE, "total": build_money("12.50", "GBP")}
    assert retained_data["items"] == [{"type": "Order Completed", "source": "web-shop", "values": values}]
    assert [customer["identity"]["givenName"] for customer in await read_customers(platform)] == ["Bob"]
    assert "o1" not in str(await read_customers(platform))
    for token, code in (
        (platform.issue_token("support"), "STEWARD_ONLY"),
        (await issue_own_token(platform, "bob@shop.example"), "STEWARD_ONLY"),
        (platform.issue_token("steward", purposes=["analytics.reporting"]), "HELD_NOT_GRANTED"),
    ):
        assert await run_refused_operation(platform, token, RETAINED_DATA, **variables) == code
    clock.set(retained_entry["until"].removesuffix("Z"))
    clock.advance(-1)
    assert await platform.internals.erasure.retained_data_expiry.run() == 0
    clock.advance(1)
    assert await platform.internals.erasure.retained_data_expiry.run() == 1
    assert (await platform.query(RETAINED_DATA, platform.issue_token("steward"), variables))["data"][
        "heldData"
    ] == []


async def test_the_certificate_of_a_scope_names_attributes_as_the_preview_does(
    platform: PlatformUnderTest,
) -> None:
    """Whoever reads a certificate knows the paths of attributes, and not the numbers of the disk."""
    await platform.send_messages("web-shop", ANN, build_view("v1", WEB_ID))
    scope = {"channel": "web"}
    preview = await preview_erasure(platform, await issue_own_token(platform, EMAIL), scope=scope)
    certificate = await erase_and_read_certificate(platform, EMAIL, scope)
    assert certificate["deleted"]["values"] == {entry["what"]: entry["count"] for entry in preview["values"]}
    assert certificate["deleted"]["events"] == {"Product Viewed": 1}


async def test_an_erasure_preview_changes_nothing(
    platform: PlatformUnderTest,
) -> None:
    """For a scope it lists values and events; a steward's preview is in the customer's disclosures."""
    await platform.send_messages("web-shop", ANN, BOB, build_order("o1", WEB_ID), build_view("v1", WEB_ID))
    await platform.send_messages("tills", TILL)
    customers_before, token = await read_customers(platform), await issue_own_token(platform, EMAIL)
    full_preview = await preview_erasure(platform, token)
    assert (full_preview["scope"], full_preview["shared"]) == ("everything", 0)
    assert {entry["where"]: entry["count"] for entry in full_preview["going"]}["source_records"] == 2
    store_preview = await preview_erasure(platform, token, scope={"channel": "store"})
    assert (store_preview["scope"], store_preview["events"], store_preview["staying"]) == (
        "channel:store",
        [],
        [],
    )
    assert {entry["what"]: entry["count"] for entry in store_preview["values"]}["contact.email"] == 1
    behaviour_preview = await preview_erasure(platform, token, scope={"category": "user.behavior"})
    assert {entry["what"] for entry in behaviour_preview["events"]} == {"Order Completed", "Product Viewed"}
    assert await read_customers(platform) == customers_before
    steward = platform.issue_token("steward")
    customer_id = (await platform.query(FIND_CUSTOMER, steward, {"v": EMAIL}))["data"]["customer"]["id"]
    assert await preview_erasure(platform, steward, customer=customer_id) == full_preview
    answer = await platform.query("{ me { disclosures(first: 50) { nodes { client also } } } }", token)
    disclosures = answer["data"]["me"]["disclosures"]["nodes"]
    assert {"client": "privacy-office", "also": ["erasure_preview"]} in disclosures
    assert await run_refused_operation(platform, steward, PREVIEW) == "FOR_ARGUMENTS"
    assert (
        await run_refused_operation(platform, platform.issue_token("support"), PREVIEW, customer=customer_id)
        == "CUSTOMER_OR_STEWARD_ONLY"
    )
    assert await run_refused_operation(platform, token, PREVIEW, customer="another") == "FOR_ARGUMENTS"
    assert await run_refused_operation(platform, token, PREVIEW, scope={"channel": "moon"}) == "SCOPE_UNKNOWN"


async def test_two_merged_profiles_are_erased_completely(platform: PlatformUnderTest) -> None:
    """Neither id has data; access packages are deleted too, and late messages create no customer."""
    await platform.send_messages("web-shop", ANN, BOB, build_view("v1", WEB_ID))
    store_message = {**TILL, "userId": "L-2", "traits": {"email": "annie@home.example"}}
    await platform.send_messages("tills", store_message)
    token = await issue_own_token(platform, EMAIL)
    steward = platform.issue_token("steward")
    ids = [
        (await platform.query(FIND_CUSTOMER, steward, {"v": email}))["data"]["customer"]["id"]
        for email in (EMAIL, "annie@home.example")
    ]
    merge_answer = await platform.query(
        'mutation($i: [ID!]!) { merge(customers: $i, reason: "D-17") { id } }',
        steward,
        {"i": ids},
    )
    assert "errors" not in merge_answer, merge_answer
    access_request = await run_operation(platform, token, ACCESS)
    await platform.run_due_requests()
    assert "errors" not in await platform.query(PACKAGE, token, {"id": access_request["id"]})
    filed = await run_operation(platform, token, ERASURE)
    await platform.run_due_requests()
    assert (await run_operation(platform, token, READ_REQUEST, id=filed["id"]))["state"] == "FULFILLED"
    assert await run_refused_operation(platform, token, PACKAGE, id=access_request["id"]) in {
        "PACKAGE_GONE",
        "REQUEST_NOT_FOUND",
    }
    assert [customer["identity"]["givenName"] for customer in await read_customers(platform)] == ["Bob"]
    for email in (EMAIL, "annie@home.example"):
        assert (await platform.query(FIND_CUSTOMER, steward, {"v": email}))["data"]["customer"] is None
    late_messages = [build_view("v2", WEB_ID), {**ANN, "messageId": "w9"}]
    answer = await platform.send_messages("web-shop", *late_messages)
    assert [result["status"] for result in answer["results"]] == ["accepted"] * 2
    await platform.send_messages("tills", {**store_message, "messageId": "s9"})
    assert [customer["identity"]["givenName"] for customer in await read_customers(platform)] == ["Bob"]


async def test_a_returning_person_is_a_new_customer(platform: PlatformUnderTest, clock: Clock) -> None:
    """An enrolling event creates a customer with a new id and no history, whom the same login reaches."""
    await platform.send_messages("web-shop", ANN, build_order("o1", WEB_ID), build_view("v1", WEB_ID))
    old_token = await issue_own_token(platform, EMAIL)
    old_id = (await platform.query(FIND_CUSTOMER, platform.issue_token("steward"), {"v": EMAIL}))["data"][
        "customer"
    ]["id"]
    await erase_and_read_certificate(platform, EMAIL)
    clock.advance(1_800_000)
    await platform.send_messages("web-shop", {**ANN, "messageId": "w2", "timestamp": "2027-01-12T10:10:00Z"})
    assert await read_customers(platform) == []
    returning_order = build_order("o2", WEB_ID, "2027-01-12T10:20:00Z")
    await platform.send_messages(
        "web-shop", returning_order, {**ANN, "messageId": "w3", "timestamp": "2027-01-12T10:21:00Z"}
    )
    await platform.send_messages("web-shop", build_view("v9", WEB_ID))  # sent late, from before the erasure
    (customer,) = await read_customers(platform)
    assert customer["id"] != old_id
    assert [event["name"] for event in customer["events"]["nodes"]] == ["Order Completed"]
    assert customer["consents"]["nodes"] == []
    new_token = await issue_own_token(platform, EMAIL)
    of_old, of_new = [
        (await platform.query("{ me { id } }", token))["data"]["me"] for token in (old_token, new_token)
    ]
    assert of_old == of_new
    assert of_new is not None
    assert (await platform.query(LIST_OWN_REQUESTS, new_token))["data"]["me"]["rightsRequests"]["nodes"] == []
