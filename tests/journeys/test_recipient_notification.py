"""Recipients are notified of erasure and correction, once and with their own ids (GDPR Art. 19)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from discretion.domain.recipients.delivery import (
    DAY_MS,
)
from discretion.domain.recipients.delivery_worker import LEASE_MS
from discretion.law.jurisdiction import Right
from discretion.store.deliveries import DeliveryState
from discretion.store.driver.database import Database, build_update
from discretion.store.people import PeopleStore
from discretion.store.subject_request import ErasureSnapshot, RequestScope
from tests.fixtures.mongo import CommandRecorder
from tests.journeys.recipient_notification import (
    EMAIL,
    PARTNER,
    READ_REGIONS,
    READ_TIERS,
    NotificationScenario,
    count_named_deliveries,
    open_scenario,
    read_notice,
)
from tests.unit.domain.kit.servers import OK, run_stub_server

MERGE = 'mutation($ids: [ID!]!) { merge(customers: $ids, reason: "D-17") { id } }'
FIND = f'{{ customer(identifier: {{type: "email", value: "{EMAIL}"}}) {{ id }} }}'


@pytest_asyncio.fixture
async def scenario(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> AsyncIterator[NotificationScenario]:
    """Yield a platform with one customer who consents to third-party advertising."""
    async with open_scenario(database, tmp_path, commands) as scenario:
        yield scenario


async def test_exactly_the_partners_in_the_ledger_are_notified(scenario: NotificationScenario) -> None:
    """The customer, the privacy office, the retailer's staff and other clients are not notified."""
    own_token = await scenario.platform.issue_customer_token("email", EMAIL)
    await scenario.platform.query("{ me { identity { givenName } contact { email } } }", own_token)
    # Not found by the address: that would be a disclosure of it to the app.
    (own,) = await scenario.query_customers("{ customers { nodes { id } } }", "somebody-elses-app", PARTNER)
    other_app_token = scenario.platform.issue_token(
        "customer", client="somebody-elses-app", subject=own["id"]
    )
    await scenario.platform.query("{ me { contact { email } } }", other_app_token)
    await scenario.platform.query(FIND, scenario.platform.issue_token("steward"))
    for role in ("frontend", "support", "marketing", "analytics"):
        await scenario.platform.query(
            "{ customers(first: 10) { nodes { id commerce { loyaltyTier } } } }",
            scenario.platform.issue_token(role),
        )
    await scenario.query_customers("{ customers(first: 10) { nodes { id } } }", "ids-only", PARTNER)
    (customer,) = await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    await scenario.query_customers(READ_REGIONS, "unknown-client", PARTNER)
    request = await scenario.create_request()
    assert await scenario.read_states(request) == {
        "ad-partner": DeliveryState.BY_HAND,
        "unknown-client": DeliveryState.BY_HAND,
    }
    first, second = await scenario.recipients.notifier.list_of_request(request)
    assert customer["commerce"]["loyaltyTier"] == "gold"
    assert (first.subjects, first.attributes) == ((customer["id"],), ("commerce.loyaltyTier",))
    assert second.attributes == ("contact.address.region",)
    assert first.subjects != second.subjects
    assert first.purposes == second.purposes == (PARTNER,)


@pytest.mark.parametrize(
    "arguments",
    [
        '(filter: {commerce: {loyaltyTier: {eq: "gold"}}})',
        '(filter: {none: [{commerce: {loyaltyTier: {eq: "silver"}}}]})',
        "(orderBy: {by: COMMERCE_LOYALTY_TIER})",
    ],
)
async def test_whoever_filtered_or_sorted_by_a_value_received_it(
    scenario: NotificationScenario, arguments: str
) -> None:
    """The answer has only ids, and says of each customer in it what their value is or how it compares."""
    query = f"{{ customers{arguments} {{ nodes {{ id }} }} }}"
    assert len(await scenario.query_customers(query, "ad-partner", PARTNER)) == 1
    request = await scenario.create_request()
    (delivery,) = await scenario.recipients.notifier.list_of_request(request)
    assert (delivery.client, delivery.attributes) == ("ad-partner", ("commerce.loyaltyTier",))


