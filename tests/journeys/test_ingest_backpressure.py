"""More than can be taken in: a sender is told to come again, does, and everything is there once."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx

from tests.fixtures.platform import House

BATCHES, SIZE = 6, 1_500


def batch(number: int) -> list[dict[str, Any]]:
    """Page views of one person."""
    return [{"type": "page", "userId": f"u-{number}", "messageId": f"{number}-{n}"} for n in range(SIZE)]


async def send(house: House, source: str, messages: list[dict[str, Any]]) -> httpx.Response:
    """One request."""
    return await house.http.post("/v1/batch", json={"batch": messages}, auth=(house.keys[source], ""))


async def test_who_floods_is_told_to_wait_and_loses_nothing(house: House) -> None:
    """429 with the time to wait, and a code; others are taken in meanwhile; sent again, each counts once."""
    first = asyncio.gather(*(send(house, "web-shop", batch(number)) for number in range(BATCHES)))
    await asyncio.sleep(0)
    other = await send(house, "tills", [{"type": "identify", "userId": "L-1", "messageId": "t1"}])
    answers = await first
    assert other.json()["accepted"] == 1
    assert {one.status_code for one in answers} == {200, 429}
    for number, answer in enumerate(answers):
        if answer.status_code == 200:
            assert answer.json()["accepted"] == SIZE
            continue
        assert answer.json()["error"]["code"] == "SOURCE_TOO_FAST"
        assert int(answer.headers["retry-after"]) >= 1
        assert (await send(house, "web-shop", batch(number))).json()["accepted"] == SIZE
    kept = await house.platform.database.find("events", {}, {"record": 1})
    assert sorted(Counter(one["record"] for one in kept).values()) == [SIZE] * BATCHES
