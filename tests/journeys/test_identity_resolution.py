"""Identity resolution: records are joined by proofs, claims join nobody, and stewards decide."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.money import build_money
from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.proofs import add_external_id, build_card_confirmation, confirm_card, verify

WHOLE = """{ customers(first: 50) { nodes {
  id identity { givenName } contact { email } commerce { orderCount lifetimeValue { amount currency } }
  identifiers { type value sources assurance provenBy since }
  events { nodes { name properties } }
  identityHistory { nodes { id kind by customers evidence { type value source assurance } } }
} } }"""
UNMERGE = "mutation($merge: ID!) { unmerge(merge: $merge) { id identity { givenName } } }"
MERGE = 'mutation($ids: [ID!]!) { merge(customers: $ids, reason: "D-17") { id } }'


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


async def test_identifiers_are_shown_with_what_sources_are_certain_of(platform: PlatformUnderTest) -> None:
    """Who named each, who proved it and since when; the customer also sees the identity history."""
    account = build_identify("m1", "w-1", day=2, email="ann@shop.example")
    await platform.send_messages("web-shop", confirm_card(verify(account), "L-1"))
    await platform.send_messages("tills", build_identify("m2", "L-1", email="Ann@Shop.example"))
    (ann,) = await list_customers(platform)
    names = ("type", "value", "sources", "assurance", "provenBy", "since")
    assert sorted(tuple(identifier[name] for name in names) for identifier in ann["identifiers"]) == [
        (
            "email",
            "ann@shop.example",
            ["tills", "web-shop"],
            "PROVEN",
            ["web-shop"],
            "2026-03-02T10:00:00.000Z",
        ),
        ("loyalty_id", "L-1", ["tills", "web-shop"], "PROVEN", ["web-shop"], "2026-03-02T10:00:00.000Z"),
        ("user_id", "w-1", ["web-shop"], "PROVEN", ["web-shop"], "2026-03-02T10:00:00.000Z"),
    ]
    own_view = await platform.query(
        "{ me { identifiers { value } identityHistory { nodes { kind } } } }",
        await platform.issue_customer_token("email", "ann@shop.example"),
    )
    assert len(own_view["data"]["me"]["identifiers"]) == 3


async def test_a_merge_is_recorded_with_its_source_and_evidence(platform: PlatformUnderTest) -> None:
    """An account confirms a card; the identity history names the source, the evidence and its assurance."""
    await platform.send_messages("web-shop", build_identify("m1", "w-1", firstName="Ann"))
    await platform.send_messages("tills", build_identify("m2", "L-1", email="ann@shop.example"))
    ids_before = {customer["id"] for customer in await list_customers(platform)}
    await platform.send_messages("web-shop", build_card_confirmation("m3", "w-1", "L-1"))
    (ann,) = await list_customers(platform)
    (merge,) = ann["identityHistory"]["nodes"]
    assert (merge["kind"], merge["by"]) == ("merged", "source:web-shop")
    assert set(merge["customers"]) == ids_before
    assert merge["evidence"] == [
        {"type": "loyalty_id", "value": "L-1", "source": "web-shop", "assurance": "PROVEN"}
    ]


@pytest.mark.parametrize(
    "claim",
    [
        build_identify("m2", "attacker", email="ann@shop.example"),
        verify(build_identify("m2", "attacker", email="ann@shop.example")),
        add_external_id(build_identify("m2", "attacker"), "loyalty_id", "L-1"),
        add_external_id(build_identify("m2", "attacker"), "loyalty_id", "L-1", "presented"),
        add_external_id(build_identify("m2", "attacker"), "user_id", "ann"),
        {"type": "alias", "messageId": "m2", "userId": "attacker", "previousId": "ann"},
        {"type": "alias", "messageId": "m2", "userId": "attacker", "previousId": "ck-ann"},
        {**build_identify("m2", "attacker"), "anonymousId": "ck-ann", "timestamp": "2026-01-01T00:00:00Z"},
    ],
)
async def test_whoever_names_what_is_anns_is_another_customer(
    platform: PlatformUnderTest, claim: dict[str, Any]
) -> None:
    """An address, a card, an account, a browser, typed or held in the hand: Ann's records stay Ann's."""
    ann = verify(build_identify("m1", "ann", email="ann@shop.example"))
    await platform.send_messages("web-shop", {**confirm_card(ann, "L-1"), "anonymousId": "ck-ann"})
    await platform.send_messages("tills", build_order("o1", "L-1", 10))
    (before,) = await list_customers(platform)
    await platform.send_messages("web-shop", claim)
    customers = {customer["id"]: customer for customer in await list_customers(platform)}
    assert len(customers) == 2
    after = customers[before["id"]]
    assert after["commerce"] == before["commerce"]
    assert after["identifiers"] == before["identifiers"]


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
    """Even if both have confirmed it: an address joins no records with a number."""
    for number, (day, name) in enumerate(((1, "ann"), (2, "bob"))):
        account = build_identify(f"m{number}", name, day=day, firstName=name, email="family@home.example")
        await platform.send_messages("web-shop", verify(account))
    assert await list_account_numbers(platform) == [["ann"], ["bob"]]


async def test_a_shared_landline_joins_nobody(platform: PlatformUnderTest) -> None:
    """Of a couple, a relative who has confirmed it, a flatmate, and a browser in which it was typed."""
    landline = "+49 30 23125001"
    anna = build_identify("m1", "anna", firstName="Anna", birthday="1980-01-01", phone=landline)
    bernd = build_identify("m2", "L-2", firstName="Bernd", birthday="1975-05-05", phone="030 23125001")
    carl = build_identify("m3", "carl", firstName="Carl", phone="+49 (0)30 23125001")
    dora = build_identify("m4", "dora", firstName="Dora", phone=landline)
    browser = {**build_identify("m5", "", firstName="Eve", phone=landline), "anonymousId": "ck-1"}
    await platform.send_messages("web-shop", verify(anna), build_order("o1", "anna", 10), browser)
    bernd["traits"]["address"] = {"country": "DE"}
    await platform.send_messages("tills", bernd, build_order("o2", "L-2", 5))
    await platform.send_messages("ios-app", verify(carl), dora)
    orders = {
        customer["identity"]["givenName"]: (customer["commerce"]["orderCount"], len(customer["identifiers"]))
        for customer in await list_customers(platform)
    }
    assert orders == {"Anna": (1, 2), "Bernd": (1, 2), "Carl": (None, 2), "Dora": (None, 2), "Eve": (None, 2)}


async def test_a_device_shared_by_many_accounts_merges_nobody(platform: PlatformUnderTest) -> None:
    """What was done on it before the first login goes to the first account, and to nobody after a second."""
    await platform.send_messages("ios-app", {**build_order("o1", "", 10), "anonymousId": "tablet-7"})
    counts = []
    for number in range(7):
        login = {**build_identify(f"m{number}", f"a-{number}", day=number + 1), "anonymousId": "tablet-7"}
        await platform.send_messages("ios-app", login)
        counts.append(len(await list_customers(platform)))
    assert counts == [1, 3, 4, 5, 6, 7, 8]
    assert await list_account_numbers(platform) == [[], *([f"a-{number}"] for number in range(7))]


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
    await platform.send_messages("web-shop", build_card_confirmation("m3", "w-1", "L-1"))
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
    await platform.send_messages("web-shop", build_card_confirmation("m5", "w-1", "L-1"))
    await platform.send_messages("ios-app", build_card_confirmation("m6", "w-1", "L-1"))
    # The account still names the card, which belongs to the other customer.
    assert await list_account_numbers(platform) == [["L-1"], ["L-1", "w-1"]]
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
    """The app has the account's number and confirmed the card: the number is the stronger evidence."""
    await platform.send_messages("web-shop", build_identify("m1", "w-1"))
    await platform.send_messages("tills", build_order("o1", "L-1", 10))
    await platform.send_messages("ios-app", build_card_confirmation("m3", "w-1", "L-1"))
    (customer,) = await list_customers(platform)
    (merge,) = customer["identityHistory"]["nodes"]
    await run_steward_mutation(platform, UNMERGE, merge=merge["id"])
    customers = await list_customers(platform)
    assert sorted(customer["commerce"]["orderCount"] or 0 for customer in customers) == [0, 1]
    assert len(customers) == 2


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
        'mutation($ids: [ID!]!) { unmerge(merge: "x") { id } merge(customers: $ids, reason: "D-17") { id } }',
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
        ('mutation { merge(customers: ["x", "y"], reason: "why") { id } }', "CUSTOMER_NOT_FOUND"),
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