async def test_a_recipient_gets_a_signed_notice_with_its_own_id_of_the_customer(
    scenario: NotificationScenario,
) -> None:
    (customer,) = await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    async with run_stub_server(OK) as partner:
        await scenario.recipients.recipient_register.add(
            "ad-partner", f"http://127.0.0.1:{partner.port}/privacy"
        )
        request = await scenario.create_request()
        assert await scenario.read_outcome(request) is None
        assert await scenario.recipients.delivery_worker.run_once() == 1
        claims, headers = await read_notice(scenario, partner)
    assert headers["typ"] == "rights-notice+jwt"
    assert claims["sub"] == customer["id"]
    assert claims["exp"] > claims["iat"] == scenario.clock() // 1000
    assert claims["notice"]["right"] == "erasure"
    assert claims["notice"]["subjects"] == [customer["id"]]
    assert claims["notice"]["attributes"] == ["commerce.loyaltyTier"]
    scenario.clock.advance(2 * DAY_MS)
    assert await scenario.read_outcome(request) == {"told": 1, "by_hand": 0, "not_told": []}
    assert await count_named_deliveries(scenario) == 0


async def test_a_repeated_notification_step_sends_nothing_twice(scenario: NotificationScenario) -> None:
    """A step that crashed after its transaction and runs again adds no delivery and resets none."""
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    async with run_stub_server(OK) as partner:
        await scenario.recipients.recipient_register.add("ad-partner", f"http://127.0.0.1:{partner.port}/")
        request = await scenario.create_request()
        await scenario.recipients.delivery_worker.run_once()
        update = build_update({"_id": request}, {"$set": {"steps.0.state": "open", "next": scenario.clock()}})
        await scenario.database.bulk_write("requests", [update])
        await scenario.workflow_runner.run_due()
        assert await scenario.recipients.delivery_worker.run_once() == 0
        assert len(partner.requests) == 1
    assert await scenario.read_states(request) == {"ad-partner": DeliveryState.ACKNOWLEDGED}


async def test_two_processes_send_a_notice_once(scenario: NotificationScenario) -> None:
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    async with run_stub_server(OK, pause_s=0.05) as partner:
        await scenario.recipients.recipient_register.add("ad-partner", f"http://127.0.0.1:{partner.port}/")
        await scenario.create_request()
        deliver, now = scenario.recipients.delivery_worker, scenario.clock()
        assert len(await deliver.deliveries.take_due(now, now + LEASE_MS, limit=2)) == 1
        assert await deliver.deliveries.take_due(now, now + LEASE_MS, limit=2) == []
        await deliver.run_once()
        assert partner.requests == []
        scenario.clock.advance(LEASE_MS + 1)
        await deliver.run_once()
        assert len(partner.requests) == 1


async def test_notices_name_every_pseudonym_after_keys_are_destroyed(scenario: NotificationScenario) -> None:
    """Two profiles are merged and erased: the snapshot holds the partner's ids of both."""
    await scenario.platform.send_messages(
        "tills",
        {"type": "identify", "messageId": "m2", "userId": "card-7", "traits": {"loyaltyTier": "silver"}},
    )
    await scenario.platform.send_messages(
        "tills",
        {"type": "consent", "messageId": "m3", "userId": "card-7", "purposes": {PARTNER: True}},
    )
    ids_by_tier = {
        node["commerce"]["loyaltyTier"]: node["id"]
        for node in await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    }
    assert set(ids_by_tier) == {"gold", "silver"}
    merged_id = await merge_all(scenario)
    customer = await PeopleStore(scenario.database).current(merged_id)
    assert customer is not None
    names = await scenario.recipients.steps.names.read_names(customer)
    snapshot = ErasureSnapshot(taken_at=1, names=names)
    await scenario.database.delete_many("customers", {})
    request = await scenario.create_request(customer=merged_id, snapshot=snapshot)
    (delivery,) = await scenario.recipients.notifier.list_of_request(request)
    assert set(delivery.subjects) == set(ids_by_tier.values())


async def test_a_correction_notifies_only_recipients_of_the_corrected_attributes(
    scenario: NotificationScenario,
) -> None:
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    await scenario.query_customers(READ_REGIONS, "unknown-client", PARTNER)
    scope = RequestScope(attributes=("contact.address.region", "contact.phone"))
    request = await scenario.create_request(Right.CORRECTION, scope)
    (delivery,) = await scenario.recipients.notifier.list_of_request(request)
    assert (delivery.client, delivery.right, delivery.attributes) == (
        "unknown-client",
        "correction",
        ("contact.address.region",),
    )


async def merge_all(scenario: NotificationScenario) -> bytes:
    """Have a steward merge all customers; return the id of the merged one."""
    steward = scenario.platform.issue_token("steward", purposes=["essential"])
    answer = await scenario.platform.query("{ customers(first: 10) { nodes { id } } }", steward)
    ids = [node["id"] for node in answer["data"]["customers"]["nodes"]]
    merged = await scenario.platform.query(MERGE, steward, {"ids": ids})
    assert "errors" not in merged, merged
    return await scenario.find_customer()
