"""Merges are reversible (promise 7): an unmerge restores the state without the merge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given, settings

from tests.fixtures.examples import scale_examples
from tests.fixtures.platform import PlatformUnderTest, open_platform
from tests.fixtures.proofs import build_card_confirmation
from tests.properties.message_streams import USERS, SentMessage, message_streams
from tests.properties.random_population import CATALOGUE, delete_everything, read_people, send_one_by_one
from tests.properties.settings import PROPERTY_SETTINGS, LoopRunner, seeded_randoms

HISTORY = "{ customers(first: 50) { nodes { id identityHistory { nodes { id kind customers } } } } }"
UNMERGE = "mutation($merge: ID!) { unmerge(merge: $merge) { id } }"
MERGE = 'mutation($ids: [ID!]!) { merge(customers: $ids, reason: "D-17", ownersInformed: true) { id } }'


@pytest.fixture(scope="module")
def platform(
    loop: LoopRunner, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlatformUnderTest]:
    """Yield one platform for all examples; each example empties it."""
    yield from loop.enter(open_platform(mongo_url, tmp_path_factory.mktemp("unmerge")))


async def run_as_steward(platform: PlatformUnderTest, query: str, **variables: Any) -> dict[str, Any]:
    """Run an operation as the steward; return its data."""
    answer = await platform.query(query, platform.issue_token("steward"), variables)
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


async def list_customers(platform: PlatformUnderTest) -> list[dict[str, Any]]:
    """Return id and identity history of all customers."""
    nodes: list[dict[str, Any]] = (await run_as_steward(platform, HISTORY))["customers"]["nodes"]
    return nodes


async def list_merges(platform: PlatformUnderTest) -> list[dict[str, Any]]:
    """Return the events of all merges."""
    events = {
        event["id"]: event
        for customer in await list_customers(platform)
        for event in customer["identityHistory"]["nodes"]
        if event["kind"] == "merged"
    }
    return list(events.values())


@given(sent=message_streams(8), later=message_streams(4), pick=seeded_randoms())
@settings(PROPERTY_SETTINGS, max_examples=scale_examples(10))
def test_an_unmerge_of_a_stewards_merge_restores_both_customers(
    loop: LoopRunner,
    platform: PlatformUnderTest,
    sent: list[SentMessage],
    later: list[SentMessage],
    pick: Any,
) -> None:
    """Both customers are as before, and later messages have the same effect as without the merge."""
    later_messages = [(source, {**body, "messageId": f"later-{body['messageId']}"}) for source, body in later]

    async def never_merged() -> tuple[list[str], list[str]] | None:
        await delete_everything(platform)
        await send_one_by_one(platform, sent)
        if len(await list_customers(platform)) < 2:
            return None
        first, merge_count = await read_people(platform), len(await list_merges(platform))
        await send_one_by_one(platform, later_messages)
        if len(await list_merges(platform)) > merge_count:
            return None
        return first, await read_people(platform)

    async def merged_and_parted() -> tuple[list[str], list[str]]:
        await delete_everything(platform)
        await send_one_by_one(platform, sent)
        ids = [node["id"] for node in await list_customers(platform)]
        before = {merge["id"] for merge in await list_merges(platform)}
        await run_as_steward(platform, MERGE, ids=pick.sample(ids, 2))
        assert len(await list_customers(platform)) == len(ids) - 1
        (merge,) = [merge for merge in await list_merges(platform) if merge["id"] not in before]
        await run_as_steward(platform, UNMERGE, merge=merge["id"])
        assert {node["id"] for node in await list_customers(platform)} == set(ids)
        first = await read_people(platform)
        await send_one_by_one(platform, later_messages)
        return first, await read_people(platform)

    expected = loop.run(never_merged())
    assume(expected is not None)
    assert loop.run(merged_and_parted()) == expected


@given(sent=message_streams(8), pick=seeded_randoms())
@settings(PROPERTY_SETTINGS, max_examples=scale_examples(10))
def test_an_unmerge_of_an_automatic_merge_restores_both_customers(
    loop: LoopRunner, platform: PlatformUnderTest, sent: list[SentMessage], pick: Any
) -> None:
    """An account confirms a card of the tills: both are as before, except for what the account names."""
    plain = [sent_message for sent_message in sent if sent_message[1]["type"] != "alias"]
    users = {(source, body["userId"]) for source, body in plain if "userId" in body}
    pairs = [
        (source, user, card)
        for source, user in sorted(users)
        for card in USERS
        if CATALOGUE.sources[source].user_id == "user_id" and ("tills", card) in users
    ]
    assume(pairs)  # a card links only if a till has scanned it
    source, user, card = pick.choice(pairs)
    link = build_card_confirmation("link", user, card)

    async def merged_and_parted() -> bool:
        await delete_everything(platform)
        await send_one_by_one(platform, plain)
        before, ids = await read_people(platform, ""), {node["id"] for node in await list_customers(platform)}
        earlier_merges = {merge["id"] for merge in await list_merges(platform)}
        await send_one_by_one(platform, [(source, {**link, "timestamp": "2026-03-20T10:00:00Z"})])
        new_merges = [merge for merge in await list_merges(platform) if merge["id"] not in earlier_merges]
        for merge in new_merges:
            await run_as_steward(platform, UNMERGE, merge=merge["id"])
        assert {node["id"] for node in await list_customers(platform)} == ids
        assert await read_people(platform, "") == before
        return bool(new_merges)

    assume(loop.run(merged_and_parted()))
