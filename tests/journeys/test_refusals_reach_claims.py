"""An opt-out reaches records that only claim what the person has proven: at once, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.proofs import add_external_id
from tests.journeys.consent import EMAIL, OBJECT_TO, OPT_OUT, PARTNERS, SET_CONSENT, WITHDRAW_CONSENT, mutate
from tests.journeys.proven_customer import ANN, CARD, clock, open_platform_with_ann, send
from tests.journeys.rights import ERASURE, run_operation
from tests.journeys.rights import OPT_OUT as OPT_OUT_OF_SALE

__all__ = ["clock"]

STATISTICS = "analytics.reporting"
PERMISSIONS = "permissions { purpose { key } permitted why }"


@pytest_asyncio.fixture
async def platform(
    database: Database, tmp_path: Path, commands: CommandRecorder, clock: Clock
) -> AsyncIterator[PlatformUnderTest]:
    """A platform whose customer Ann has proven her address and her card, and has agreed to everything."""
    async with open_platform_with_ann(database, tmp_path, commands, clock) as test_platform:
        await send(test_platform, agree("w-ann"))
        clock.advance(60_000)
        yield test_platform


def build_message(user: str, email: str | None = None, **traits: Any) -> dict[str, Any]:
    """Return a message of an account, or of a browser whose id begins with ``ck``."""
    key = "anonymousId" if user.startswith("ck") else "userId"
    address = {} if email is None else {"email": email}
    traits = {"givenName": user, "address": {"country": "US", "state": "CA"}, **address, **traits}
    return {"type": "identify", key: user, "traits": traits}


def agree(user: str, purposes: dict[str, bool] | None = None) -> dict[str, Any]:
    """Return a message by which a source reports that somebody agrees."""
    key = "anonymousId" if user.startswith("ck") else "userId"
    return {"type": "consent", key: user, "purposes": purposes or {"marketing": True}}


async def read_permissions(platform: PlatformUnderTest, name: str) -> dict[str, tuple[bool, str]]:
    """Return what a steward reads of the permissions of the customer with this given name."""
    query = f"{{ customers(first: 50) {{ nodes {{ identity {{ givenName }} {PERMISSIONS} }} }} }}"
    answer = await platform.query(query, platform.issue_token("steward"))
    assert "errors" not in answer, answer
    (customer,) = [
        node for node in answer["data"]["customers"]["nodes"] if node["identity"]["givenName"] == name
    ]
    return {item["purpose"]["key"]: (item["permitted"], item["why"]) for item in customer["permissions"]}


async def list_marketable(platform: PlatformUnderTest) -> list[str]:
    """Return the names that marketing reads."""
    query = "{ customers(first: 50) { nodes { identity { givenName } } } }"
    answer = await platform.query(query, platform.issue_token("marketing"))
    names = [
        node["identity"] and node["identity"]["givenName"] for node in answer["data"]["customers"]["nodes"]
    ]
    return sorted(name for name in names if name)


async def withdraw(platform: PlatformUnderTest) -> None:
    """Withdraw all marketing as Ann."""
    await mutate(platform, await ann(platform), WITHDRAW_CONSENT, p=["marketing"])


async def lift(platform: PlatformUnderTest) -> None:
    """Agree to all marketing again as Ann."""
    await mutate(platform, await ann(platform), SET_CONSENT, p=[{"purpose": "marketing", "given": True}])


async def ann(platform: PlatformUnderTest) -> str:
    """Return a token of Ann's."""
    return await platform.issue_customer_token("user_id", "w-ann")


async def list_addresses(platform: PlatformUnderTest) -> list[str]:
    """Return the names whose address marketing reads, or one of whose identifiers is Ann's address."""
    fields = "identity { givenName } contact { email } identifiers { value }"
    query = f"{{ customers(first: 50) {{ nodes {{ {fields} }} }} }}"
    answer = await platform.query(query, platform.issue_token("marketing"))
    addresses_by_name = {
        node["identity"]["givenName"]: [
            node["contact"]["email"],
            *(item["value"] for item in node["identifiers"] if item["value"] == ANN),
        ]
        for node in answer["data"]["customers"]["nodes"]
        if node["identity"]
    }
    return sorted(name for name, addresses in addresses_by_name.items() if any(addresses))


