"""Provenance: which source a value comes from; a role sees it as far as it sees the value."""

from __future__ import annotations

import os
from typing import Any

import pytest

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.domain.consent.source_statements import SourceStatementRecorder
from discretion.domain.consent.terms_registry import TermsRegistry
from discretion.domain.identity.person_rewrite import PersonRewriter
from discretion.domain.identity.unification import ProfileUnifier
from discretion.domain.identity.unit_of_work import WriteContext
from discretion.domain.ingest.message import ExternalIdentifier, Fact
from discretion.domain.notices.load import load_notice_templates
from discretion.law.load import load_lawbook
from discretion.purpose.permission_engine import PermissionEngine
from discretion.seal.blind_index import BlindIndex
from discretion.seal.key_files import derive_key
from discretion.seal.redacted import Redacted
from discretion.store.consents import ConsentStore
from discretion.store.person_stores import open_person_stores
from discretion.store.tombstones import TombstoneStore
from tests.fixtures.attribute_keys import KEYS
from tests.fixtures.clock import RunningClock
from tests.fixtures.platform import ROOT_KEY, PlatformUnderTest

EMAIL = "Mara.Lind@post.example"
WEB = {
    "type": "identify",
    "messageId": "w1",
    "userId": "u-7",
    "timestamp": "2026-05-01T10:00:00Z",
    "traits": {
        "email": EMAIL,
        "emailVerified": True,
        "firstName": "Mara",
        "lastName": "Lind",
        "birthday": "1984-02-29",
        "loyaltyTier": "silver",
        "address": {"country": "DE"},
    },
    "context": {
        "consent": {"categoryPreferences": {"marketing": True, "personalize": True}},
        "externalIds": [{"id": "L-700", "type": "loyalty_id", "assurance": "proven"}],
    },
}
TILLS = {
    "type": "identify",
    "messageId": "s1",
    "userId": "L-700",
    "timestamp": "2026-04-02T09:30:00Z",
    "traits": {"firstName": "Marah", "loyaltyTier": "gold", "loyaltyPoints": 70},
}
ORDER = {
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
PROVENANCE_FIELDS = "provenance(attributes: $names) { attribute value source channel observedAt }"
PROVENANCE_QUERY = f"query($id: ID!, $names: [String!]) {{ customer(id: $id) {{ {PROVENANCE_FIELDS} }} }}"


@pytest.fixture
def clock() -> RunningClock:
    """Return a clock that starts soon after the dates of the messages."""
    return RunningClock("2026-11-24T10:00:00")


async def send_mara(platform: PlatformUnderTest) -> None:
    """Send Mara from the web and from the tills of two stores."""
    await platform.send_messages("web-shop", WEB)
    orders = [
        {
            **ORDER,
            "messageId": f"o{index}",
            "properties": {"order_id": f"o{index}", "total": 5, "storeId": store_id},
        }
        for index, store_id in enumerate(["york", "leeds", "york"])
    ]
    await platform.send_messages("tills", TILLS, *orders)


async def find_client_id(platform: PlatformUnderTest, client: str) -> str:
    """Return the id by which a client knows Mara."""
    query = f'{{ customer(identifier: {{type: "email", value: "{EMAIL}"}}) {{ id }} }}'
    answer = await platform.query(query, platform.issue_token("steward", client=client))
    customer_id: str = answer["data"]["customer"]["id"]
    return customer_id


async def read_provenance(
    platform: PlatformUnderTest, role: str, names: list[str] | None = NAMES, **token_options: Any
) -> tuple[dict[str, tuple[Any, ...]], dict[str, str]]:
    """Return the provenance that a role sees, by attribute, and the reason of each withheld attribute."""
    client = "customer-app" if role == "customer" else f"{role}-client"
    customer_id = await find_client_id(platform, client)
    token = platform.issue_token(
        role, client=client, subject="u-7" if role == "customer" else None, **token_options
    )
    answer = await platform.query(PROVENANCE_QUERY, token, {"id": customer_id, "names": names})
    assert "errors" not in answer, answer
    entries = answer["data"]["customer"]["provenance"]
    withheld = answer["extensions"]["disclosure"]["withheld"]
    return (
        {entry["attribute"]: tuple(entry.values())[1:] for entry in entries},
        {entry["field"]: entry["reason"] for entry in withheld},
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
MASKED_ORIGIN = (None, None, None)
VISIBLE: dict[str, dict[str, tuple[Any, ...]]] = {
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
        "contact.email": ("M***@p***", *MASKED_ORIGIN),
        "commerce.loyaltyTier": ("gold", "tills", "store", "2026-04"),
        "commerce.orderCount": (3, "computed", None, "2026-06"),
    },
    "partner": {
        "demographics.birthDate": ("35-44", *MASKED_ORIGIN),
        "commerce.loyaltyTier": ("gold", "tills", "store", "2026-04"),
    },
}


@pytest.mark.parametrize("role", VISIBLE)
async def test_a_role_sees_the_origin_of_a_value_as_far_as_it_sees_the_value(
    platform: PlatformUnderTest, role: str
) -> None:
    """The web precedes the tills except for loyalty; the origin of a masked value is masked too.

    The origin of a withheld attribute is withheld with the same reason and not read from MongoDB.
    """
    await send_mara(platform)
    platform.commands.clear()
    shown, withheld = await read_provenance(platform, role)
    assert shown == VISIBLE[role]
    assert set(withheld) == set(NAMES) - set(VISIBLE[role])
    assert set(withheld.values()) <= {"PURPOSE_NOT_GRANTED"}
    projected = {
        path
        for command in platform.commands.list_commands("find")
        if command["find"] == "customers"
        for path in command["projection"]
        if path.startswith("p.")
    }
    origins = {path for path, (_, *origin) in VISIBLE[role].items() if origin[0] not in (None, "computed")}
    assert projected == {f"p.{KEYS[path]}" for path in origins}


async def test_without_names_provenance_covers_all_visible_attributes(platform: PlatformUnderTest) -> None:
    """An empty list of names returns nothing."""
    await send_mara(platform)
    everything, _ = await read_provenance(platform, "customer", None)
    assert everything.items() >= EVERYTHING.items()
    assert everything["commerce.loyaltyPoints"][:3] == (70, "tills", "store")
    assert await read_provenance(platform, "customer", []) == ({}, {})


async def test_a_cached_plan_is_not_reused_for_other_attribute_names(
    platform: PlatformUnderTest,
) -> None:
    """The same query text is sent with different attribute names in its variables."""
    await send_mara(platform)
    for name in ("contact.email", "identity.givenName", "contact.email"):
        shown, _ = await read_provenance(platform, "support", [name])
        assert list(shown) == [name]


async def test_a_refusal_withholds_the_origin_of_a_value(platform: PlatformUnderTest) -> None:
    """The customer's choice applies to provenance as to the value."""
    await send_mara(platform)
    refusal = {"consent": {"categoryPreferences": {"marketing": False}}}
    both = {"purposes": ["marketing.communications.email", "analytics.reporting"]}
    assert set((await read_provenance(platform, "marketing", **both))[0]) >= {
        "contact.email",
        "commerce.orderCount",
    }
    await platform.send_messages(
        "web-shop",
        {**WEB, "messageId": "w2", "timestamp": "2026-07-01T00:00:00Z", "traits": {}, "context": refusal},
    )
    shown, withheld = await read_provenance(platform, "marketing", **both)
    assert "contact.email" not in shown
    assert withheld["contact.email"] == "WITHHELD"


async def test_a_correction_wins_over_later_messages_of_sources(platform: PlatformUnderTest) -> None:
    """Only a later correction replaces it. The test applies corrections directly, without an endpoint."""
    await send_mara(platform)

    catalogue, database = platform.internals.catalogue, platform.internals.database
    buckets, blind = platform.internals.discloser.revealer.buckets, BlindIndex(derive_key(ROOT_KEY, "blind"))
    lawbook = load_lawbook(None, catalogue)
    permission_engine = PermissionEngine(catalogue, lawbook.consent_law)
    context = WriteContext(
        catalogue, permission_engine, lawbook.find_key_of_place, buckets, os.urandom, LATER
    )
    statement_recorder = SourceStatementRecorder(
        TermsRegistry(catalogue, load_notice_templates(catalogue, None).office, ConsentStore(database))
    )
    rewriter = PersonRewriter(open_person_stores(database), lambda: context)
    unifier = ProfileUnifier(rewriter, blind, statement_recorder.record, TombstoneStore(database, blind))

    async def apply_correction(message: str, at: int, value: str) -> None:
        attribute = catalogue.attributes["identity.givenName"]
        identifier = ExternalIdentifier("email", Redacted(EMAIL.lower()), Assurance.PROVEN)
        fact = Fact(CORRECTION_SOURCE, message, at, LATER, (identifier,), ((attribute, Redacted(value)),))
        await unifier.apply_facts([fact])

    await apply_correction("c1", 1_777_000_000_000, "Maria")
    corrected = ("Maria", "self", None, "2026-04-24T03:06:40.000Z")
    await platform.send_messages("web-shop", {**WEB, "messageId": "w2", "timestamp": "2026-08-01T00:00:00Z"})
    await platform.send_messages("tills", {**TILLS, "messageId": "s2", "timestamp": "2026-08-02T00:00:00Z"})
    shown, _ = await read_provenance(platform, "customer", NAMES[:2])
    assert shown["identity.givenName"] == corrected
    assert shown["contact.email"][1] == "web-shop"
    await apply_correction("c2", 1_777_000_001_000, "Mária")
    shown, _ = await read_provenance(platform, "customer", NAMES[:1])
    assert shown["identity.givenName"] == ("Mária", "self", None, "2026-04-24T03:06:41.000Z")


async def test_an_unknown_attribute_is_refused_without_being_echoed(
    platform: PlatformUnderTest,
) -> None:
    """The advice names the nearest attribute. The input is not echoed: it may be personal data."""
    await send_mara(platform)
    query = (
        "query($names: [String!]) { customers { nodes { provenance(attributes: $names) { attribute } } } }"
    )
    for names, advice in (
        (["contact.email", "contact.emial"], "Did you mean 'contact.email'?"),
        (["mara.lind@post.example" * 50], "It is one of "),
    ):
        response = await platform.post_query(query, platform.issue_token("support"), {"names": names})
        (error,) = response.json()["errors"]
        assert response.status_code == 400
        assert error["extensions"]["code"] == "ATTRIBUTE_UNKNOWN"
        assert advice in error["extensions"]["advice"]
        assert "lind" not in response.text


async def test_provenance_counts_in_the_query_cost(platform: PlatformUnderTest) -> None:
    """All attributes of 200 customers are too expensive, a few attributes of each are not."""
    query = (
        "query($n: Int, $names: [String!]) { customers(first: $n) { nodes { provenance%s { attribute } } } }"
    )
    token = platform.issue_token("support")
    arguments = "(attributes: $names)"
    for text, variables, is_refused in (
        (query.replace(", $names: [String!]", "") % "", {"n": 200}, True),
        (query.replace(", $names: [String!]", "") % "", {"n": 20}, False),
        (query % arguments, {"n": 200, "names": NAMES}, False),
        (query % arguments, {"n": 200, "names": None}, True),
        (query % arguments, {"n": 200, "names": NAMES[0]}, False),
        (query % arguments, {"n": 200}, True),
        (query % arguments, {"n": 500, "names": NAMES * 20}, True),
    ):
        answer = await platform.query(text, token, variables)
        codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
        assert codes == (["QUERY_TOO_EXPENSIVE"] if is_refused else []), (text, variables)


async def test_a_read_of_provenance_is_a_disclosure_that_the_customer_sees(
    platform: PlatformUnderTest,
) -> None:
    """Revealing the origin reveals the attribute and is recorded as such."""
    await send_mara(platform)
    await read_provenance(platform, "support", ["contact.email", "commerce.loyaltyTier"])
    await read_provenance(platform, "partner", ["contact.email"])
    token = await platform.issue_customer_token("email", EMAIL)
    query = "{ me { disclosures { nodes { client attributes forms also } } } }"
    answer = await platform.query(query, token)
    assert "errors" not in answer, answer
    by_client = {
        disclosure["client"]: disclosure
        for disclosure in answer["data"]["me"]["disclosures"]["nodes"]
        if "provenance" in disclosure["also"]
    }
    assert by_client == {
        "support-client": {
            "client": "support-client",
            "attributes": ["commerce.loyaltyTier", "contact.email"],
            "forms": ["clear", "clear"],
            "also": ["provenance"],
        }
    }
