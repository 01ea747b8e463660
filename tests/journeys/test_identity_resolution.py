"""Identity resolution: merges on exact identifiers, safeguards against wrong merges, and stewards."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.money import build_money
from tests.fixtures.platform import PlatformUnderTest

WHOLE = """{ customers(first: 50) { nodes {
  id identity { givenName } contact { email } commerce { orderCount lifetimeValue { amount currency } }
  identifiers { type value sources firstNamedAt }
  events { nodes { name properties } }
  identityHistory { nodes { id kind by customers evidence { type value } } }
} } }"""
UNMERGE = "mutation($merge: ID!) { unmerge(merge: $merge) { id identity { givenName } } }"
MERGE = "mutation($ids: [ID!]!) { merge(customers: $ids) { id } }"


def build_identify(number: str, user: str, *, day: int = 1, **traits: Any) -> dict[str, Any]:
    """Build an ``identify`` message of a user."""
    stamp = f"2026-03-{day:02}T10:00:00Z"
    return {"type": "identify", "messageId": number, "userId": user, "timestamp": stamp, "traits": traits}


def build_alias(number: str, user: str, former: str, day: int = 20) -> dict[str, Any]:
    """Build an ``alias`` message: the source names the user's former identifier."""
    stamp = f"2026-03-{day:02}T10:00:00Z"
    identifiers = {"userId": user, "previousId": former}
    return {"type": "alias", "messageId": number, "timestamp": stamp, **identifiers}


def build_order(number: str, user: str, total: float) -> dict[str, Any]:
    """Build an ``Order Completed`` event."""
    properties = {"order_id": number, "total": total}
    message = {"type": "track", "event": "Order Completed", "messageId": number, "userId": user}
    return {**message, "properties": properties}


async def list_customers(platform: PlatformUnderTest) -> list[dict[str, Any]]:
    """Return all customers as the steward sees them."""
    token = platform.issue_token("steward", purposes=["essential"])
    answer = await platform.query(WHOLE, token)
    assert "errors" not in answer, answer
    nodes: list[dict[str, Any]] = answer["data"]["customers"]["nodes"]
    return nodes


async def run_steward_mutation(
    platform: PlatformUnderTest, mutation: str, **variables: Any
) -> dict[str, Any]:
    """Run a mutation with a steward's token and return the answer."""
    return await platform.query(mutation, platform.issue_token("steward", purposes=["essential"]), variables)


async def list_account_numbers(platform: PlatformUnderTest) -> list[list[str]]:
    """Return the account and loyalty card numbers of each customer, sorted."""
    numbers = [
        sorted(
            identifier["value"]
            for identifier in customer["identifiers"]
            if identifier["type"] in {"user_id", "loyalty_id"}
        )
        for customer in await list_customers(platform)
    ]
    return sorted(numbers)


async def test_identifiers_are_shown_with_the_sources_that_sent_them(platform: PlatformUnderTest) -> None:
    """Two sources sent the same address; the customer also sees the identifiers and the identity history."""
    await platform.send_messages("web-shop", build_identify("m1", "w-1", email="ann@shop.example"))
    await platform.send_messages("tills", build_identify("m2", "L-1", email="Ann@Shop.example"))
    (ann,) = await list_customers(platform)
    shown = [
        (identifier["type"], identifier["value"], identifier["sources"]) for identifier in ann["identifiers"]
    ]
    assert sorted(shown) == [
        ("email", "ann@shop.example", ["tills", "web-shop"]),
        ("loyalty_id", "L-1", ["tills"]),
        ("user_id", "w-1", ["web-shop"]),
    ]
    own_view = await platform.query(
        "{ me { identifiers { value } identityHistory { nodes { kind } } } }",
        await platform.issue_customer_token("email", "ann@shop.example"),
    )
    assert len(own_view["data"]["me"]["identifiers"]) == 3


async def test_a_merge_is_recorded_with_its_source_and_evidence(platform: PlatformUnderTest) -> None:
    """Two customers share an address; the identity history names the source and the evidence."""
    await platform.send_messages("web-shop", build_identify("m1", "w-1", firstName="Ann"))
    await platform.send_messages("tills", build_identify("m2", "L-1", email="ann@shop.example"))
    ids_before = {customer["id"] for customer in await list_customers(platform)}
    await platform.send_messages("web-shop", build_identify("m3", "w-1", email="ann@shop.example"))
    (ann,) = await list_customers(platform)
    (merge,) = ann["identityHistory"]["nodes"]
    assert (merge["kind"], merge["by"]) == ("merged", "source:web-shop")
    assert set(merge["customers"]) == ids_before
    assert {"type": "email", "value": "ann@shop.example"} in merge["evidence"]