async def test_a_withdrawal_reaches_claims_at_once_and_is_lifted_with_it(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    await send(platform, build_message("ck-1", ANN))
    await send(platform, agree("ck-1"))
    assert (await read_permissions(platform, "ck-1"))[EMAIL] == (True, "agreed")
    assert "ck-1" in await list_marketable(platform)
    await withdraw(platform)
    assert (await read_permissions(platform, "ck-1"))[EMAIL] == (False, "identifier_refused")
    assert "ck-1" not in await list_marketable(platform)
    clock.advance(60_000)
    await lift(platform)
    assert (await read_permissions(platform, "ck-1"))[EMAIL] == (True, "agreed")
    assert "ck-1" in await list_marketable(platform)


async def test_an_account_that_typed_her_address_does_not_agree_for_her(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    """Its own yes stands for what is its own; her address is not shown under it while she refuses."""
    await send(platform, build_message("w-evil", ANN.upper()))
    await send(platform, agree("w-evil"))
    assert await list_addresses(platform) == ["w-ann", "w-evil"]
    await withdraw(platform)
    assert (await read_permissions(platform, "w-evil"))[EMAIL] == (True, "agreed")
    assert await list_addresses(platform) == []
    clock.advance(60_000)
    await lift(platform)
    assert await list_addresses(platform) == ["w-ann", "w-evil"]


VOIDING: dict[str, list[dict[str, Any]]] = {
    "somebody types an address in her browser": [
        {**build_message("w-bob"), "anonymousId": "ck-9"},
        build_message("ck-9", ANN),
    ],
    "her account types a card that somebody has proven": [
        add_external_id(build_message("w-bob"), "loyalty_id", CARD)
    ],
    "many cookies type an address, then she does": [
        *(build_message(f"ck-{number}", "work@shop.example") for number in range(21)),
        build_message("w-bob", "work@shop.example"),
        {**build_message("w-bob"), "anonymousId": "ck-9"},
        build_message("ck-9", "work@shop.example"),
    ],
}


@pytest.mark.parametrize("story", VOIDING)
async def test_claims_void_nothing_that_a_login_agreed_to(platform: PlatformUnderTest, story: str) -> None:
    """Attack: what others type, prove and refuse makes a person's own yes count for nothing."""
    await send(platform, build_message("w-bob", "bob@shop.example", emailVerified=True))
    await send(platform, agree("w-bob"))
    before = await read_permissions(platform, "w-bob")
    for message in VOIDING[story]:
        await send(platform, message)
    await withdraw(platform)
    names = [node for node in await list_marketable(platform) if node in {"w-bob", "ck-9"}]
    assert names != []
    assert await read_permissions(platform, names[0]) == before


DOORS = ("mutation", "objection", "opt-out", "message", "repeated", "signal on the token", "signal of a page")


@pytest.mark.parametrize("door", DOORS)
async def test_every_way_to_refuse_reaches_claims(platform: PlatformUnderTest, door: str) -> None:
    """A refusal of statistics where an objection is the way; else of partners' advertising."""
    await send(platform, build_message("ck-1", ANN))
    await send(platform, agree("ck-1"))
    purpose = STATISTICS if door == "objection" else PARTNERS
    assert (await read_permissions(platform, "ck-1"))[purpose][0]
    token = await ann(platform)
    if door == "mutation":
        await mutate(platform, token, SET_CONSENT, p=[{"purpose": PARTNERS, "given": False}])
    elif door == "objection":
        await mutate(platform, token, OBJECT_TO, p=[STATISTICS])
    elif door == "opt-out":
        await mutate(platform, token, OPT_OUT)
    elif door == "message":
        await send(platform, agree("w-ann", {PARTNERS: False}))
    elif door == "repeated":
        context = {"consent": {"categoryPreferences": {PARTNERS: False}}}
        await send(platform, {"type": "page", "userId": "w-ann", "context": context})
    elif door == "signal on the token":
        headers = {"authorization": f"Bearer {token}", "sec-gpc": "1"}
        await platform.http.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)
    else:
        await send(platform, {"type": "page", "userId": "w-ann", "context": {"gpc": True}})
    assert (await read_permissions(platform, "ck-1"))[purpose] == (False, "identifier_refused")


@pytest.mark.parametrize("order", list(itertools.permutations(["claim", "agree", "withdraw"])))
async def test_the_order_makes_no_difference(platform: PlatformUnderTest, order: tuple[str, ...]) -> None:
    """A record that arrives while the refusal stands is reached as one that was there before."""
    for step in order:
        if step == "claim":
            await send(platform, build_message("ck-1", ANN))
        elif step == "agree":
            await send(platform, agree("ck-1"))
        else:
            await withdraw(platform)
    assert (await read_permissions(platform, "ck-1"))[EMAIL] == (False, "identifier_refused")


async def test_a_proof_after_the_refusal_reaches_the_claims(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    """Bea refuses, and proves her address later; until then somebody else may be its owner."""
    await send(platform, build_message("ck-1", "bea@shop.example"))
    await send(platform, agree("ck-1"))
    await send(platform, build_message("w-bea", "bea@shop.example"))
    await send(platform, agree("w-bea", {EMAIL: False}))
    assert (await read_permissions(platform, "ck-1"))[EMAIL] == (True, "agreed")
    clock.advance(60_000)
    await send(platform, build_message("w-bea", "bea@shop.example", emailVerified=True))
    assert (await read_permissions(platform, "ck-1"))[EMAIL] == (False, "identifier_refused")


async def test_whoever_typed_an_address_refuses_for_nobody(platform: PlatformUnderTest) -> None:
    """Attack: an account and a browser type Ann's address and refuse everything under it."""
    await send(platform, build_message("ck-2", ANN))
    await send(platform, agree("ck-2"))
    for name in ("w-evil", "ck-1"):
        await send(platform, build_message(name, ANN))
        await send(platform, agree(name, {"marketing": False}))
    token = await platform.issue_customer_token("user_id", "w-evil")
    await mutate(platform, token, WITHDRAW_CONSENT, p=["marketing"])
    for name in ("w-ann", "ck-2"):
        assert (await read_permissions(platform, name))[EMAIL] == (True, "agreed")


async def test_whoever_typed_an_address_learns_nothing_of_its_owner(platform: PlatformUnderTest) -> None:
    """Attack: an account types Ann's address, to read from its own permissions what she refuses."""
    await send(platform, build_message("w-evil", ANN))
    await send(platform, agree("w-evil"))
    token = await platform.issue_customer_token("user_id", "w-evil")
    before = await platform.query(f"{{ me {{ {PERMISSIONS} }} }}", token)
    await withdraw(platform)
    after = await platform.query(f"{{ me {{ {PERMISSIONS} }} }}", token)
    assert before["data"] == after["data"]


async def test_whoever_proves_or_replaces_the_address_is_not_reached(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    """A family shares a mailbox, and each decides for themselves; a typing error is corrected."""
    for name in ("w-bob", "ck-1"):
        await send(platform, build_message(name, ANN))
        await send(platform, agree(name))
    await withdraw(platform)
    assert await list_addresses(platform) == []
    assert (await read_permissions(platform, "ck-1"))[EMAIL] == (False, "identifier_refused")
    clock.advance(60_000)
    await send(platform, build_message("w-bob", ANN, emailVerified=True))
    await send(platform, build_message("ck-1", "cat@shop.example"))
    assert await list_addresses(platform) == ["w-bob"]
    assert (await read_permissions(platform, "ck-1"))[EMAIL] == (True, "agreed")
    clock.advance(60_000)
    await send(platform, build_message("ck-1", ANN))
    assert (await read_permissions(platform, "ck-1"))[EMAIL] == (False, "identifier_refused")


@pytest.mark.parametrize("first", ["b2a", "b2b"])
async def test_a_refusal_reaches_whoever_proves_the_same_address_without_a_login(
    platform: PlatformUnderTest, first: str
) -> None:
    """Two browsers confirm one mailbox in two spellings; its owner refused in one of them."""
    messages = {
        "b2a": ("web-shop", "k-1@bücher.example", False),
        "b2b": ("ios-app", "k-1@xn--bcher-kva.example", True),
    }
    for name in (first, *(messages.keys() - {first})):
        source, email, accepted = messages[name]
        traits = {"email": email, "emailVerified": True, "givenName": name}
        consent = {"categoryPreferences": {EMAIL: accepted}}
        message = {"type": "identify", "anonymousId": name, "traits": traits, "context": {"consent": consent}}
        await send(platform, message, source)
    assert not {"b2a", "b2b"} & set(await list_marketable(platform))
    assert (await read_permissions(platform, "b2b"))[EMAIL] == (False, "identifier_refused")


async def test_an_unmerge_brings_the_refusal_back(platform: PlatformUnderTest) -> None:
    """A steward takes a browser in which the address was typed for Ann's, and corrects the error."""
    await send(platform, build_message("ck-1", ANN))
    await send(platform, agree("ck-1"))
    await withdraw(platform)
    steward = platform.issue_token("steward")
    listed = await platform.query("{ customers { nodes { id } } }", steward)
    ids = [node["id"] for node in listed["data"]["customers"]["nodes"]]
    merge = (
        'mutation($i: [ID!]!) { merge(customers: $i, reason: "D-17", ownersInformed: true) '
        f"{{ {PERMISSIONS} identityHistory {{ nodes {{ id }} }} }} }}"
    )
    merged = (await platform.query(merge, steward, {"i": ids}))["data"]["merge"]
    assert ("refused", False) in {
        (item["why"], item["permitted"]) for item in merged["permissions"] if item["purpose"]["key"] == EMAIL
    }
    event = merged["identityHistory"]["nodes"][0]["id"]
    await platform.query("mutation($m: ID!) { unmerge(merge: $m) { id } }", steward, {"m": event})
    assert (await read_permissions(platform, "ck-1"))[EMAIL] == (False, "identifier_refused")


async def test_an_erasure_permits_nothing_new(platform: PlatformUnderTest, clock: Clock) -> None:
    """The identifier no longer names her refusal; who claimed her address is not written to after it."""
    await send(platform, build_message("ck-1", ANN))
    await send(platform, agree("ck-1"))
    await withdraw(platform)
    database = platform.internals.database
    assert await database.count("identifiers", {"refusals": {"$exists": True, "$ne": []}}) > 0
    token = platform.issue_token("customer", subject="w-ann", authenticated=clock() // 1000)
    answer = await platform.query(ERASURE, token)
    assert "errors" not in answer, answer
    await platform.run_due_requests()
    assert (await read_permissions(platform, "ck-1"))[EMAIL] == (False, "identifier_refused")
    assert await database.count("identifiers", {"refusals": {"$exists": True, "$ne": []}}) == 0


async def test_a_flood_of_claims_hides_none(platform: PlatformUnderTest) -> None:
    """Attack: browsers fill the list of claims, so that the refusal does not find the last one."""
    for number in range(25):
        await send(platform, build_message(f"ck-{number}", ANN))
        await send(platform, agree(f"ck-{number}"))
    await withdraw(platform)
    assert await list_marketable(platform) == []


async def test_an_opt_out_by_a_claimed_address_voids_nothing_that_a_login_agreed_to(
    platform: PlatformUnderTest,
) -> None:
    """Attack: Mallory types her address into Ann's account, and has an agent opt out by that address."""
    await send(platform, add_external_id(build_message("w-ann"), "email", "mallory@evil.example"))
    await send(platform, build_message("w-eve", "eve@shop.example"))
    agent = platform.issue_token(client="agent", subject="agent", scopes=["agent"], purposes=[])
    permitted = []
    for email in ("mallory@evil.example", "eve@shop.example", ANN):
        behalf = {"contact": {"type": "email", "value": email}, "requester": {"reference": "F-1"}}
        filed = await run_operation(platform, agent, OPT_OUT_OF_SALE, **{"for": behalf})
        assert filed["state"] == "FULFILLED"
        permissions = [await read_permissions(platform, name) for name in ("w-ann", "w-eve")]
        permitted.append([permission[PARTNERS][0] for permission in permissions])
    assert permitted[0] == [True, True], "Ann agreed herself"
    assert permitted[1] == [True, False], "Eve has not stated anything; an opt-out is in force at once"
    assert permitted[2] == [False, False], "Ann's own address is proven"
