"""A customer reads who saw which of their data; so does the steward, and no other role."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import PlatformUnderTest
from tests.journeys.rights import ACCESS, PACKAGE, issue_own_token, run_operation

ANN = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "traits": {"firstName": "Ann", "email": "ann@shop.example", "phone": "+44 20 7946 0123"},
}
ANNE_IN_APP = {
    "type": "identify",
    "messageId": "s1",
    "userId": "a-1",
    "traits": {"firstName": "Anne", "phone": "+44 20 7946 0124"},
}
OWN_DISCLOSURES = "{ me { disclosures(first: 10) { nodes { client actor purposes attributes forms } } } }"


async def read_disclosures(platform: PlatformUnderTest, token: str) -> list[dict[str, Any]]:
    """Return the disclosures that a customer reads about themselves."""
    answer = await platform.query(OWN_DISCLOSURES, token)
    assert "errors" not in answer, answer
    nodes: list[dict[str, Any]] = answer["data"]["me"]["disclosures"]["nodes"]
    return nodes


async def read_name(platform: PlatformUnderTest, role: str, phone: str) -> None:
    """Read a customer's name as a role, which is recorded as a disclosure."""
    query = (
        'query($v: String!) { customer(identifier: {type: "phone", value: $v}) { identity { givenName } } }'
    )
    answer = await platform.query(query, platform.issue_token(role), {"v": phone})
    assert answer["data"]["customer"], answer


async def test_every_disclosure_is_listed_newest_first(platform: PlatformUnderTest) -> None:
    """Each entry has client, person, purposes, attributes and form."""
    await platform.send_messages("web-shop", ANN)
    await read_name(platform, "support", "+442079460123")
    token = platform.issue_token("customer", subject="w-1")
    await read_disclosures(platform, token)
    own_disclosure, support_disclosure = await read_disclosures(platform, token)
    assert support_disclosure == {
        "client": "support-desk",
        "actor": "staff@shop.example",
        "purposes": ["essential.service.operations.support"],
        "attributes": ["identity.givenName"],
        "forms": ["clear"],
    }
    assert (own_disclosure["client"], own_disclosure["attributes"]) == ("customer-app", [])


async def test_a_confirmed_identifier_is_on_record(platform: PlatformUnderTest) -> None:
    """Who finds a customer by an address learns that it is theirs; who finds nobody is not listed."""
    await platform.send_messages("web-shop", ANN)
    token = await platform.issue_customer_token("email", "ann@shop.example")
    await platform.query(
        """{ mine: customer(identifier: {type: "email", value: "ann@shop.example"}) { id }
        other: customer(identifier: {type: "email", value: "bob@shop.example"}) { id } }""",
        platform.issue_token("support"),
    )
    answer = await platform.query("{ me { disclosures { nodes { client attributes also } } } }", token)
    assert answer["data"]["me"]["disclosures"]["nodes"][0] == {
        "client": "support-desk",
        "attributes": [],
        "also": ["filter:contact.email"],
    }


async def test_the_disclosure_history_follows_merge_and_unmerge(
    platform: PlatformUnderTest,
) -> None:
    """The merged customer has both histories; after the unmerge each has their own."""
    await platform.send_messages("web-shop", ANN)
    await platform.send_messages("ios-app", ANNE_IN_APP)
    await read_name(platform, "support", "+442079460123")
    await read_name(platform, "support", "+442079460124")
    steward = platform.issue_token("steward", client="customer-app")
    answer = await platform.query("{ customers { nodes { id } } }", steward)
    ids = [customer["id"] for customer in answer["data"]["customers"]["nodes"]]
    merge_answer = await platform.query(
        (
            "mutation($ids: [ID!]!) { "
            'merge(customers: $ids, reason: "D-17") { id identityHistory { nodes { id kind } } } }'
        ),
        steward,
        {"ids": ids},
    )
    merged_customer = merge_answer["data"]["merge"]
    tokens = [platform.issue_token("customer", subject=account) for account in ("w-1", "a-1")]
    disclosures = await read_disclosures(platform, tokens[0])
    assert [disclosure["client"] for disclosure in disclosures].count("support-desk") == 2
    unmerge_answer = await platform.query(
        "mutation($m: ID!) { unmerge(merge: $m) { id } }",
        steward,
        {"m": merged_customer["identityHistory"]["nodes"][0]["id"]},
    )
    assert {customer["id"] for customer in unmerge_answer["data"]["unmerge"]} == set(ids)
    for token in tokens:
        disclosures = await read_disclosures(platform, token)
        assert [disclosure["client"] for disclosure in disclosures].count("support-desk") == 1


@pytest.mark.parametrize("role", ["frontend", "support", "marketing", "partner"])
async def test_other_roles_cannot_read_disclosures(platform: PlatformUnderTest, role: str) -> None:
    """A frontend, the support desk, a partner: an error with a stable code, and no entries."""
    await platform.send_messages(
        "web-shop", {**ANN, "context": {"consent": {"categoryPreferences": {"marketing": True}}}}
    )
    answer = await platform.query(
        "{ customers { nodes { disclosures { nodes { client } } } } }", platform.issue_token(role)
    )
    assert [customer["disclosures"] for customer in answer["data"]["customers"]["nodes"]] == [None]
    assert answer["errors"][0]["extensions"]["code"] == "CUSTOMER_OR_STEWARD_ONLY"


@pytest.mark.parametrize(
    ("scopes", "purposes", "narrowing"),
    [
        (["steward"], ["essential.legal_obligation", "marketing"], '@purpose(uses: ["marketing"])'),
        (["steward"], ["marketing"], ""),
        (["steward"], [], ""),
    ],
)
async def test_whoever_reads_a_request_is_listed_whatever_purposes_their_token_has(
    platform: PlatformUnderTest, scopes: list[str], purposes: list[str], narrowing: str
) -> None:
    """The request says whom it is about, although the customer permits none of the purposes."""
    await platform.send_messages("web-shop", ANN)
    token = await platform.issue_customer_token("email", "ann@shop.example")
    await platform.query("mutation { optOutOfSale { id } }", token)
    reader = platform.issue_token(client="desk", scopes=scopes, purposes=purposes)
    answer = await platform.query(
        f"query {narrowing} {{ rightsRequests {{ nodes {{ right customerId }} }} }}", reader
    )
    assert len(answer["data"]["rightsRequests"]["nodes"]) == 1
    assert [entry["client"] for entry in await read_disclosures(platform, token)].count("desk") == 1


async def test_the_client_that_opens_a_package_is_listed(platform: PlatformUnderTest) -> None:
    """It need not be the client that asked for the package."""
    await platform.send_messages("web-shop", ANN)
    await run_operation(platform, await issue_own_token(platform, "ann@shop.example"), ACCESS)
    await platform.run_due_requests()
    token = await platform.issue_customer_token("email", "ann@shop.example", client="other-app")
    answer = await platform.query("{ me { rightsRequests { nodes { id } } } }", token)
    (request,) = answer["data"]["me"]["rightsRequests"]["nodes"]
    assert (await run_operation(platform, token, PACKAGE, id=request["id"]))["url"]
    answer = await platform.query("{ me { disclosures { nodes { client also } } } }", token)
    assert answer["data"]["me"]["disclosures"]["nodes"][0] == {
        "client": "other-app",
        "also": ["package_link"],
    }
