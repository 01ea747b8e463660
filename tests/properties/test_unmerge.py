"""Merges are reversible (promise 7): merged and parted again is as if never merged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.fixtures.platform import House, open_house
from tests.properties.message_streams import USERS, Sent, streams
from tests.properties.random_population import CATALOGUE, empty, people, send
from tests.properties.settings import LAW, Loop

HISTORY = "{ customers(first: 50) { nodes { id identityHistory { nodes { id kind customers } } } } }"
UNMERGE = "mutation($merge: ID!) { unmerge(merge: $merge) { id } }"
MERGE = "mutation($ids: [ID!]!) { merge(customers: $ids) { id } }"


@pytest.fixture(scope="module")
def house(run: Loop, mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for all examples, emptied between them."""
    yield from run.enter(open_house(mongo_url, tmp_path_factory.mktemp("unmerge")))


async def act(house: House, query: str, **variables: Any) -> dict[str, Any]:
    """What the steward is answered."""
    answer = await house.ask(query, house.token("steward"), variables)
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


async def customers(house: House) -> list[dict[str, Any]]:
    """Everybody's id and history."""
    nodes: list[dict[str, Any]] = (await act(house, HISTORY))["customers"]["nodes"]
    return nodes


async def merges(house: House) -> list[dict[str, Any]]:
    """Every merge there was."""
    events = {
        event["id"]: event
        for one in await customers(house)
        for event in one["identityHistory"]["nodes"]
        if event["kind"] == "merged"
    }
    return list(events.values())


@given(sent=streams(8), later=streams(4), pick=st.randoms(use_true_random=False))
@settings(LAW, max_examples=10)
def test_a_stewards_merge_taken_back_leaves_no_trace(
    run: Loop, house: House, sent: list[Sent], later: list[Sent], pick: Any
) -> None:
    """Parted again they are who they were, and become who they would have become."""
    more = [(source, {**body, "messageId": f"later-{body['messageId']}"}) for source, body in later]

    async def never_merged() -> tuple[list[str], list[str]] | None:
        await empty(house)
        await send(house, sent)
        if len(await customers(house)) < 2:
            return None
        first, met = await people(house), len(await merges(house))
        await send(house, more)
        if len(await merges(house)) > met:
            return None
        return first, await people(house)

    async def merged_and_parted() -> tuple[list[str], list[str]]:
        await empty(house)
        await send(house, sent)
        ids = [one["id"] for one in await customers(house)]
        before = {one["id"] for one in await merges(house)}
        await act(house, MERGE, ids=pick.sample(ids, 2))
        assert len(await customers(house)) == len(ids) - 1
        (merge,) = [one for one in await merges(house) if one["id"] not in before]
        await act(house, UNMERGE, merge=merge["id"])
        assert {one["id"] for one in await customers(house)} == set(ids)
        first = await people(house)
        await send(house, more)
        return first, await people(house)

    found = run(never_merged())
    assume(found is not None)
    assert run(merged_and_parted()) == found


@given(sent=streams(8), pick=st.randoms(use_true_random=False))
@settings(LAW, max_examples=10)
def test_a_merge_by_evidence_taken_back_restores_both(
    run: Loop, house: House, sent: list[Sent], pick: Any
) -> None:
    """By an alias, which says nothing else: each is who they were, but for the name that remains named."""
    plain = [one for one in sent if one[1]["type"] != "alias"]
    known = {(source, body["userId"]) for source, body in plain if "userId" in body}
    named = {(CATALOGUE.sources[source].user_id, user) for source, user in known}
    pairs = [
        (source, user, former)
        for source, user in sorted(known)
        for former in USERS
        if former != user and (CATALOGUE.sources[source].user_id, former) in named
    ]
    assume(pairs)  # of anybody else an alias says nothing
    source, user, former = pick.choice(pairs)
    link = {"type": "alias", "messageId": "link", "userId": user, "previousId": former}

    async def merged_and_parted() -> bool:
        await empty(house)
        await send(house, plain)
        before, ids = await people(house, ""), {one["id"] for one in await customers(house)}
        met = {one["id"] for one in await merges(house)}
        await send(house, [(source, {**link, "timestamp": "2026-03-20T10:00:00Z"})])
        new = [one for one in await merges(house) if one["id"] not in met]
        for merge in new:
            await act(house, UNMERGE, merge=merge["id"])
        assert {one["id"] for one in await customers(house)} == ids
        assert await people(house, "") == before
        return bool(new)

    assume(run(merged_and_parted()))
