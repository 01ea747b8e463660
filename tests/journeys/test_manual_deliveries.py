"""Recipients that a human has to tell: a steward lists them, tells them and proves it (GDPR Art. 19)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import pytest_asyncio

from discretion.domain.recipients.delivery import DAY_MS, RETRY_PERIOD_MS, SUBJECTS_RETENTION_MS
from discretion.reveal.forms import format_timestamp
from discretion.store.driver.database import Database
from tests.fixtures.mongo import CommandRecorder
from tests.journeys.recipient_notification import (
    EMAIL,
    PARTNER,
    READ_REGIONS,
    READ_TIERS,
    UNAVAILABLE,
    NotificationScenario,
    open_scenario,
)
from tests.journeys.rights import ERASURE, LIST_REQUESTS, RESTRICTION, issue_own_token, run_operation
from tests.unit.domain.kit.servers import run_stub_server

FIELDS = """id recipient recipientKey request right subjects attributes purposes state failure since dueAt
acknowledgedAt acknowledgedBy informedAt reason"""
LIST = f"""query($first: Int, $after: String) {{ recipientDeliveries(first: $first, after: $after) {{
  nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
ACKNOWLEDGE = f"""mutation($id: ID!, $reason: String!, $at: DateTime) {{
  acknowledgeDelivery(delivery: $id, reason: $reason, informedAt: $at) {{ {FIELDS} }} }}"""
REASON = "Letter of 2 November, receipt in file 4711"


@pytest_asyncio.fixture
async def scenario(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> AsyncIterator[NotificationScenario]:
    """Yield a platform with one customer who consents to third-party advertising."""
    async with open_scenario(database, tmp_path, commands) as scenario:
        yield scenario


async def erase_customer(scenario: NotificationScenario) -> None:
    """Have the only customer ask for the erasure of all their data, and run what is due."""
    token = await issue_own_token(scenario.platform, EMAIL)
    await run_operation(scenario.platform, token, ERASURE)
    await scenario.platform.run_due_requests()


async def list_deliveries(scenario: NotificationScenario, **variables: Any) -> dict[str, Any]:
    """Return a page of the deliveries that a steward sees."""
    answer = await scenario.platform.query(LIST, scenario.platform.issue_token("steward"), variables)
    assert "errors" not in answer, answer
    page: dict[str, Any] = answer["data"]["recipientDeliveries"]
    return page


async def acknowledge(
    scenario: NotificationScenario, delivery: str, token: str | None = None, **variables: Any
) -> dict[str, Any]:
    """Acknowledge a delivery and return the answer."""
    token = scenario.platform.issue_token("steward") if token is None else token
    return await scenario.platform.query(ACKNOWLEDGE, token, {"id": delivery, "reason": REASON, **variables})


async def read_certificate(scenario: NotificationScenario) -> dict[str, Any]:
    """Return the claims of the certificate of the only request, verified with the published keys."""
    answer = await scenario.platform.query(LIST_REQUESTS, scenario.platform.issue_token("steward"))
    (request,) = answer["data"]["rightsRequests"]["nodes"]
    certificate = request["result"]["certificate"]
    published = (await scenario.platform.http.get("/.well-known/jwks.json")).json()["keys"]
    (key,) = (jwt.PyJWK(key_document) for key_document in published)
    claims: dict[str, Any] = jwt.decode(
        certificate, key, ["EdDSA"], options={"verify_aud": False, "verify_iat": False}
    )
    return claims


async def test_a_steward_tells_a_recipient_and_the_certificate_says_so(
    scenario: NotificationScenario,
) -> None:
    (customer,) = await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    started_at = scenario.clock()
    await erase_customer(scenario)
    before = await read_certificate(scenario)
    assert before["recipients"] == {"told": 0, "by_hand": 1, "not_told": []}
    (delivery,) = (await list_deliveries(scenario))["nodes"]
    assert {name: delivery[name] for name in ("recipient", "right", "subjects", "attributes", "state")} == {
        "recipient": "ad-partner",
        "right": "erasure",
        "subjects": [customer["id"]],
        "attributes": ["commerce.loyaltyTier"],
        "state": "BY_HAND",
    }
    assert delivery["since"] == format_timestamp(started_at)
    assert delivery["dueAt"] == format_timestamp(started_at + SUBJECTS_RETENTION_MS)
    scenario.clock.advance(2 * DAY_MS)
    informed_at = format_timestamp(started_at + DAY_MS)
    answer = await acknowledge(scenario, delivery["id"], at=informed_at)
    acknowledged = answer["data"]["acknowledgeDelivery"]
    assert (acknowledged["state"], acknowledged["subjects"]) == ("ACKNOWLEDGED", [])
    assert (acknowledged["reason"], acknowledged["informedAt"]) == (REASON, informed_at)
    assert acknowledged["acknowledgedAt"] == format_timestamp(scenario.clock())
    assert acknowledged["acknowledgedBy"].startswith("steward:")
    assert (await list_deliveries(scenario))["nodes"] == []
    certificate = await read_certificate(scenario)
    assert certificate == {
        **before,
        "recipients": {"told": 1, "by_hand": 0, "not_told": []},
        "iat": scenario.clock() // 1000,
    }
    repeated = await acknowledge(scenario, delivery["id"], reason="another reason")
    assert repeated["data"]["acknowledgeDelivery"] == acknowledged


async def test_the_list_of_deliveries_is_on_record_and_has_pages(scenario: NotificationScenario) -> None:
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    await scenario.query_customers(READ_REGIONS, "unknown-client", PARTNER)
    await erase_customer(scenario)
    first = await list_deliveries(scenario, first=1)
    second = await list_deliveries(scenario, first=1, after=first["pageInfo"]["endCursor"])
    assert [page["pageInfo"]["hasNextPage"] for page in (first, second)] == [True, False]
    nodes = [*first["nodes"], *second["nodes"]]
    assert {node["recipient"]: node["recipientKey"] is None for node in nodes} == {
        "ad-partner": False,
        "unknown-client": True,
    }
    answer = await scenario.platform.query(LIST, scenario.platform.issue_token("steward"))
    assert answer["extensions"]["disclosure"]["receipt"]


async def test_only_a_steward_sees_and_acknowledges_deliveries(scenario: NotificationScenario) -> None:
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    own_token = await issue_own_token(scenario.platform, EMAIL)
    await erase_customer(scenario)
    (delivery,) = (await list_deliveries(scenario))["nodes"]
    partner = scenario.platform.issue_token(client="ad-partner", subject="ad-partner", purposes=[PARTNER])
    for token in (scenario.platform.issue_token("support"), own_token, partner):
        listed = await scenario.platform.query(LIST, token)
        refused = await acknowledge(scenario, delivery["id"], token)
        codes = [answer["errors"][0]["extensions"]["code"] for answer in (listed, refused)]
        assert codes == ["STEWARD_ONLY", "STEWARD_ONLY"]
    assert (await list_deliveries(scenario))["nodes"] == [delivery]


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"reason": " "}, "DELIVERY_REASON"),
        ({"reason": "x" * 501}, "DELIVERY_REASON"),
        ({"at": "2026-11-01T00:00:00Z"}, "DELIVERY_TIME"),
        ({"at": "2099-01-01T00:00:00Z"}, "DELIVERY_TIME"),
        ({"at": "yesterday"}, "DELIVERY_TIME"),
        ({"id": "nothing"}, "DELIVERY_NOT_FOUND"),
    ],
)
async def test_an_acknowledgement_without_proof_is_refused(
    scenario: NotificationScenario, variables: dict[str, str], code: str
) -> None:
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    await erase_customer(scenario)
    (delivery,) = (await list_deliveries(scenario))["nodes"]
    answer = await acknowledge(scenario, delivery["id"], **variables)
    assert answer["errors"][0]["extensions"]["code"] == code
    assert (await list_deliveries(scenario))["nodes"] == [delivery]


async def test_a_recipient_that_never_answers_is_left_to_a_steward(scenario: NotificationScenario) -> None:
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    async with run_stub_server(UNAVAILABLE) as partner:
        await scenario.recipients.recipient_register.add("ad-partner", f"http://127.0.0.1:{partner.port}/")
        await erase_customer(scenario)
        assert (await list_deliveries(scenario))["nodes"] == []
        scenario.clock.advance(RETRY_PERIOD_MS)
        await scenario.recipients.delivery_worker.run_once()
    await scenario.platform.run_due_requests()
    failures = [{"client": "ad-partner", "why": "HTTP_503"}]
    assert (await read_certificate(scenario))["recipients"]["not_told"] == failures
    (delivery,) = (await list_deliveries(scenario))["nodes"]
    assert (delivery["state"], delivery["failure"]) == ("STUCK", "HTTP_503")
    assert "errors" not in await acknowledge(scenario, delivery["id"])
    assert (await read_certificate(scenario))["recipients"] == {"told": 1, "by_hand": 0, "not_told": []}


async def test_a_delivery_does_not_lapse_unseen(
    scenario: NotificationScenario, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning a week and a day before; then it stays listed, without ids, until a steward acknowledges."""
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    await erase_customer(scenario)
    worker, lapses_at = scenario.recipients.delivery_worker, scenario.clock() + SUBJECTS_RETENTION_MS
    for days_left in (8, 7, 6, 1, 0):
        scenario.clock.advance(lapses_at - days_left * DAY_MS + 1 - scenario.clock())
        await worker.run_once()
        await worker.run_once()
    logged = [message for message in caplog.messages if "ad-partner" in message]
    assert ["lapses in" in message for message in logged] == [True, True, False]
    assert (await read_certificate(scenario))["recipients"]["not_told"] == [
        {"client": "ad-partner", "why": ""}
    ]
    (delivery,) = (await list_deliveries(scenario))["nodes"]
    assert (delivery["state"], delivery["subjects"]) == ("EXPIRED", [])
    answer = await acknowledge(scenario, delivery["id"], reason="The company was dissolved in October")
    assert answer["data"]["acknowledgeDelivery"]["state"] == "EXPIRED"
    assert (await list_deliveries(scenario))["nodes"] == []
    assert (await read_certificate(scenario))["recipients"]["told"] == 0


async def test_a_listed_customer_sees_who_listed_them(scenario: NotificationScenario) -> None:
    """After a restriction the customer still exists: the list of the steward is a disclosure about them."""
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    own_token = await issue_own_token(scenario.platform, EMAIL)
    await run_operation(scenario.platform, own_token, RESTRICTION)
    await scenario.platform.run_due_requests()
    (delivery,) = (await list_deliveries(scenario))["nodes"]
    assert delivery["right"] == "restriction"
    # A token without purposes reads no customer, and lists deliveries all the same.
    token = scenario.platform.issue_token(client="desk", scopes=["steward"], purposes=[])
    answer = await scenario.platform.query(LIST, token)
    assert len(answer["data"]["recipientDeliveries"]["nodes"]) == 1
    answer = await scenario.platform.query("{ me { disclosures { nodes { client also } } } }", own_token)
    disclosures = answer["data"]["me"]["disclosures"]["nodes"]
    # Both may be of the same millisecond, so their order is open.
    listed_by = {node["client"] for node in disclosures if node["also"] == ["deliveries"]}
    assert listed_by == {"desk", "privacy-office"}
