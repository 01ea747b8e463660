"""Sending seed messages: batches, rounds, retries and the count of outcomes."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.errors import Broken, Misconfigured, Unavailable
from discretion.seeding.message import SeedMessage
from discretion.seeding.send import MAX_BYTES, MAX_ITEMS, SeedingProgress, group_rounds, send_seed_messages
from tests.fixtures.waiting import WAIT_S

KEYS = {"web-shop": "key-of-web", "tills": "key-of-tills", "ios-app": "key-of-app"}

people = st.lists(
    st.lists(st.tuples(st.sampled_from(sorted(KEYS)), st.integers(0, 30_000)), max_size=20), max_size=12
)


def build_messages(lengths: list[list[tuple[str, int]]]) -> list[SeedMessage]:
    """Return the messages of people, each given as a list of sources and sizes."""
    return [
        SeedMessage(f"person {n}", source, {"messageId": f"{n}-{m}", "pad": "x" * size})
        for n, messages in enumerate(lengths)
        for m, (source, size) in enumerate(messages)
    ]


def build_single_messages(count: int) -> list[SeedMessage]:
    return [SeedMessage(f"person {n}", "tills", {"messageId": f"m{n}"}) for n in range(count)]


@given(people)
def test_every_message_is_sent_once_and_in_the_order_of_its_source(
    lengths: list[list[tuple[str, int]]],
) -> None:
    messages = build_messages(lengths)
    for source in KEYS:
        sent = [
            item
            for batches in group_rounds(messages)
            for batch in batches
            if batch.source == source
            for item in batch.items
        ]
        assert sent == [orjson.dumps(message.body) for message in messages if message.source == source]


@given(people)
def test_no_batch_is_over_a_limit(lengths: list[list[tuple[str, int]]]) -> None:
    for batch in (batch for batches in group_rounds(build_messages(lengths)) for batch in batches):
        assert 0 < len(batch.items) <= MAX_ITEMS
        assert len(batch.body) <= MAX_BYTES
        assert len(orjson.loads(batch.body)["batch"]) == len(batch.items)


@given(people)
def test_no_person_is_in_two_rounds(lengths: list[list[tuple[str, int]]]) -> None:
    """Two concurrent requests of different rounds therefore never concern the same person."""
    people_before: set[str] = set()
    for batches in group_rounds(build_messages(lengths)):
        people_in_round = {
            orjson.loads(item)["messageId"].split("-")[0] for batch in batches for item in batch.items
        }
        assert not people_in_round & people_before
        people_before |= people_in_round


def test_a_batch_has_at_most_five_hundred_messages() -> None:
    assert [
        len(batch.items) for batches in group_rounds(build_single_messages(1_001)) for batch in batches
    ] == [500, 500, 1]


class FakeTrackingApi:
    """A tracking API with scripted answers: an HTTP status, or the status of each message."""

    def __init__(self, *answers: int | str, retry_after: str | None = None) -> None:
        self.answers = list(answers)
        self.retry_after = retry_after
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else "accepted"
        if isinstance(answer, int):
            return httpx.Response(
                answer, headers={"retry-after": self.retry_after} if self.retry_after else {}
            )
        batch = orjson.loads(request.content)["batch"]
        results: list[dict[str, Any]] = [
            {"messageId": request["messageId"], "status": answer} for request in batch
        ]
        if answer == "refused":
            results = [{**request, "code": "TYPE_WRONG", "place": "traits.email"} for request in results]
        return httpx.Response(200, json={"results": results})


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses that were requested; none is actually taken."""
    requested_pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        requested_pauses.append(seconds)

    monkeypatch.setattr("discretion.seeding.send.asyncio.sleep", sleep)
    return requested_pauses


async def send_to(
    api: FakeTrackingApi, messages: list[SeedMessage], progress: Any = lambda _: None
) -> SeedingProgress:
    return await send_seed_messages(
        "http://shop.example", KEYS, messages, progress, transport=httpx.MockTransport(api)
    )


async def test_the_outcome_of_each_message_is_counted() -> None:
    api = FakeTrackingApi("accepted", "duplicate", "refused")
    totals: list[int] = []
    result = await send_to(api, build_single_messages(1_100), lambda so_far: totals.append(so_far.total))
    assert (result.accepted + result.duplicate + result.refused) == result.total == 1_100
    assert Counter(result.reasons) == {"TYPE_WRONG traits.email": result.refused}
    assert totals == sorted(totals)
    assert totals[-1] == 1_100


async def test_each_source_uses_its_own_write_key() -> None:
    api = FakeTrackingApi()
    await send_to(api, build_messages([[("tills", 1), ("web-shop", 1)]]))
    keys = [
        base64.b64decode(request.headers["authorization"].split()[1]).decode() for request in api.requests
    ]
    assert keys == ["key-of-tills:", "key-of-web:"]
    assert all(request.headers["prefer"] == "return=representation" for request in api.requests)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_platform_is_retried_after_the_time_it_states(status: int, pauses: list[float]) -> None:
    api = FakeTrackingApi(status, status, retry_after="2")
    assert (await send_to(api, build_single_messages(3))).accepted == 3
    assert pauses == [2, 2]


async def test_without_retry_after_pauses_double(pauses: list[float]) -> None:
    await send_to(FakeTrackingApi(503, 503, 503), build_single_messages(1))
    assert pauses == [0.25, 0.5, 1.0]


async def test_sending_stops_after_eight_failed_attempts(pauses: list[float]) -> None:
    with pytest.raises(Unavailable) as caught:
        await send_to(FakeTrackingApi(*[503] * 8), build_single_messages(1))
    assert caught.value.code == "SOWING_UNANSWERED"
    assert len(pauses) == 7


async def test_a_wrong_write_key_is_a_misconfiguration() -> None:
    with pytest.raises(Misconfigured, match="tills"):
        await send_to(FakeTrackingApi(401), build_single_messages(1))


async def test_a_refused_batch_is_not_sent_again() -> None:
    api = FakeTrackingApi(400)
    with pytest.raises(Broken):
        await send_to(api, build_single_messages(1))
    assert len(api.requests) == 1


async def test_at_most_three_requests_run_at_once() -> None:
    under_way = peak = 0
    three_started = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, peak
        under_way += 1
        peak = max(peak, under_way)
        if under_way == 3:
            three_started.set()
        await asyncio.wait_for(three_started.wait(), WAIT_S)
        await asyncio.sleep(0.01)  # a fourth request would start now
        under_way -= 1
        return FakeTrackingApi()(request)

    transport = httpx.MockTransport(answer)
    await send_seed_messages(
        "http://shop.example", KEYS, build_single_messages(5_000), lambda _: None, transport=transport
    )
    assert peak == 3