@pytest.mark.parametrize("reason", ["", "  ", "x", "x" * 501])
async def test_a_merge_without_a_reason_joins_nobody(platform: PlatformUnderTest, reason: str) -> None:
    steward = platform.issue_token("steward")
    for user in ("w-1", "w-2"):
        await platform.send_messages("web-shop", {"type": "identify", "messageId": user, "userId": user})
    ids = [
        node["id"]
        for node in (await platform.query("{ customers { nodes { id } } }", steward))["data"]["customers"][
            "nodes"
        ]
    ]
    query = "mutation($ids: [ID!]!, $r: String!) { merge(customers: $ids, reason: $r) { id } }"
    answer = await platform.query(query, steward, {"ids": ids, "r": reason})
    assert answer["errors"][0]["extensions"]["code"] == "MERGE_REASON"


async def test_the_reason_of_a_merge_is_in_the_history_that_the_customer_reads(
    platform: PlatformUnderTest,
) -> None:
    steward = platform.issue_token("steward")
    for user in ("w-1", "w-2"):
        await platform.send_messages("web-shop", {"type": "identify", "messageId": user, "userId": user})
    listed = await platform.query("{ customers { nodes { id } } }", steward)
    ids = [node["id"] for node in listed["data"]["customers"]["nodes"]]
    query = "mutation($ids: [ID!]!, $r: String!) { merge(customers: $ids, reason: $r) { id } }"
    assert "errors" not in await platform.query(query, steward, {"ids": ids, "r": " file 2026-17 "})
    token = platform.issue_token("customer", subject="w-1")
    answer = await platform.query("{ me { identityHistory { nodes { kind by reason } } } }", token)
    (event,) = answer["data"]["me"]["identityHistory"]["nodes"]
    assert (event["kind"], event["reason"]) == ("merged", "file 2026-17")
    assert event["by"].startswith("steward:")
