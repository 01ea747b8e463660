"""The queue before the database: bounded, fair, batched; one request's failure does not affect another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.catalogue.load import load_catalogue
from discretion.domain.ingest.message import ExternalIdentifier, Fact, IngestStatus, MessageOutcome
from discretion.domain.ingest.queue import MAX_OF_ONE_SOURCE, MAX_WAITING, IngestQueue
from discretion.errors import Broken, DiscretionError, TooMany, Unavailable
from discretion.seal.redacted import Redacted
from tests.fixtures.examples import scale_examples

SOURCES = load_catalogue(None).sources
PERSON = (ExternalIdentifier("user_id", Redacted("u")),)


def build_facts(source: str, *names: str) -> list[Fact]:
    """Build messages of a source with these ids."""
    return [Fact(SOURCES[source], name, 0, 0, PERSON) for name in names]


def repeat_fact(source: str, count: int) -> list[Fact]:
    """Build so many equal messages."""
    return build_facts(source, "m") * count


class RecordingStore:
    """A store that can be blocked, and that records which messages were written together."""

    def __init__(self, fail: Callable[[Sequence[str]], Exception | None] = lambda _: None) -> None:
        self.groups: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._fail = fail

    async def write_facts(self, facts: Sequence[Fact]) -> list[MessageOutcome]:
        """Write facts; return one outcome for each."""
        await self.gate.wait()
        names = [fact.message_id for fact in facts]
        self.groups.append(names)
        if (error := self._fail(names)) is not None:
            raise error
        return [MessageOutcome(name, IngestStatus.ACCEPTED) for name in names]


async def submit_facts(queue: IngestQueue, facts: list[Fact]) -> list[str] | str:
    """Submit facts; return the accepted ids, or the code of the error."""
    try:
        return [outcome.message_id for outcome in await queue.submit(facts)]
    except DiscretionError as error:
        return error.code


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(1, 7))
@settings(max_examples=scale_examples(60))
def test_each_request_gets_its_own_outcomes_in_order(sizes: list[int], group_size: int) -> None:
    """However requests are split and combined; no group exceeds its limit."""

    async def check_outcomes() -> None:
        store = RecordingStore()
        queue = IngestQueue(store.write_facts, group_size)
        sent = [[f"{number}-{index}" for index in range(size)] for number, size in enumerate(sizes)]
        answers = await asyncio.gather(*(submit_facts(queue, build_facts("tills", *names)) for names in sent))
        assert answers == sent
        assert sorted(name for group in store.groups for name in group) == sorted(
            name for names in sent for name in names
        )
        assert max(map(len, store.groups)) <= group_size

    asyncio.run(check_outcomes())


async def test_concurrent_requests_share_a_transaction() -> None:
    """The first is written alone; those that arrive meanwhile are written together."""
    store = RecordingStore()
    store.gate.clear()
    queue = IngestQueue(store.write_facts, 100)
    waiting = [
        asyncio.create_task(submit_facts(queue, build_facts("tills", str(number)))) for number in range(5)
    ]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.gate.set()
    await asyncio.gather(*waiting)
    assert [len(group) for group in store.groups] in ([5], [1, 4])


async def test_a_request_beyond_the_limits_is_refused_as_a_whole() -> None:
    """Each source has a limit, and all share a total; an empty queue accepts any request."""
    store = RecordingStore()
    store.gate.clear()
    queue = IngestQueue(store.write_facts, 100)
    first = asyncio.create_task(submit_facts(queue, repeat_fact("tills", MAX_OF_ONE_SOURCE)))
    await asyncio.sleep(0)
    with pytest.raises(TooMany) as source_refusal:
        await queue.submit(repeat_fact("tills", 1))
    assert source_refusal.value.code == "SOURCE_TOO_FAST"
    second = asyncio.create_task(
        submit_facts(queue, repeat_fact("web-shop", MAX_WAITING - MAX_OF_ONE_SOURCE))
    )
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as total_refusal:
        await queue.submit(repeat_fact("ios-app", 1))
    assert total_refusal.value.code == "INTAKE_FULL"
    store.gate.set()
    await asyncio.gather(first, second)
    assert await submit_facts(queue, build_facts("tills", "again")) == ["again"]
    assert await submit_facts(queue, repeat_fact("tills", MAX_WAITING + 1)) == ["m"] * (MAX_WAITING + 1)


async def test_a_failing_request_does_not_fail_its_group() -> None:
    """A failing group is split: only the request that causes the failure fails."""
    store = RecordingStore(lambda names: Broken("STORE_DOCUMENT_INVALID", "") if "bad" in names else None)
    store.gate.clear()
    queue = IngestQueue(store.write_facts, 100)
    waiting = [
        asyncio.create_task(submit_facts(queue, build_facts("tills", name)))
        for name in ("a", "bad", "b", "c")
    ]
    await asyncio.sleep(0)
    store.gate.set()
    assert await asyncio.gather(*waiting) == [["a"], "STORE_DOCUMENT_INVALID", ["b"], ["c"]]


async def test_an_unavailable_store_fails_the_group_and_the_next_is_tried() -> None:
    """No request waits for ever, and the rest of a failed request is not started."""
    errors = iter([Unavailable("STORE_UNAVAILABLE", ""), None, None])
    store = RecordingStore(lambda _: next(errors))
    queue = IngestQueue(store.write_facts, 2)
    long, short = build_facts("tills", "1", "2", "3", "4", "5"), build_facts("web-shop", "x")
    answers = list(await asyncio.gather(submit_facts(queue, long), submit_facts(queue, short)))
    assert answers == ["STORE_UNAVAILABLE", ["x"]]
    assert store.groups == [["1", "2"], ["x"]]


async def test_an_unexpected_error_is_reported_by_a_code_only() -> None:
    """Whatever a library raises, the sender receives a stable code."""
    store = RecordingStore(lambda _: ValueError("somebody's address"))
    assert await submit_facts(IngestQueue(store.write_facts, 9), build_facts("tills", "1")) == "INTAKE_BROKEN"


async def test_a_cancelled_request_frees_its_place_in_the_queue() -> None:
    """Its share is free again, the started write ends, and nothing more is started."""
    store = RecordingStore()
    store.gate.clear()
    queue = IngestQueue(store.write_facts, 100)
    first = asyncio.create_task(submit_facts(queue, repeat_fact("tills", MAX_OF_ONE_SOURCE)))
    await asyncio.sleep(0)
    second = asyncio.create_task(submit_facts(queue, repeat_fact("web-shop", 7)))
    await asyncio.sleep(0)
    for task in (first, second):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    store.gate.set()
    later_facts = [replace(fact, message_id="after") for fact in repeat_fact("tills", 3)]
    assert await submit_facts(queue, later_facts) == ["after"] * 3
    assert [len(group) for group in store.groups] == [100, 3]
