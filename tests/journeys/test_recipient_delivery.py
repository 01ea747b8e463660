"""Deliveries to recipients (GDPR Art. 19): retries, acknowledgements and manual notification."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from discretion.domain.recipients.delivery import (
    DAY_MS,
    RETRY_PERIOD_MS,
    SUBJECTS_RETENTION_MS,
)
from discretion.store.deliveries import DeliveryState
from discretion.store.driver.database import Database
from tests.fixtures.mongo import CommandRecorder
from tests.journeys.recipient_notification import (
    EMAIL,
    PARTNER,
    READ_TIERS,
    UNAVAILABLE,
    NotificationScenario,
    count_named_deliveries,
    open_scenario,
    read_notice,
)
from tests.unit.domain.kit.servers import OK, run_stub_server

ACCEPTED_LATER = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"


@pytest_asyncio.fixture
async def scenario(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> AsyncIterator[NotificationScenario]:
    """Yield a platform with one customer who consents to third-party advertising."""
    async with open_scenario(database, tmp_path, commands) as scenario:
        yield scenario


async def test_an_unacknowledged_notice_is_retried_with_the_same_id_and_backoff(
    scenario: NotificationScenario,
) -> None:
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    async with run_stub_server(UNAVAILABLE) as partner:
        await scenario.recipients.recipient_register.add("ad-partner", f"http://127.0.0.1:{partner.port}/")
        request = await scenario.create_request()
        pauses = []
        for _ in range(6):
            assert await scenario.recipients.delivery_worker.run_once() == 1
            (delivery,) = await scenario.recipients.notifier.list_of_request(request)
            assert (delivery.state, delivery.failure) == (DeliveryState.OPEN, "HTTP_503")
            assert delivery.next_attempt is not None
            pauses.append(delivery.next_attempt - scenario.clock())
            assert await scenario.recipients.delivery_worker.run_once() == 0
            scenario.clock.advance(pauses[-1])
        assert all(
            minimum <= pause < 2 * minimum
            for pause, minimum in zip(pauses, (15_000 << attempt for attempt in range(6)), strict=True)
        )
        assert len({(await read_notice(scenario, partner, attempt))[0]["jti"] for attempt in range(6)}) == 1


async def test_after_the_last_retry_a_steward_takes_over_and_the_request_ends(
    scenario: NotificationScenario,
) -> None:
    """GDPR Art. 19 exempts impossible notifications: the result names the clients not notified."""
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    async with run_stub_server(UNAVAILABLE) as partner:
        await scenario.recipients.recipient_register.add("ad-partner", f"http://127.0.0.1:{partner.port}/")
        request = await scenario.create_request()
        for _ in range(40):
            scenario.clock.advance(DAY_MS // 2)
            await scenario.recipients.delivery_worker.run_once()
        assert len(partner.requests) < 60
    assert await scenario.read_states(request) == {"ad-partner": DeliveryState.STUCK}
    expected: dict[str, object] = {
        "told": 0,
        "by_hand": 0,
        "not_told": [{"client": "ad-partner", "why": "HTTP_503"}],
    }
    assert await scenario.read_outcome(request) == expected
    (delivery,) = await scenario.recipients.notifier.list_manual(10)
    acknowledged = await scenario.recipients.acknowledgements.record_by_steward(
        delivery.id, "steward:privacy-office", "By letter"
    )
    assert (acknowledged.state, acknowledged.acknowledged_by, acknowledged.subjects) == (
        DeliveryState.ACKNOWLEDGED,
        "steward:privacy-office",
        (),
    )
    assert (
        await scenario.recipients.acknowledgements.record_by_steward(delivery.id, "steward:another", "x")
        == acknowledged
    )


async def test_a_recipient_without_a_webhook_is_notified_manually_and_delays_nothing(
    scenario: NotificationScenario,
) -> None:
    (customer,) = await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    request = await scenario.create_request()
    assert await scenario.read_outcome(request) == {"told": 0, "by_hand": 1, "not_told": []}
    assert [delivery.subjects for delivery in await scenario.recipients.notifier.list_manual(10)] == [
        (customer["id"],)
    ]
    async with run_stub_server(OK) as partner:
        _, sent_count = await scenario.recipients.recipient_register.add(
            "ad-partner", f"http://127.0.0.1:{partner.port}/"
        )
        assert sent_count == 1
        await scenario.recipients.delivery_worker.run_once()
        assert (await read_notice(scenario, partner))[0]["sub"] == customer["id"]
    assert await scenario.read_states(request) == {"ad-partner": DeliveryState.ACKNOWLEDGED}


async def test_a_manual_delivery_expires_and_loses_its_customer_ids(scenario: NotificationScenario) -> None:
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    request = await scenario.create_request()
    scenario.clock.advance(SUBJECTS_RETENTION_MS - 1)
    await scenario.recipients.delivery_worker.run_once()
    assert await count_named_deliveries(scenario) == 1
    scenario.clock.advance(2)
    await scenario.recipients.delivery_worker.run_once()
    assert await scenario.read_states(request) == {"ad-partner": DeliveryState.EXPIRED}
    assert await count_named_deliveries(scenario) == 0


async def test_a_recipient_that_answers_202_is_reminded_until_it_acknowledges(
    scenario: NotificationScenario,
) -> None:
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    async with run_stub_server(ACCEPTED_LATER) as partner:
        await scenario.recipients.recipient_register.add("ad-partner", f"http://127.0.0.1:{partner.port}/")
        request = await scenario.create_request()
        await scenario.recipients.delivery_worker.run_once()
        assert await scenario.read_states(request) == {"ad-partner": DeliveryState.RECEIVED}
        assert await scenario.recipients.delivery_worker.run_once() == 0
        scenario.clock.advance(DAY_MS)
        assert await scenario.recipients.delivery_worker.run_once() == 1
        claims, _ = await read_notice(scenario, partner)
    assert await scenario.read_outcome(request) is None
    url, body = "/v1/recipients/acknowledgements", {"delivery": claims["jti"]}
    for status_expected, token in (
        (
            404,
            scenario.platform.issue_token(
                client="other-partner", subject="other-partner", purposes=[PARTNER]
            ),
        ),
        (403, await scenario.platform.issue_customer_token("email", EMAIL)),
        (401, None),
        (401, "not.a.token"),
    ):
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        assert (
            await scenario.platform.http.post(url, json=body, headers=headers)
        ).status_code == status_expected
    token = scenario.platform.issue_token(client="ad-partner", subject="ad-partner", purposes=[PARTNER])
    headers = {"authorization": f"Bearer {token}"}
    for wrong_body, status in (({}, 400), ({"delivery": "zz"}, 400), ({"delivery": "00" * 16}, 404)):
        assert (
            await scenario.platform.http.post(url, json=wrong_body, headers=headers)
        ).status_code == status
    first_answer = await scenario.platform.http.post(url, json=body, headers=headers)
    scenario.clock.advance(1000)
    repeated_answer = await scenario.platform.http.post(url, json=body, headers=headers)
    assert first_answer.status_code == repeated_answer.status_code == 200
    assert first_answer.json() == repeated_answer.json()
    scenario.clock.advance(DAY_MS)
    assert await scenario.read_outcome(request) == {"told": 1, "by_hand": 0, "not_told": []}
    assert await count_named_deliveries(scenario) == 0


async def test_a_removed_webhook_makes_its_deliveries_manual(scenario: NotificationScenario) -> None:
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    await scenario.recipients.recipient_register.add("ad-partner", "http://127.0.0.1:9/")
    request = await scenario.create_request()
    await scenario.recipients.recipient_register.remove("ad-partner")
    await scenario.recipients.delivery_worker.run_once()
    assert await scenario.read_states(request) == {"ad-partner": DeliveryState.BY_HAND}


@pytest.mark.parametrize("days", [1, 13])
async def test_a_request_waits_while_a_retry_is_left(scenario: NotificationScenario, days: int) -> None:
    await scenario.query_customers(READ_TIERS, "ad-partner", PARTNER)
    await scenario.recipients.recipient_register.add("ad-partner", "http://127.0.0.1:9/")
    request = await scenario.create_request()
    scenario.clock.advance(days * DAY_MS)
    await scenario.recipients.delivery_worker.run_once()
    assert days * DAY_MS < RETRY_PERIOD_MS
    assert await scenario.read_outcome(request) is None
