"""Joins by customers, beside each other and beside a steward."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from discretion.domain.identity.person_rewrite import PersonRewriter
from discretion.domain.identity.personal_joins import PersonalJoins, ProvenRecord
from discretion.domain.identity.stewardship import Stewardship
from discretion.errors import Conflict, DiscretionError, NotFound
from discretion.store.rulings import parse_ruling
from tests.fixtures.erasure_steps import BLIND
from tests.fixtures.platform import PlatformUnderTest


def find_rewriter(platform: PlatformUnderTest) -> PersonRewriter:
    """Return the rewriter of a platform."""
    return platform.internals.retention_sweep.rewriter


async def create_accounts(platform: PlatformUnderTest, *accounts: str) -> list[ProvenRecord]:
    """Create accounts; return their records."""
    messages: list[dict[str, Any]] = [
        {"type": "identify", "messageId": account, "userId": account, "traits": {"firstName": account}}
        for account in accounts
    ]
    await platform.send_messages("web-shop", *messages)
    proven = []
    for account in accounts:
        entry = BLIND.index("user_id", account)
        (identifier,) = await find_rewriter(platform).stores.identifiers.list_by_entries([entry])
        proven.append(ProvenRecord(identifier.records[0], entry))
    return proven


async def list_customers(platform: PlatformUnderTest, *proven: ProvenRecord) -> list[bytes]:
    """Return the customer of each record."""
    records = [each.record for each in proven]
    customers = await find_rewriter(platform).stores.source_records.find_customers(records)
    return [customers[record] for record in records]


async def test_a_join_is_stored_as_a_ruling_of_the_customer(platform: PlatformUnderTest) -> None:
    ann, anna = await create_accounts(platform, "w-ann", "w-anna")
    joined = await PersonalJoins(find_rewriter(platform)).join(ann, anna, "Both logins.")
    assert await list_customers(platform, ann, anna) == [joined, joined]
    document = await platform.internals.database.find_one("rulings", {})
    assert document is not None
    ruling = parse_ruling(document)
    assert (ruling.joined, ruling.by, ruling.reason) == (True, "customer", "Both logins.")
    assert ruling.records == {ann.record, anna.record}


async def test_parallel_joins_are_one(platform: PlatformUnderTest) -> None:
    """Of the same two logins, in both directions, and of a third one: one customer, and no error."""
    accounts = await create_accounts(platform, "w-1", "w-2", "w-3")
    joins = PersonalJoins(find_rewriter(platform))
    pairs = [(0, 1), (1, 0), (1, 2), (0, 2)]
    await asyncio.gather(
        *(joins.join(accounts[left], accounts[right], "Both logins.") for left, right in pairs)
    )
    assert len(set(await list_customers(platform, *accounts))) == 1


async def test_a_separation_is_obeyed_through_a_third_record(platform: PlatformUnderTest) -> None:
    """A steward separated 1 and 3; 1 joins 2, and then 2 may not join 3."""
    first, second, third = await create_accounts(platform, "w-1", "w-2", "w-3")
    rewriter = find_rewriter(platform)
    stewardship, joins = Stewardship(rewriter), PersonalJoins(rewriter)
    await stewardship.merge(await list_customers(platform, first, third), "steward:office", "D-1")
    merge = await platform.internals.database.find_one("identity_events", {"kind": "merged"})
    assert merge is not None
    await stewardship.unmerge(merge["_id"], "steward:office")
    await joins.join(first, second, "Both logins.")
    with pytest.raises(Conflict, match="not of one person") as refusal:
        await joins.join(second, third, "Both logins.")
    assert refusal.value.code == "JOIN_SEPARATED"
    customers = await list_customers(platform, first, second, third)
    assert customers[0] == customers[1] != customers[2]
    assert await platform.internals.database.count("rulings", {"joined": False}) == 1


async def test_a_join_beside_a_separation_is_never_both(platform: PlatformUnderTest) -> None:
    """Whichever is first, the two are separate at the end: the later join is refused, or undone."""
    ann, anna = await create_accounts(platform, "w-ann", "w-anna")
    rewriter = find_rewriter(platform)
    stewardship, joins = Stewardship(rewriter), PersonalJoins(rewriter)
    await joins.join(ann, anna, "Both logins.")
    merge = await platform.internals.database.find_one("identity_events", {"kind": "merged"})
    assert merge is not None
    outcomes = await asyncio.gather(
        stewardship.unmerge(merge["_id"], "steward:office"),
        *(joins.join(ann, anna, "Both logins.") for _ in range(5)),
        return_exceptions=True,
    )
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert {error.code for error in errors if isinstance(error, DiscretionError)} <= {"JOIN_SEPARATED"}
    assert len(set(await list_customers(platform, ann, anna))) == 2


async def test_a_record_that_is_gone_is_joined_to_nobody(platform: PlatformUnderTest) -> None:
    (ann,) = await create_accounts(platform, "w-ann")
    with pytest.raises(NotFound) as refusal:
        await PersonalJoins(find_rewriter(platform)).join(ann, ProvenRecord(b"gone", b"e"), "A code.")
    assert refusal.value.code == "RECORD_UNKNOWN"


async def test_a_browser_of_a_customer_with_an_account_joins_nobody_to_them(
    platform: PlatformUnderTest,
) -> None:
    """The record was attached to Ann's account after it had been asked for."""
    ann, mallory = await create_accounts(platform, "w-ann", "w-mallory")
    visit = {"type": "identify", "messageId": "visit", "userId": "w-ann", "anonymousId": "browser-1"}
    typed = {
        "type": "identify",
        "messageId": "typed",
        "anonymousId": "browser-1",
        "traits": {"firstName": "M"},
    }
    await platform.send_messages("web-shop", visit, typed)
    stores = find_rewriter(platform).stores
    (customer,) = await list_customers(platform, ann)
    attached = [
        each.id
        for each in await stores.source_records.list_identifiers(customer, ())
        if each.id != ann.record
    ]
    browser = ProvenRecord(attached[0], b"e")
    with pytest.raises(Conflict) as refusal:
        await PersonalJoins(find_rewriter(platform)).join(mallory, browser, "A code.")
    assert refusal.value.code == "RECORD_ATTACHED"
    assert len(set(await list_customers(platform, ann, mallory))) == 2
