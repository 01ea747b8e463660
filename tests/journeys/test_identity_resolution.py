"""Who is one person: by exact identifiers, protected from each other, and as stewards say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import House

WHOLE = """{ customers(first: 50) { nodes {
  id identity { givenName } contact { email } commerce { orderCount lifetimeValue }
  identifiers { type value sources firstNamedAt }
  events { nodes { name properties } }
  identityHistory { nodes { id kind by customers evidence { type value } } }
} } }"""
UNMERGE = "mutation($merge: ID!) { unmerge(merge: $merge) { id identity { givenName } } }"
MERGE = "mutation($ids: [ID!]!) { merge(customers: $ids) { id } }"


def told(number: str, user: str, *, day: int = 1, **traits: Any) -> dict[str, Any]:
    """A person tells of themselves."""
    stamp = f"2026-03-{day:02}T10:00:00Z"
    return {"type": "identify", "messageId": number, "userId": user, "timestamp": stamp, "traits": traits}


def alias(number: str, user: str, former: str, day: int = 20) -> dict[str, Any]:
    """A source says what a person was called before."""
    stamp = f"2026-03-{day:02}T10:00:00Z"
    named = {"userId": user, "previousId": former}
    return {"type": "alias", "messageId": number, "timestamp": stamp, **named}


def order(number: str, user: str, total: float) -> dict[str, Any]:
    """A purchase."""
    told_of = {"order_id": number, "total": total}
    sent = {"type": "track", "event": "Order Completed", "messageId": number, "userId": user}
    return {**sent, "properties": told_of}


async def everybody(house: House) -> list[dict[str, Any]]:
    """All there is, as the steward sees it."""
    token = house.token("steward", purposes=["essential"])
    answer = await house.ask(WHOLE, token)
    assert "errors" not in answer, answer
    nodes: list[dict[str, Any]] = answer["data"]["customers"]["nodes"]
    return nodes


async def act(house: House, mutation: str, **variables: Any) -> dict[str, Any]:
    """The steward says a word."""
    return await house.ask(mutation, house.token("steward", purposes=["essential"]), variables)


async def names(house: House) -> list[list[str]]:
    """The account and card numbers of each person."""
    found = [
        sorted(i["value"] for i in one["identifiers"] if i["type"] in {"user_id", "loyalty_id"})
        for one in await everybody(house)
    ]
    return sorted(found)


async def test_a_merge_says_who_when_and_on_which_evidence(house: House) -> None:
    """An address that two sources were given; the person sees their names and how they became one."""
    await house.tell("web-shop", told("m1", "w-1", email="ann@shop.example"))
    await house.tell("tills", told("m2", "L-1", email="Ann@Shop.example"))
    (ann,) = await everybody(house)
    shown = [(one["type"], one["value"], one["sources"]) for one in ann["identifiers"]]
    assert sorted(shown) == [
        ("email", "ann@shop.example", ["tills", "web-shop"]),
        ("loyalty_id", "L-1", ["tills"]),
        ("user_id", "w-1", ["web-shop"]),
    ]
    mine = await house.ask(
        "{ me { identifiers { value } identityHistory { nodes { kind } } } }",
        await house.own_token("email", "ann@shop.example"),
    )
    assert len(mine["data"]["me"]["identifiers"]) == 3


async def test_two_who_turn_out_to_be_one_are_a_merge_on_record(house: House) -> None:
    """Two customers meet by an address; the history has the source and the evidence."""
    await house.tell("web-shop", told("m1", "w-1", firstName="Ann"))
    await house.tell("tills", told("m2", "L-1", email="ann@shop.example"))
    before = {one["id"] for one in await everybody(house)}
    await house.tell("web-shop", told("m3", "w-1", email="ann@shop.example"))
    (ann,) = await everybody(house)
    (merge,) = ann["identityHistory"]["nodes"]
    assert (merge["kind"], merge["by"]) == ("merged", "source:web-shop")
    assert set(merge["customers"]) == before
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
async def test_what_is_nobodys_joins_nobody(house: House, traits: dict[str, Any]) -> None:
    """A till's stand-in address, a number of zeros: each customer stays their own."""
    first = await house.tell("web-shop", told("m1", "w-1", **traits))
    await house.tell("tills", told("m2", "L-1", **traits))
    if first["results"][0]["status"] == "accepted":
        assert await names(house) == [["L-1"], ["w-1"]]


