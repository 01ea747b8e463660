"""Who won, and why: each sees where a value comes from as far as they see the value."""

from __future__ import annotations

import os
from typing import Any

import pytest

from discretion.catalogue.model import CORRECTIONS
from discretion.domain.consent.source_statements import Evidence
from discretion.domain.consent.terms_registry import Agreed
from discretion.domain.identity.unification import Unify
from discretion.domain.identity.unit_of_work import Workshop
from discretion.domain.ingest.message import Fact, Identifier
from discretion.domain.notices.load import load as load_notices
from discretion.law.load import load as load_law
from discretion.purpose.permission_engine import Judge
from discretion.seal.blind_index import BlindIndex
from discretion.seal.key_files import derive
from discretion.seal.redacted import Shut
from discretion.store.consents import Consents
from discretion.store.tombstones import Tombstones
from tests.fixtures.platform import ROOT, House

EMAIL = "Mara.Lind@post.example"
WEB = {
    "type": "identify",
    "messageId": "w1",
    "userId": "u-7",
    "timestamp": "2026-05-01T10:00:00Z",
    "traits": {
        "email": EMAIL,
        "firstName": "Mara",
        "lastName": "Lind",
        "birthday": "1984-02-29",
        "loyaltyTier": "silver",
        "loyaltyId": "L-700",
        "address": {"country": "DE"},
    },
    "context": {"consent": {"categoryPreferences": {"marketing": True, "personalize": True}}},
}
TILLS = {
    "type": "identify",
    "messageId": "s1",
    "userId": "L-700",
    "timestamp": "2026-04-02T09:30:00Z",
    "traits": {"firstName": "Marah", "loyaltyTier": "gold", "loyaltyPoints": 70},
}
BOUGHT = {
    "type": "track",
    "event": "Order Completed",
    "userId": "L-700",
    "timestamp": "2026-06-03T16:00:00Z",
}
NAMES = [
    "identity.givenName",
    "contact.email",
    "demographics.birthDate",
    "commerce.loyaltyTier",
    "commerce.orderCount",
    "store.visitedStores",
]
ASKED = "provenance(attributes: $names) { attribute value source channel observedAt }"
PERSON = f"query($id: ID!, $names: [String!]) {{ customer(id: $id) {{ {ASKED} }} }}"


async def told(house: House) -> None:
    """Mara on the web and at two tills."""
    await house.tell("web-shop", WEB)
    orders = [
        {**BOUGHT, "messageId": f"o{n}", "properties": {"order_id": f"o{n}", "total": 5, "storeId": store}}
        for n, store in enumerate(["york", "leeds", "york"])
    ]
    await house.tell("tills", TILLS, *orders)


async def known_as(house: House, client: str) -> str:
    """The id by which a client knows Mara."""
    find = f'{{ customer(identifier: {{type: "email", value: "{EMAIL}"}}) {{ id }} }}'
    answer = await house.ask(find, house.token("steward", client=client))
    name: str = answer["data"]["customer"]["id"]
    return name


async def seen(
    house: House, role: str, names: list[str] | None = NAMES, **narrowed: Any
) -> tuple[dict[str, tuple[Any, ...]], dict[str, str]]:
    """What a role sees of Mara's provenance, by attribute; and what was withheld from it."""
    client = "customer-app" if role == "customer" else f"{role}-client"
    name = await known_as(house, client)
    token = house.token(role, client=client, subject=name if role == "customer" else None, **narrowed)
    answer = await house.ask(PERSON, token, {"id": name, "names": names})
    assert "errors" not in answer, answer
    entries = answer["data"]["customer"]["provenance"]
    withheld = answer["extensions"]["disclosure"]["withheld"]
    return (
        {one["attribute"]: tuple(one.values())[1:] for one in entries},
        {one["field"]: one["reason"] for one in withheld},
    )


