"""Backpressure: a source that sends too fast gets 429, sends again, and each event is stored exactly once."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx

from discretion.store.events import RECORD
from tests.fixtures.platform import PlatformUnderTest

BATCHES, SIZE = 6, 1_500


def build_batch(number: int) -> list[dict[str, Any]]:
    """Build the page views of one visitor."""
    return [
        {"type": "page", "userId": f"u-{number}", "messageId": f"{number}-{index}"} for index in range(SIZE)
    ]


async def send_batch(
    platform: PlatformUnderTest, source: str, messages: list[dict[str, Any]]
) -> httpx.Response:
    """Send one batch and return the response."""
    return await platform.http.post(
        "/v1/batch", json={"batch": messages}, auth=(platform.write_keys[source], "")
    )


async def test_a_source_that_sends_too_fast_gets_429_and_loses_nothing(platform: PlatformUnderTest) -> None:
    """A 429 has ``retry-after`` and a code; other sources are served; resent events are stored once."""
    first_round = asyncio.gather(
        *(send_batch(platform, "web-shop", build_batch(number)) for number in range(BATCHES))
    )
    await asyncio.sleep(0)
    other_response = await send_batch(
        platform, "tills", [{"type": "identify", "userId": "L-1", "messageId": "t1"}]
    )
    responses = await first_round
    assert other_response.json()["accepted"] == 1
    assert {response.status_code for response in responses} == {200, 429}
    for number, response in enumerate(responses):
        if response.status_code == 200:
            assert response.json()["accepted"] == SIZE
            continue
        assert response.json()["error"]["code"] == "SOURCE_TOO_FAST"
        assert int(response.headers["retry-after"]) >= 1
        assert (await send_batch(platform, "web-shop", build_batch(number))).json()["accepted"] == SIZE
    events = await platform.internals.database.find("events", {}, {RECORD: 1})
    assert sorted(Counter(event[RECORD] for event in events).values()) == [SIZE] * BATCHES