@pytest.mark.parametrize("nobody", ["0", "000", "null", "guest", "undefined", "anonymous"])
async def test_an_id_that_is_nobodys_is_refused(house: House, nobody: str) -> None:
    """A message about nobody in particular is about nobody; the sender is told."""
    told_of = await house.tell("web-shop", told("m1", nobody))
    assert told_of["results"][0]["code"] == "IDENTIFIER_BLOCKED"


async def test_a_family_with_one_address_stays_two_people(house: House) -> None:
    """An account is one person's: the address is believed to be the first one's who gave it."""
    await house.tell("web-shop", told("m1", "ann", day=1, firstName="Ann", email="family@home.example"))
    await house.tell("web-shop", told("m2", "bob", day=2, firstName="Bob", email="family@home.example"))
    assert await names(house) == [["ann"], ["bob"]]


async def test_a_tablet_in_the_shop_does_not_merge_everybody(house: House) -> None:
    """A device that more than five name is nobody's, and those it had joined are parted again."""
    for number in range(7):
        person = told(f"m{number}", f"L-{number}", day=number + 1)
        person["context"] = {"device": {"id": "tablet-7"}}
        await house.tell("ios-app", {**person, "userId": f"a-{number}"})
    assert await names(house) == [[f"a-{number}"] for number in range(7)]


async def test_aliases_chain_and_may_go_in_circles(house: House) -> None:
    """c was b, b was a, and a was c: one person, with everything all of them did."""
    await house.tell("web-shop", *(order(f"o-{user}", user, 10) for user in "abc"))
    assert len(await everybody(house)) == 3
    await house.tell("web-shop", alias("m1", "b", "a"), alias("m2", "c", "b"))
    (one,) = await everybody(house)
    assert one["commerce"] == {"orderCount": 3, "lifetimeValue": 30.0}
    assert len(one["events"]["nodes"]) == 3
    await house.tell("web-shop", alias("m3", "a", "c"))
    assert len(await everybody(house)) == 1


async def test_unmerging_restores_both_and_keeps_them_apart(house: House) -> None:
    """Their orders, events, choices and ids; what they have in common does not join them again."""
    yes = {"consent": {"categoryPreferences": {"marketing": True}}}
    no = {"consent": {"categoryPreferences": {"marketing": False}}}
    await house.tell(
        "web-shop", {**told("m1", "w-1", firstName="Ann"), "context": yes}, order("o1", "w-1", 10)
    )
    await house.tell("tills", {**told("m2", "L-1", firstName="Eve"), "context": no}, order("o2", "L-1", 5))
    before = await everybody(house)
    await house.tell("web-shop", told("m3", "w-1", email="ann@shop.example"))
    await house.tell("tills", told("m4", "L-1", email="ann@shop.example"))
    (one,) = await everybody(house)
    (merge,) = one["identityHistory"]["nodes"]
    parted = await act(house, UNMERGE, merge=merge["id"])
    assert {person["id"] for person in parted["data"]["unmerge"]} == {person["id"] for person in before}
    after = {person["id"]: person for person in await everybody(house)}
    for person in before:
        for group in ("identity", "commerce", "events"):
            assert after[person["id"]][group] == person[group]
        kinds = [event["kind"] for event in after[person["id"]]["identityHistory"]["nodes"]]
        assert kinds == ["parted", "merged"]
    marketing = await house.ask("{ customers { nodes { id } } }", house.token("marketing"))
    assert len(marketing["data"]["customers"]["nodes"]) == 1
    await house.tell("tills", told("m5", "L-1", day=9, email="ann@shop.example"))
    await house.tell("web-shop", told("m6", "w-1", day=9, email="ann@shop.example"))
    assert await names(house) == [["L-1"], ["w-1"]]
    again = await act(house, UNMERGE, merge=merge["id"])
    assert len(again["data"]["unmerge"]) == 2


