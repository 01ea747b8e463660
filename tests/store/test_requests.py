"""A request is changed only as it was read, and a change of state ends the lease of its worker."""

from __future__ import annotations

from dataclasses import replace

import pytest
import pytest_asyncio

from discretion.store.driver.database import Database
from discretion.store.request_state import RequestState
from discretion.store.requests import RequestStore
from discretion.store.schema.apply import apply_schema
from discretion.store.subject_request import StepProgress
from discretion.store.transactions import TransactionAborted
from tests.fixtures.subject_request import build_accepted_request

REQUEST = b"r" * 16


@pytest_asyncio.fixture
async def requests(database: Database) -> RequestStore:
    """Return the repository with one request."""
    await apply_schema(database, [])
    store = RequestStore(database)
    await store.add(build_accepted_request(REQUEST, ["depart", "purge"]))
    return store


async def test_a_change_returns_the_request_as_it_is_stored(requests: RequestStore) -> None:
    (before,) = await requests.list_by_ids([REQUEST])
    warned = await requests.change(before, replace(before, warned=("week",)))
    assert await requests.find(REQUEST) == warned
    accepted = await requests.change(warned, replace(warned, state=RequestState.DELAYED, warned=()))
    assert await requests.find(REQUEST) == accepted
    assert (accepted.version, accepted.fence) == (3, 1)


async def test_a_change_of_an_older_version_is_aborted(requests: RequestStore) -> None:
    (before,) = await requests.list_by_ids([REQUEST])
    await requests.change(before, before)
    for late in (replace(before, due=9), replace(before, state=RequestState.WITHDRAWN)):
        with pytest.raises(TransactionAborted):
            await requests.change(before, late)


async def test_a_worker_keeps_what_others_changed_meanwhile(requests: RequestStore) -> None:
    leased = await requests.take(1, 2, REQUEST)
    assert leased is not None
    await requests.change(leased, replace(leased, warned=("week",)))
    assert await requests.save_progress(REQUEST, leased.fence, 3, StepProgress(receipt="t"), None)
    assert await requests.complete_step(REQUEST, leased.fence, 3, 0, {"found": True}, 2, None)
    (stored,) = await requests.list_by_ids([REQUEST])
    assert (stored.warned, stored.result.receipt, stored.lease_until) == (("week",), "t", 3)
    assert [(step.is_done, step.output) for step in stored.steps] == [(True, {"found": True}), (False, None)]


async def test_a_worker_writes_nothing_after_a_change_of_state(requests: RequestStore) -> None:
    leased = await requests.take(1, 2, REQUEST)
    assert leased is not None
    withdrawn = await requests.change(leased, replace(leased, state=RequestState.WITHDRAWN, next_run=None))
    assert not await requests.save_progress(REQUEST, leased.fence, 3, StepProgress(receipt="t"), None)
    assert not await requests.complete_step(REQUEST, leased.fence, 3, 0, {}, 2, None)
    assert not await requests.postpone_step(REQUEST, leased.fence, 0, 1, "AWAY", 9)
    assert not await requests.finish(leased, replace(leased, state=RequestState.FULFILLED))
    assert await requests.find(REQUEST) == withdrawn


async def test_a_request_that_cannot_be_read_holds_up_no_other(
    database: Database, requests: RequestStore
) -> None:
    """A later release may have written a state that this one does not know."""
    other = build_accepted_request(b"o" * 16, ["depart"])
    await requests.add(replace(other, due=5, proof_until=5))
    unknown = {"state": "unknown", "due": 4, "expires": 4}
    await database.update_one("requests", {"_id": REQUEST}, {"$set": unknown})
    for listed in (
        await requests.list_unwarned(9, "week", 2),
        await requests.list_expired(9, 2),
        await requests.take_due(9, 10, 2),
    ):
        assert [request.id for request in listed] == [other.id]