EVERYTHING: dict[str, tuple[Any, ...]] = {
    "identity.givenName": ("Mara", "web-shop", "web", "2026-05-01T10:00:00.000Z"),
    "contact.email": (EMAIL, "web-shop", "web", "2026-05-01T10:00:00.000Z"),
    "demographics.birthDate": ("1984-02-29", "web-shop", "web", "2026-05-01T10:00:00.000Z"),
    "commerce.loyaltyTier": ("gold", "tills", "store", "2026-04-02T09:30:00.000Z"),
    "commerce.orderCount": (3, "computed", None, "2026-06-03T16:00:00.000Z"),
    "store.visitedStores": (["leeds", "york"], "computed", None, "2026-06-03T16:00:00.000Z"),
}
LATER = 1_790_000_000_000
NOTHING_MORE = (None, None, None)
SEES: dict[str, dict[str, tuple[Any, ...]]] = {
    "customer": EVERYTHING,
    "steward": EVERYTHING,
    "support": {
        "identity.givenName": ("Mara", "web-shop", "web", "2026-05"),
        "contact.email": (EMAIL, "web-shop", "web", "2026-05"),
        "commerce.loyaltyTier": ("gold", "tills", "store", "2026-04"),
        "commerce.orderCount": (3, "computed", None, "2026-06"),
        "store.visitedStores": (["leeds", "york"], "computed", None, "2026-06"),
    },
    "frontend": {
        "identity.givenName": ("Mara", "web-shop", "web", "2026-05"),
        "contact.email": ("M***@p***", *NOTHING_MORE),
        "commerce.loyaltyTier": ("gold", "tills", "store", "2026-04"),
        "commerce.orderCount": (3, "computed", None, "2026-06"),
    },
    "partner": {
        "demographics.birthDate": ("35-44", *NOTHING_MORE),
        "commerce.loyaltyTier": ("gold", "tills", "store", "2026-04"),
    },
}


@pytest.mark.parametrize("role", SEES)
async def test_each_sees_where_a_value_comes_from_as_far_as_they_see_the_value(
    house: House, role: str
) -> None:
    """The web goes before the tills, but not about loyalty; a masked value's origin is masked too.

    What cannot be seen is withheld as the attribute itself is, and MongoDB is asked for no more of it.
    """
    await told(house)
    house.commands.clear()
    shown, withheld = await seen(house, role)
    assert shown == SEES[role]
    assert set(withheld) == set(NAMES) - set(SEES[role])
    assert set(withheld.values()) <= {"PURPOSE_NOT_GRANTED"}
    asked = {
        name
        for one in house.commands.named("find")
        if one["find"] == "customers"
        for name in one["projection"]
        if name.startswith("p.")
    }
    origins = {path for path, (_, *origin) in SEES[role].items() if origin[0] not in (None, "computed")}
    assert asked == {f"p.{path.replace('.', '/')}" for path in origins}


async def test_without_names_it_tells_of_all_that_may_be_seen(house: House) -> None:
    """And of none, if none are named."""
    await told(house)
    everything, _ = await seen(house, "customer", None)
    assert everything.items() >= EVERYTHING.items()
    assert everything["commerce.loyaltyPoints"][:3] == (70, "tills", "store")
    assert await seen(house, "customer", []) == ({}, {})


async def test_one_plan_is_not_another_whose_variables_name_other_attributes(house: House) -> None:
    """The same text, asked for one attribute and then for another."""
    await told(house)
    for name in ("contact.email", "identity.givenName", "contact.email"):
        shown, _ = await seen(house, "support", [name])
        assert list(shown) == [name]


async def test_a_refusal_withholds_where_a_value_comes_from(house: House) -> None:
    """The person's choice holds for provenance as for the value."""
    await told(house)
    refusal = {"consent": {"categoryPreferences": {"marketing": False}}}
    both = {"purposes": ["marketing.communications.email", "analytics.reporting"]}
    assert set((await seen(house, "marketing", **both))[0]) >= {"contact.email", "commerce.orderCount"}
    await house.tell(
        "web-shop",
        {**WEB, "messageId": "w2", "timestamp": "2026-07-01T00:00:00Z", "traits": {}, "context": refusal},
    )
    shown, withheld = await seen(house, "marketing", **both)
    assert "contact.email" not in shown
    assert withheld["contact.email"] == "WITHHELD"


