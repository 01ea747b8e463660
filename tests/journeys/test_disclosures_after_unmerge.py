"""Two people were taken for one customer: after they are separated, each sees who received their own data."""

from __future__ import annotations

from typing import Any

import bson
import pytest

from discretion.store.schema.collections import COLLECTIONS
from tests.fixtures.clock import Clock
from tests.fixtures.package import fetch_package, unpack
from tests.fixtures.platform import PlatformUnderTest
from tests.journeys.rights import ACCESS, ERASURE, PACKAGE, RESTRICTION, run_operation

PARTNER = "marketing.advertising.third_party.targeted"
HOUR_MS = 3_600_000
ANN: dict[str, Any] = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "traits": {
        "firstName": "Ann",
        "email": "ann@shop.example",
        "birthday": "1985-03-04",
        "loyaltyTier": "gold",
        "address": {"country": "DE"},
    },
    "context": {"consent": {"categoryPreferences": {PARTNER: True}}},
}
BEA: dict[str, Any] = {
    "type": "identify",
    "messageId": "a1",
    "userId": "a-1",
    "traits": {
        "firstName": "Bea",
        "phone": "+44 20 7946 0124",
        "birthday": "1985-03-04",
        "address": {"country": "DE", "state": "Bayern"},
    },
    "context": {"consent": {"categoryPreferences": {PARTNER: True}}},
}
EMAIL, PHONE = ("email", "ann@shop.example"), ("phone", "+442079460124")
ANN_ACCOUNT, BEA_ACCOUNT = "w-1", "a-1"
READ_CONTACT = (
    "query($t: String!, $v: String!) { customer(identifier: {type: $t, value: $v}) "
    "{ id identity { givenName } contact { email phone } } }"
)
READ_TIERS = "{ customers(first: 10) { nodes { id commerce { loyaltyTier } } } }"
READ_REGIONS = "{ customers(first: 10) { nodes { id contact { address { region } } } } }"
DISCLOSURES = (
    "query($first: Int, $after: String) { me { disclosures(first: $first, after: $after) { "
    "nodes { receipt client actor at purposes attributes forms also } "
    "pageInfo { hasNextPage endCursor } } } }"
)
READ_ORDERS = "{ customers(first: 10) { nodes { identity { givenName } commerce { orderCount } } } }"
DELIVERIES = (
    "{ recipientDeliveries(first: 10) { nodes { recipient right subjects attributes "
    "merged { subject since until } } } }"
)


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still until the test moves it."""
    return Clock("2026-11-02T10:00")


class MistakenMerge:
    """Ann and Bea, whom a steward merges and separates."""

    def __init__(self, platform: PlatformUnderTest, clock: Clock) -> None:
        self.platform = platform
        self.clock = clock
        self.merge_event = ""

    async def create_people(self) -> None:
        """Take in Ann first, so that the merged customer has her id."""
        await self.platform.send_messages("web-shop", ANN)
        self.clock.advance(HOUR_MS)
        await self.platform.send_messages("ios-app", BEA)
        self.clock.advance(HOUR_MS)

    async def run_as(self, role: str, query: str, **variables: Any) -> dict[str, Any]:
        """Run an operation as a role at the next hour; return its data."""
        self.clock.advance(HOUR_MS)
        token = self.platform.issue_token(role, authenticated=self.clock() // 1000)
        answer = await self.platform.query(query, token, variables)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def merge(self) -> None:
        """Have a steward merge both."""
        listed = await self.run_as("steward", "{ customers(first: 10) { nodes { id } } }")
        ids = [node["id"] for node in listed["customers"]["nodes"]]
        merged = await self.run_as(
            "steward",
            'mutation($ids: [ID!]!) { merge(customers: $ids, reason: "D-17") '
            "{ identityHistory { nodes { id kind } } } }",
            ids=ids,
        )
        self.merge_event = merged["merge"]["identityHistory"]["nodes"][0]["id"]

    async def unmerge(self) -> None:
        """Have a steward separate them."""
        await self.run_as("steward", "mutation($m: ID!) { unmerge(merge: $m) { id } }", m=self.merge_event)
        self.clock.advance(HOUR_MS)

    async def read_contact(self, identifier: tuple[str, str]) -> None:
        """Let the support desk read a customer's name and addresses."""
        data = await self.run_as("support", READ_CONTACT, t=identifier[0], v=identifier[1])
        assert data["customer"] is not None

    async def read_as_partner(self, query: str, client: str = "ad-partner") -> list[dict[str, Any]]:
        """Let a partner read what it may of all customers."""
        self.clock.advance(HOUR_MS)
        token = self.platform.issue_token(client=client, subject=client, purposes=[PARTNER])
        answer = await self.platform.query(query, token)
        assert "errors" not in answer, answer
        nodes: list[dict[str, Any]] = answer["data"]["customers"]["nodes"]
        return nodes

    def issue_own_token(self, account: str) -> str:
        """Return the token of a fresh login."""
        return self.platform.issue_token("customer", subject=account, authenticated=self.clock() // 1000)

    async def list_disclosures(self, account: str, client: str = "support-desk") -> list[dict[str, Any]]:
        """Return what a login reads of the disclosures to a client, newest first, and the pages agree."""
        token = self.issue_own_token(account)
        answer = await self.platform.query(DISCLOSURES, token, {"first": 100})
        nodes: list[dict[str, Any]] = answer["data"]["me"]["disclosures"]["nodes"]
        paged: list[dict[str, Any]] = []
        after = None
        while True:
            answer = await self.platform.query(DISCLOSURES, token, {"first": 2, "after": after})
            page = answer["data"]["me"]["disclosures"]
            paged += page["nodes"]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        # The reads themselves are on record by then.
        own = [node for node in paged if node["receipt"] in {each["receipt"] for each in nodes}]
        assert own == nodes
        return [node for node in nodes if node["client"] == client]

    async def list_attributes(self, account: str, client: str = "support-desk") -> list[list[str]]:
        """Return which attributes each disclosure to a client shows, newest first."""
        return [node["attributes"] for node in await self.list_disclosures(account, client)]

    async def erase(self, account: str) -> None:
        """Have a person erased and run the request to its end, as far as nobody has to wait."""
        answer = await run_operation(self.platform, self.issue_own_token(account), ERASURE)
        assert answer["reason"] is None, answer
        await self.platform.run_due_requests()

    async def list_deliveries(self, right: str = "erasure") -> dict[str, dict[str, Any]]:
        """Return by client what it is to be told."""
        data = await self.run_as("steward", DELIVERIES)
        return {
            node["recipient"]: node for node in data["recipientDeliveries"]["nodes"] if node["right"] == right
        }


@pytest.fixture
async def mistake(platform: PlatformUnderTest, clock: Clock) -> MistakenMerge:
    """Return Ann and Bea, who are merged."""
    mistake = MistakenMerge(platform, clock)
    await mistake.create_people()
    await mistake.read_contact(EMAIL)
    await mistake.merge()
    return mistake


async def test_each_part_sees_the_disclosures_of_the_merged_time(mistake: MistakenMerge) -> None:
    """Of its own attributes, and not which attributes of the other were read."""
    await mistake.read_contact(EMAIL)
    await mistake.unmerge()
    await mistake.read_contact(EMAIL)
    await mistake.read_contact(PHONE)
    ann, bea = await mistake.list_attributes(ANN_ACCOUNT), await mistake.list_attributes(BEA_ACCOUNT)
    own_of_ann = ["contact.email", "identity.givenName"]
    assert [sorted(attributes) for attributes in ann] == [own_of_ann] * 3
    own_of_bea = ["contact.phone", "identity.givenName"]
    assert [sorted(attributes) for attributes in bea] == [own_of_bea] * 2
    (_, merged_of_ann, _) = await mistake.list_disclosures(ANN_ACCOUNT)
    (_, merged_of_bea) = await mistake.list_disclosures(BEA_ACCOUNT)
    assert merged_of_ann["receipt"] == merged_of_bea["receipt"]
    # Whoever found the customer by the address of one says nothing about the other.
    assert (merged_of_ann["also"], merged_of_bea["also"]) == (["filter:contact.email"], [])


async def test_requests_of_the_merged_time_are_shown_to_neither(mistake: MistakenMerge) -> None:
    """Ann files one and opens her package: Bea does not learn of it, neither here nor in her package."""
    token = mistake.issue_own_token(ANN_ACCOUNT)
    request = await run_operation(mistake.platform, token, ACCESS)
    await mistake.platform.run_due_requests()
    await run_operation(mistake.platform, token, PACKAGE, id=request["id"])
    await mistake.unmerge()
    own = await mistake.list_disclosures(BEA_ACCOUNT, "customer-app")
    labels = {label for node in own for label in node["also"]}
    assert not labels & {"requests", "package_link"}, labels
    assert all(node["attributes"] or node["also"] for node in own[1:]), "no entry of that time is empty"


async def test_a_value_that_came_after_the_split_was_not_disclosed_before(mistake: MistakenMerge) -> None:
    await mistake.read_contact(EMAIL)
    await mistake.unmerge()
    await mistake.platform.send_messages(
        "ios-app", {**BEA, "messageId": "a2", "traits": {"email": "bea@shop.example"}}
    )
    (attributes,) = await mistake.list_attributes(BEA_ACCOUNT)
    assert "contact.email" not in attributes


async def test_every_merge_and_split_counts(mistake: MistakenMerge) -> None:
    """Merged, separated, merged and separated again: each sees both merged times, and nothing between."""
    await mistake.read_contact(PHONE)
    await mistake.unmerge()
    await mistake.read_contact(EMAIL)
    await mistake.merge()
    await mistake.read_contact(PHONE)
    merged = await mistake.list_attributes(BEA_ACCOUNT)
    assert [len(attributes) for attributes in merged] == [3, 2, 3, 2]
    await mistake.unmerge()
    ann, bea = await mistake.list_attributes(ANN_ACCOUNT), await mistake.list_attributes(BEA_ACCOUNT)
    assert len(ann) == 4
    assert len(bea) == 2
    assert not any("contact.phone" in attributes for attributes in ann)
    assert not any("contact.email" in attributes for attributes in bea)


async def test_a_value_that_came_between_two_merges_was_not_disclosed_before(
    mistake: MistakenMerge,
) -> None:
    """Bea's number was read in the first merged time; Ann gets one of her own after it."""
    await mistake.read_contact(PHONE)
    await mistake.unmerge()
    await mistake.platform.send_messages(
        "web-shop", {**ANN, "messageId": "w2", "traits": {"phone": "+44 20 7946 0999"}}
    )
    await mistake.merge()
    await mistake.unmerge()
    (merged, _) = await mistake.list_attributes(ANN_ACCOUNT)
    assert "contact.phone" not in merged


async def test_the_package_has_the_disclosures_of_the_merged_time(mistake: MistakenMerge) -> None:
    await mistake.read_contact(EMAIL)
    await mistake.unmerge()
    token = mistake.issue_own_token(BEA_ACCOUNT)
    request = await run_operation(mistake.platform, token, ACCESS)
    await mistake.platform.run_due_requests()
    link = await run_operation(mistake.platform, token, PACKAGE, id=request["id"])
    package = unpack((await fetch_package(mistake.platform, link["url"])).content)
    rows = [row for row in package.sections["disclosures"] if row["client"] == "support-desk"]
    assert [sorted(row["attributes"]) for row in rows] == [["contact.phone", "identity.givenName"]]


@pytest.mark.parametrize("account", [ANN_ACCOUNT, BEA_ACCOUNT])
async def test_whoever_received_data_is_notified_of_the_erasure_of_either_part(
    mistake: MistakenMerge, account: str
) -> None:
    """Of the part with the other's id, only the time and its own attributes are named."""
    (merged,) = await mistake.read_as_partner(READ_REGIONS)
    await mistake.unmerge()
    await mistake.erase(account)
    delivery = (await mistake.list_deliveries())["ad-partner"]
    assert delivery["attributes"] == ["contact.address.region"]
    if account == ANN_ACCOUNT:
        assert (delivery["subjects"], delivery["merged"]) == ([merged["id"]], [])
    else:
        assert delivery["subjects"] == []
        assert [item["subject"] for item in delivery["merged"]] == [merged["id"]]


async def test_a_recipient_of_the_others_data_only_is_not_notified(mistake: MistakenMerge) -> None:
    """A partner read the loyalty tier, which only Ann has."""
    await mistake.read_as_partner(READ_TIERS)
    await mistake.unmerge()
    await mistake.erase(BEA_ACCOUNT)
    assert await mistake.list_deliveries() == {}


async def test_recipients_of_the_merged_time_are_notified_of_a_restriction(mistake: MistakenMerge) -> None:
    await mistake.read_as_partner(READ_REGIONS)
    await mistake.unmerge()
    await run_operation(mistake.platform, mistake.issue_own_token(BEA_ACCOUNT), RESTRICTION)
    await mistake.platform.run_due_requests()
    assert (await mistake.list_deliveries("restriction")).keys() == {"ad-partner"}


async def test_the_other_part_sees_its_disclosures_after_an_erasure(mistake: MistakenMerge) -> None:
    """The key of the erased customer is destroyed, and no id of them is left with the other."""
    await mistake.read_contact(EMAIL)
    await mistake.read_as_partner(READ_REGIONS)
    await mistake.unmerge()
    before = await mistake.list_disclosures(BEA_ACCOUNT)
    await mistake.erase(ANN_ACCOUNT)
    assert len(before) == 1
    assert await mistake.list_disclosures(BEA_ACCOUNT) == before
    # Who was told to erase everything under Ann's id has nothing of Bea under it any more.
    await mistake.erase(BEA_ACCOUNT)
    assert await mistake.platform.internals.database.count("deliveries", {}) == 1
    assert await mistake.platform.internals.database.count("source_records", {}) == 0


async def test_no_pseudonym_is_stored_in_the_open_beside_the_ledger(mistake: MistakenMerge) -> None:
    """Whoever reads the database without the keys cannot link the ledger to a customer."""
    await mistake.read_contact(EMAIL)
    await mistake.unmerge()
    database = mistake.platform.internals.database
    pseudonyms = {entry["s"] for entry in await database.find("disclosures", {"s": {"$exists": True}})}
    assert pseudonyms
    for collection in COLLECTIONS:
        if collection.name not in {"disclosures", "ledger_postings"}:
            for document in await database.find(collection.name, {}):
                stored = bson.encode(document)
                assert not any(pseudonym in stored for pseudonym in pseudonyms), collection.name


async def test_a_record_that_leaves_by_evidence_takes_its_disclosures_along(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    """A tablet without a login is its only user's, until somebody else logs in on it: then it is nobody's."""
    mistake = MistakenMerge(platform, clock)
    tablet = {"messageId": "t1", "anonymousId": "tablet-7"}
    order = {"type": "track", "event": "Order Completed", "properties": {"orderId": "o1", "total": 10}}
    await platform.send_messages("ios-app", {**order, **tablet})
    first = {"type": "identify", "messageId": "m1", "userId": "a-1", "anonymousId": "tablet-7"}
    await mistake.run_as("steward", READ_ORDERS)
    clock.advance(1)
    await platform.send_messages("ios-app", {**first, "traits": {"firstName": "Kim"}})
    await mistake.run_as("steward", READ_ORDERS)
    await platform.send_messages("ios-app", {**first, "messageId": "m2", "userId": "a-2"})
    listed = await mistake.run_as(
        "steward",
        "{ customers(first: 10) { nodes { identifiers { type } "
        "disclosures(first: 10) { nodes { attributes } } } } }",
    )
    shown = [
        ("user_id" in {identifier["type"] for identifier in node["identifiers"]}, attributes)
        for node in listed["customers"]["nodes"]
        if (attributes := [entry["attributes"] for entry in node["disclosures"]["nodes"]])
    ]
    orders, name = ["commerce.orderCount"], ["identity.givenName"]
    assert sorted(shown) == [(False, [orders, orders]), (True, [name])]
