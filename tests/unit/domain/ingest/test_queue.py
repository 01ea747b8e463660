"""The queue before the store: bounded, fair, together; and one request's harm is not another's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.catalogue.load import load
from discretion.domain.ingest import queue as flow
from discretion.domain.ingest.message import Fact, Identifier, Outcome, Status
from discretion.domain.ingest.queue import Flow
from discretion.errors import Broken, DiscretionError, TooMany, Unavailable
from discretion.seal.redacted import Shut

SOURCES = load(None).sources
PERSON = (Identifier("user_id", Shut("u")),)


def facts(source: str, *names: str) -> list[Fact]:
    """Messages of a source, by their ids."""
    return [Fact(SOURCES[source], name, 0, 0, PERSON) for name in names]


def some(source: str, number: int) -> list[Fact]:
    """Many messages, all alike."""
    return facts(source, "m") * number


class Store:
    """Takes facts in when it is let, and remembers in which company each came."""

    def __init__(self, fail: Callable[[Sequence[str]], Exception | None] = lambda _: None) -> None:
        self.groups: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._fail = fail

    async def take(self, given_: Sequence[Fact]) -> list[Outcome]:
        """One outcome for each."""
        await self.gate.wait()
        names = [one.message for one in given_]
        self.groups.append(names)
        if (error := self._fail(names)) is not None:
            raise error
        return [Outcome(name, Status.ACCEPTED) for name in names]


async def told(queue: Flow, given_: list[Fact]) -> list[str] | str:
    """The ids taken in, or the code of what was said instead."""
    try:
        return [one.message for one in await queue.take(given_)]
    except DiscretionError as error:
        return error.code


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_everybody_gets_their_own_outcomes_in_their_order(sizes: list[int], together: int) -> None:
    """However requests are cut and put together; no group is larger than it may be."""

    async def law() -> None:
        store = Store()
        queue = Flow(store.take, together)
        sent = [[f"{number}-{n}" for n in range(size)] for number, size in enumerate(sizes)]
        answers = await asyncio.gather(*(told(queue, facts("tills", *names)) for names in sent))
        assert answers == sent
        assert sorted(name for group in store.groups for name in group) == sorted(
            name for names in sent for name in names
        )
        assert max(map(len, store.groups)) <= together

    asyncio.run(law())


async def test_requests_that_come_together_share_a_transaction() -> None:
    """The first goes alone; those that came meanwhile go with each other."""
    store = Store()
    store.gate.clear()
    queue = Flow(store.take, 100)
    waiting = [asyncio.create_task(told(queue, facts("tills", str(n)))) for n in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.gate.set()
    await asyncio.gather(*waiting)
    assert [len(group) for group in store.groups] in ([5], [1, 4])


async def test_who_finds_no_room_is_told_to_come_again_and_nothing_of_theirs_is_begun() -> None:
    """A source has its share, all have the whole; an empty queue takes any request."""
    store = Store()
    store.gate.clear()
    queue = Flow(store.take, 100)
    first = asyncio.create_task(told(queue, some("tills", flow.MAX_OF_ONE_SOURCE)))
    await asyncio.sleep(0)
    with pytest.raises(TooMany) as fast:
        await queue.take(some("tills", 1))
    assert fast.value.code == "SOURCE_TOO_FAST"
    second = asyncio.create_task(told(queue, some("web-shop", flow.MAX_WAITING - flow.MAX_OF_ONE_SOURCE)))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as full:
        await queue.take(some("ios-app", 1))
    assert full.value.code == "INTAKE_FULL"
    store.gate.set()
    await asyncio.gather(first, second)
    assert await told(queue, facts("tills", "again")) == ["again"]
    assert await told(queue, some("tills", flow.MAX_WAITING + 1)) == ["m"] * (flow.MAX_WAITING + 1)


async def test_what_one_brought_is_not_the_others_harm() -> None:
    """A group that breaks is taken apart: only the request that breaks it fails."""
    store = Store(lambda names: Broken("STORE_DOCUMENT_INVALID", "") if "bad" in names else None)
    store.gate.clear()
    queue = Flow(store.take, 100)
    waiting = [asyncio.create_task(told(queue, facts("tills", name))) for name in ("a", "bad", "b", "c")]
    await asyncio.sleep(0)
    store.gate.set()
    assert await asyncio.gather(*waiting) == [["a"], "STORE_DOCUMENT_INVALID", ["b"], ["c"]]


async def test_when_the_store_is_away_everybody_of_the_group_is_told_and_the_next_is_tried() -> None:
    """Nobody waits for ever, and the rest of a request that failed is not begun."""
    away = iter([Unavailable("STORE_UNAVAILABLE", ""), None, None])
    store = Store(lambda _: next(away))
    queue = Flow(store.take, 2)
    long, short = facts("tills", "1", "2", "3", "4", "5"), facts("web-shop", "x")
    answers = list(await asyncio.gather(told(queue, long), told(queue, short)))
    assert answers == ["STORE_UNAVAILABLE", ["x"]]
    assert store.groups == [["1", "2"], ["x"]]


async def test_an_unforeseen_error_says_no_more_than_its_code() -> None:
    """Whatever a library raises, the sender reads a code of ours."""
    store = Store(lambda _: ValueError("somebody's address"))
    assert await told(Flow(store.take, 9), facts("tills", "1")) == "INTAKE_BROKEN"


async def test_a_sender_who_hangs_up_leaves_no_trace_in_the_queue() -> None:
    """Their share is free again, what was begun ends, and nothing more is begun."""
    store = Store()
    store.gate.clear()
    queue = Flow(store.take, 100)
    gone = asyncio.create_task(told(queue, some("tills", flow.MAX_OF_ONE_SOURCE)))
    await asyncio.sleep(0)
    late = asyncio.create_task(told(queue, some("web-shop", 7)))
    await asyncio.sleep(0)
    for one in (gone, late):
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
    store.gate.set()
    next_ones = [replace(one, message="after") for one in some("tills", 3)]
    assert await told(queue, next_ones) == ["after"] * 3
    assert [len(group) for group in store.groups] == [100, 3]