@pytest.mark.parametrize(
    "traits",
    [
        {"email": "guest@shop.example"},
        {"email": "noreply@shop.example"},
        {"email": "anybody@example.com"},
        {"phone": "+44 0000000000"},
        {"phone": "+441111111111"},
    ],
)
async def test_placeholder_addresses_and_numbers_merge_nobody(
    platform: PlatformUnderTest, traits: dict[str, Any]
) -> None:
    """A placeholder address of a till or a number of zeros: the customers stay separate."""
    first = await platform.send_messages("web-shop", build_identify("m1", "w-1", **traits))
    await platform.send_messages("tills", build_identify("m2", "L-1", **traits))
    if first["results"][0]["status"] == "accepted":
        assert await list_account_numbers(platform) == [["L-1"], ["w-1"]]


@pytest.mark.parametrize("placeholder", ["0", "000", "null", "guest", "undefined", "anonymous"])
async def test_a_placeholder_user_id_is_refused(platform: PlatformUnderTest, placeholder: str) -> None:
    """The result of the message has the code IDENTIFIER_BLOCKED."""
    outcome = await platform.send_messages("web-shop", build_identify("m1", placeholder))
    assert outcome["results"][0]["code"] == "IDENTIFIER_BLOCKED"


async def test_two_accounts_with_one_address_stay_two_customers(platform: PlatformUnderTest) -> None:
    """A shared address is evidence only for the first account that sent it."""
    await platform.send_messages(
        "web-shop", build_identify("m1", "ann", day=1, firstName="Ann", email="family@home.example")
    )
    await platform.send_messages(
        "web-shop", build_identify("m2", "bob", day=2, firstName="Bob", email="family@home.example")
    )
    assert await list_account_numbers(platform) == [["ann"], ["bob"]]


async def test_a_device_shared_by_many_accounts_merges_nobody(platform: PlatformUnderTest) -> None:
    """An identifier that more than five accounts use is no evidence; merges that it caused are undone."""
    for number in range(7):
        person = build_identify(f"m{number}", f"L-{number}", day=number + 1)
        person["context"] = {"device": {"id": "tablet-7"}}
        await platform.send_messages("ios-app", {**person, "userId": f"a-{number}"})
    assert await list_account_numbers(platform) == [[f"a-{number}"] for number in range(7)]


async def test_an_alias_joins_what_the_browser_did_before(platform: PlatformUnderTest) -> None:
    """The former id is a browser's: its orders are the customer's; an alias of itself changes nothing."""
    await platform.send_messages("web-shop", build_order("o1", "b", 10))
    before = {**build_order("o2", "", 10), "anonymousId": "ck-a"}
    await platform.send_messages("web-shop", before)
    assert len(await list_customers(platform)) == 2
    await platform.send_messages("web-shop", build_alias("m1", "b", "ck-a"))
    (customer,) = await list_customers(platform)
    assert customer["commerce"] == {"orderCount": 2, "lifetimeValue": build_money("20.00")}
    await platform.send_messages("web-shop", build_alias("m2", "b", "b"))
    assert len(await list_customers(platform)) == 1


async def test_an_unmerge_restores_both_customers_and_keeps_them_apart(platform: PlatformUnderTest) -> None:
    """Orders, events, consent choices and ids are restored; the shared evidence does not merge them again."""
    yes = {"consent": {"categoryPreferences": {"marketing": True}}}
    no = {"consent": {"categoryPreferences": {"marketing": False}}}
    await platform.send_messages(
        "web-shop",
        {**build_identify("m1", "w-1", firstName="Ann"), "context": yes},
        build_order("o1", "w-1", 10),
    )
    await platform.send_messages(
        "tills", {**build_identify("m2", "L-1", firstName="Eve"), "context": no}, build_order("o2", "L-1", 5)
    )
    customers_before = await list_customers(platform)
    await platform.send_messages("web-shop", build_identify("m3", "w-1", email="ann@shop.example"))
    await platform.send_messages("tills", build_identify("m4", "L-1", email="ann@shop.example"))
    (customer,) = await list_customers(platform)
    (merge,) = customer["identityHistory"]["nodes"]
    answer = await run_steward_mutation(platform, UNMERGE, merge=merge["id"])
    assert {person["id"] for person in answer["data"]["unmerge"]} == {
        person["id"] for person in customers_before
    }
    customers_after = {person["id"]: person for person in await list_customers(platform)}
    for person in customers_before:
        for group in ("identity", "commerce", "events"):
            assert customers_after[person["id"]][group] == person[group]
        kinds = [event["kind"] for event in customers_after[person["id"]]["identityHistory"]["nodes"]]
        assert kinds == ["parted", "merged"]
    marketing = await platform.query("{ customers { nodes { id } } }", platform.issue_token("marketing"))
    assert len(marketing["data"]["customers"]["nodes"]) == 1
    await platform.send_messages("tills", build_identify("m5", "L-1", day=9, email="ann@shop.example"))
    await platform.send_messages("web-shop", build_identify("m6", "w-1", day=9, email="ann@shop.example"))
    assert await list_account_numbers(platform) == [["L-1"], ["w-1"]]
    repeated = await run_steward_mutation(platform, UNMERGE, merge=merge["id"])
    assert len(repeated["data"]["unmerge"]) == 2


