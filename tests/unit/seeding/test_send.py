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
from discretion.seeding.message import Message
from discretion.seeding.send import MAX_BYTES, MAX_ITEMS, Sown, rounds, sow

KEYS = {"web-shop": "key-of-web", "tills": "key-of-tills", "ios-app": "key-of-app"}

people = st.lists(
    st.lists(st.tuples(st.sampled_from(sorted(KEYS)), st.integers(0, 30_000)), max_size=20), max_size=12
)


def told(lengths: list[list[tuple[str, int]]]) -> list[Message]:
    """People with messages of these sources and sizes."""
    return [
        Message(f"person {n}", source, {"messageId": f"{n}-{m}", "pad": "x" * size})
        for n, messages in enumerate(lengths)
        for m, (source, size) in enumerate(messages)
    ]


def crowd(count: int) -> list[Message]:
    return [Message(f"person {n}", "tills", {"messageId": f"m{n}"}) for n in range(count)]


@given(people)
def test_every_message_is_sent_once_and_in_the_order_of_its_source(
    lengths: list[list[tuple[str, int]]],
) -> None:
    messages = told(lengths)
    for source in KEYS:
        sent = [
            item for r in rounds(messages) for batch in r if batch.source == source for item in batch.items
        ]
        assert sent == [orjson.dumps(message.body) for message in messages if message.source == source]


@given(people)
def test_no_batch_is_over_a_limit(lengths: list[list[tuple[str, int]]]) -> None:
    for batch in (batch for r in rounds(told(lengths)) for batch in r):
        assert 0 < len(batch.items) <= MAX_ITEMS
        assert len(batch.body) <= MAX_BYTES
        assert len(orjson.loads(batch.body)["batch"]) == len(batch.items)


@given(people)
def test_nobody_is_in_two_rounds(lengths: list[list[tuple[str, int]]]) -> None:
    """So rounds can be sent side by side without two requests about one person."""
    met: set[str] = set()
    for r in rounds(told(lengths)):
        inside = {orjson.loads(item)["messageId"].split("-")[0] for batch in r for item in batch.items}
        assert not inside & met
        met |= inside


def test_a_batch_takes_five_hundred_messages_and_not_more() -> None:
    assert [len(batch.items) for r in rounds(crowd(1_001)) for batch in r] == [500, 500, 1]


class Door:
    """A tracking API that answers as it is told: a status code, or what becomes of each message."""

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
        results: list[dict[str, Any]] = [{"messageId": one["messageId"], "status": answer} for one in batch]
        if answer == "refused":
            results = [{**one, "code": "TYPE_WRONG", "place": "traits.email"} for one in results]
        return httpx.Response(200, json={"results": results})


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses asked for, none taken."""
    asked: list[float] = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr("discretion.seeding.send.asyncio.sleep", sleep)
    return asked


async def through(door: Door, messages: list[Message], progress: Any = lambda _: None) -> Sown:
    return await sow("http://shop.example", KEYS, messages, progress, transport=httpx.MockTransport(door))


async def test_what_became_of_each_message_is_counted() -> None:
    door = Door("accepted", "duplicate", "refused")
    heard: list[int] = []
    sown = await through(door, crowd(1_100), lambda so_far: heard.append(so_far.total))
    assert (sown.accepted + sown.duplicate + sown.refused) == sown.total == 1_100
    assert Counter(sown.reasons) == {"TYPE_WRONG traits.email": sown.refused}
    assert heard == sorted(heard)
    assert heard[-1] == 1_100


async def test_each_source_shows_its_own_key() -> None:
    door = Door()
    await through(door, told([[("tills", 1), ("web-shop", 1)]]))
    keys = [base64.b64decode(one.headers["authorization"].split()[1]).decode() for one in door.requests]
    assert keys == ["key-of-tills:", "key-of-web:"]
    assert all(one.headers["prefer"] == "return=representation" for one in door.requests)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_platform_is_asked_again_when_it_says(status: int, pauses: list[float]) -> None:
    door = Door(status, status, retry_after="2")
    assert (await through(door, crowd(3))).accepted == 3
    assert pauses == [2, 2]


async def test_without_a_word_pauses_grow(pauses: list[float]) -> None:
    await through(Door(503, 503, 503), crowd(1))
    assert pauses == [0.25, 0.5, 1.0]


async def test_who_never_answers_is_given_up(pauses: list[float]) -> None:
    with pytest.raises(Unavailable) as caught:
        await through(Door(*[503] * 8), crowd(1))
    assert caught.value.code == "SOWING_UNANSWERED"
    assert len(pauses) == 7


async def test_a_wrong_key_is_the_operators_to_mend() -> None:
    with pytest.raises(Misconfigured, match="tills"):
        await through(Door(401), crowd(1))


async def test_a_refused_batch_is_not_sent_again() -> None:
    door = Door(400)
    with pytest.raises(Broken):
        await through(door, crowd(1))
    assert len(door.requests) == 1


async def test_three_requests_are_under_way_and_not_more() -> None:
    under_way = most = 0
    three = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == 3:
            three.set()
        await asyncio.wait_for(three.wait(), 20)
        await asyncio.sleep(0.01)  # time for a fourth
        under_way -= 1
        return Door()(request)

    transport = httpx.MockTransport(answer)
    await sow("http://shop.example", KEYS, crowd(5_000), lambda _: None, transport=transport)
    assert most == 3