async def test_a_correction_wins_and_stays(house: House) -> None:
    """However often a source sends again; a later correction replaces it. It has no door yet."""
    await told(house)

    catalogue, database = house.platform.catalogue, house.platform.database
    buckets, blind = house.platform.conductor.revealer.buckets, BlindIndex(derive(ROOT, "blind"))
    lawbook = load_law(None, catalogue)
    judge = Judge(catalogue, lawbook.law)
    workshop = Workshop(catalogue, judge, lawbook.of_place, buckets, os.urandom, LATER)
    evidence = Evidence(Agreed(catalogue, load_notices(catalogue, None).office, Consents(database)))
    unify = Unify(database, blind, lambda: workshop, evidence, Tombstones(database, blind))

    async def corrects(message: str, at: int, value: str) -> None:
        attribute = catalogue.attributes["identity.givenName"]
        identifier = Identifier("email", Shut(EMAIL.lower()))
        fact = Fact(CORRECTIONS, message, at, LATER, (identifier,), ((attribute, Shut(value)),))
        await unify.take([fact])

    await corrects("c1", 1_777_000_000_000, "Maria")
    corrected = ("Maria", "self", None, "2026-04-24T03:06:40.000Z")
    await house.tell("web-shop", {**WEB, "messageId": "w2", "timestamp": "2026-08-01T00:00:00Z"})
    await house.tell("tills", {**TILLS, "messageId": "s2", "timestamp": "2026-08-02T00:00:00Z"})
    shown, _ = await seen(house, "customer", NAMES[:2])
    assert shown["identity.givenName"] == corrected
    assert shown["contact.email"][1] == "web-shop"
    await corrects("c2", 1_777_000_001_000, "Mária")
    shown, _ = await seen(house, "customer", NAMES[:1])
    assert shown["identity.givenName"] == ("Mária", "self", None, "2026-04-24T03:06:41.000Z")


async def test_an_unknown_attribute_is_refused_with_the_nearest_and_is_not_repeated(house: House) -> None:
    """Nobody meets anybody for it, and what was given may be an address in the wrong place."""
    await told(house)
    query = (
        "query($names: [String!]) { customers { nodes { provenance(attributes: $names) { attribute } } } }"
    )
    for names, meant in (
        (["contact.email", "contact.emial"], "Did you mean 'contact.email'?"),
        (["mara.lind@post.example" * 50], "It is one of "),
    ):
        response = await house.raw(query, house.token("support"), {"names": names})
        (error,) = response.json()["errors"]
        assert response.status_code == 400
        assert error["extensions"]["code"] == "ATTRIBUTE_UNKNOWN"
        assert meant in error["extensions"]["advice"]
        assert "lind" not in response.text


async def test_provenance_counts_in_the_budget(house: House) -> None:
    """All attributes of two hundred customers are too much, a few of each are not."""
    query = (
        "query($n: Int, $names: [String!]) { customers(first: $n) { nodes { provenance%s { attribute } } } }"
    )
    token = house.token("support")
    some = "(attributes: $names)"
    for text, variables, refused in (
        (query.replace(", $names: [String!]", "") % "", {"n": 200}, True),
        (query.replace(", $names: [String!]", "") % "", {"n": 20}, False),
        (query % some, {"n": 200, "names": NAMES}, False),
        (query % some, {"n": 200, "names": None}, True),
        (query % some, {"n": 200, "names": NAMES[0]}, False),
        (query % some, {"n": 200}, True),
        (query % some, {"n": 500, "names": NAMES * 20}, True),
    ):
        answer = await house.ask(text, token, variables)
        codes = [one["extensions"]["code"] for one in answer.get("errors", ())]
        assert codes == (["QUERY_TOO_EXPENSIVE"] if refused else []), (text, variables)


async def test_the_customer_reads_who_asked_where_their_data_come_from(house: House) -> None:
    """Telling it is a reveal of the attribute, on record as such."""
    await told(house)
    await seen(house, "support", ["contact.email", "commerce.loyaltyTier"])
    await seen(house, "partner", ["contact.email"])
    token = await house.own_token("email", EMAIL)
    query = "{ me { disclosures { nodes { client attributes forms also } } } }"
    answer = await house.ask(query, token)
    assert "errors" not in answer, answer
    found = {one["client"]: one for one in answer["data"]["me"]["disclosures"]["nodes"] if one["also"]}
    assert found == {
        "support-client": {
            "client": "support-client",
            "attributes": ["commerce.loyaltyTier", "contact.email"],
            "forms": ["clear", "clear"],
            "also": ["provenance"],
        }
    }