async def test_the_later_word_of_a_steward_counts(house: House) -> None:
    """Joined without evidence, parted, and joined again; the old id leads to the person each time."""
    await house.tell("web-shop", told("m1", "w-1"))
    await house.tell("tills", told("m2", "L-1"))
    ids = [one["id"] for one in await everybody(house)]
    merged = await act(house, MERGE, ids=ids)
    assert merged["data"]["merge"]["id"] in ids
    assert await names(house) == [["L-1", "w-1"]]
    (one,) = await everybody(house)
    merge = one["identityHistory"]["nodes"][0]
    assert merge["by"] == "steward:privacy-office"
    await act(house, UNMERGE, merge=merge["id"])
    assert await names(house) == [["L-1"], ["w-1"]]
    await act(house, MERGE, ids=ids)
    assert await names(house) == [["L-1", "w-1"]]
    once = await act(house, MERGE, ids=ids)
    assert once["errors"][0]["extensions"]["code"] == "MERGE_OF_ONE"


async def test_an_account_that_joined_two_goes_on_with_one_when_they_are_parted(house: House) -> None:
    """A third record that met both stays with the one its stronger evidence is about."""
    await house.tell("web-shop", told("m1", "w-1", email="ann@shop.example"))
    await house.tell("tills", told("m2", "L-1", phone="+44 7700 900123"))
    await house.tell("ios-app", told("m3", "a-1", email="ann@shop.example", phone="+44 7700 900123"))
    (one,) = await everybody(house)
    (merge,) = one["identityHistory"]["nodes"]
    await act(house, UNMERGE, merge=merge["id"])
    assert await names(house) == [["L-1"], ["a-1", "w-1"]]


@pytest.mark.parametrize("role", ["frontend", "support", "marketing", "partner", "customer"])
async def test_only_a_steward_says_who_is_who(house: House, role: str) -> None:
    """Everybody else is told what they would need, and nothing changes."""
    await house.tell("web-shop", told("m1", "w-1", email="ann@shop.example"))
    await house.tell("tills", told("m2", "L-1"))
    token = house.token(role) if role != "customer" else await house.own_token("email", "ann@shop.example")
    for mutation in (
        MERGE,
        'mutation($ids: [ID!]!) { unmerge(merge: "x") { id } merge(customers: $ids) { id } }',
    ):
        answer = await house.ask(mutation, token, {"ids": ["x", "y"]})
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"STEWARD_ONLY"}
    assert len(await everybody(house)) == 2


async def test_nobody_changes_nothing(house: House) -> None:
    """Without a token."""
    answer = await house.ask(MERGE, None, {"ids": ["x", "y"]})
    assert answer["errors"][0]["extensions"]["code"] == "TOKEN_MISSING"


@pytest.mark.parametrize(
    ("mutation", "code"),
    [
        ('mutation { merge(customers: ["x", "y"]) { id } }', "CUSTOMER_NOT_FOUND"),
        ('mutation { unmerge(merge: "x") { id } }', "MERGE_NOT_FOUND"),
    ],
)
async def test_what_does_not_exist_is_said_so(house: House, mutation: str, code: str) -> None:
    """An id made for nobody, a merge that never was."""
    answer = await act(house, mutation)
    assert answer["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize(
    ("role", "kinds"),
    [("support", {"email", "phone", "user_id"}), ("frontend", {"user_id"}), ("analytics", None)],
)
async def test_others_see_identifiers_only_of_the_types_they_see_in_clear(
    house: House, role: str, kinds: set[str] | None
) -> None:
    """The support desk has addresses, numbers and accounts and no cookies; the statistics have none."""
    person = told("m1", "w-1", email="ann@shop.example", phone="+44 7700 900123", residence="GB")
    await house.tell("web-shop", {**person, "anonymousId": "ck-1"})
    answer = await house.ask("{ customers { nodes { identifiers { type value } } } }", house.token(role))
    (ann,) = answer["data"]["customers"]["nodes"]
    if kinds is None:
        assert ann["identifiers"] is None
        assert answer["errors"][0]["extensions"]["code"] == "IDENTIFIERS_NOT_GRANTED"
    else:
        assert {one["type"] for one in ann["identifiers"]} == kinds