async def test_the_latest_steward_decision_applies(platform: PlatformUnderTest) -> None:
    """A steward merges without evidence, unmerges and merges again; the old ids stay valid."""
    await platform.send_messages("web-shop", build_identify("m1", "w-1"))
    await platform.send_messages("tills", build_identify("m2", "L-1"))
    ids = [customer["id"] for customer in await list_customers(platform)]
    merged = await run_steward_mutation(platform, MERGE, ids=ids)
    assert merged["data"]["merge"]["id"] in ids
    assert await list_account_numbers(platform) == [["L-1", "w-1"]]
    (customer,) = await list_customers(platform)
    merge = customer["identityHistory"]["nodes"][0]
    assert merge["by"] == "steward:privacy-office"
    await run_steward_mutation(platform, UNMERGE, merge=merge["id"])
    assert await list_account_numbers(platform) == [["L-1"], ["w-1"]]
    await run_steward_mutation(platform, MERGE, ids=ids)
    assert await list_account_numbers(platform) == [["L-1", "w-1"]]
    repeated = await run_steward_mutation(platform, MERGE, ids=ids)
    assert repeated["errors"][0]["extensions"]["code"] == "MERGE_OF_ONE"


async def test_after_an_unmerge_a_linking_record_stays_with_its_stronger_evidence(
    platform: PlatformUnderTest,
) -> None:
    """A third record that linked both customers stays with the one that its stronger evidence supports."""
    await platform.send_messages("web-shop", build_identify("m1", "w-1", email="ann@shop.example"))
    await platform.send_messages("tills", build_identify("m2", "L-1", phone="+44 20 7946 0123"))
    await platform.send_messages(
        "ios-app", build_identify("m3", "a-1", email="ann@shop.example", phone="+44 20 7946 0123")
    )
    (customer,) = await list_customers(platform)
    (merge,) = customer["identityHistory"]["nodes"]
    await run_steward_mutation(platform, UNMERGE, merge=merge["id"])
    assert await list_account_numbers(platform) == [["L-1"], ["a-1", "w-1"]]


@pytest.mark.parametrize("role", ["frontend", "support", "marketing", "partner", "customer"])
async def test_only_a_steward_merges_and_unmerges(platform: PlatformUnderTest, role: str) -> None:
    """Every other role gets the code STEWARD_ONLY, and nothing changes."""
    await platform.send_messages("web-shop", build_identify("m1", "w-1", email="ann@shop.example"))
    await platform.send_messages("tills", build_identify("m2", "L-1"))
    token = (
        platform.issue_token(role)
        if role != "customer"
        else await platform.issue_customer_token("email", "ann@shop.example")
    )
    for mutation in (
        MERGE,
        'mutation($ids: [ID!]!) { unmerge(merge: "x") { id } merge(customers: $ids) { id } }',
    ):
        answer = await platform.query(mutation, token, {"ids": ["x", "y"]})
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"STEWARD_ONLY"}
    assert len(await list_customers(platform)) == 2


async def test_a_merge_without_a_token_is_refused(platform: PlatformUnderTest) -> None:
    """The code is TOKEN_MISSING."""
    answer = await platform.query(MERGE, None, {"ids": ["x", "y"]})
    assert answer["errors"][0]["extensions"]["code"] == "TOKEN_MISSING"


@pytest.mark.parametrize(
    ("mutation", "code"),
    [
        ('mutation { merge(customers: ["x", "y"]) { id } }', "CUSTOMER_NOT_FOUND"),
        ('mutation { unmerge(merge: "x") { id } }', "MERGE_NOT_FOUND"),
    ],
)
async def test_unknown_customers_and_merges_are_reported(
    platform: PlatformUnderTest, mutation: str, code: str
) -> None:
    """Ids that belong to no customer and a merge that does not exist."""
    answer = await run_steward_mutation(platform, mutation)
    assert answer["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize(
    ("role", "kinds"),
    [("support", {"email", "phone", "user_id"}), ("frontend", {"user_id"}), ("analytics", None)],
)
async def test_a_role_sees_identifiers_only_of_types_that_it_sees_in_clear(
    platform: PlatformUnderTest, role: str, kinds: set[str] | None
) -> None:
    """Support sees addresses, phone numbers and accounts but no cookies; analytics sees no identifiers."""
    person = build_identify("m1", "w-1", email="ann@shop.example", phone="+44 20 7946 0123", residence="GB")
    await platform.send_messages("web-shop", {**person, "anonymousId": "ck-1"})
    answer = await platform.query(
        "{ customers { nodes { identifiers { type value } } } }", platform.issue_token(role)
    )
    (ann,) = answer["data"]["customers"]["nodes"]
    if kinds is None:
        assert ann["identifiers"] is None
        assert answer["errors"][0]["extensions"]["code"] == "IDENTIFIERS_NOT_GRANTED"
    else:
        assert {identifier["type"] for identifier in ann["identifiers"]} == kinds
