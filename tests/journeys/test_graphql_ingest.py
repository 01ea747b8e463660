"""Sources with an access token send messages through GraphQL, and no other caller does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import PlatformUnderTest

INGEST = """mutation($messages: [JSON!]!) { ingest(messages: $messages) {
  accepted duplicate refused dropped minimised
  results { messageId status dropped minimised code reason place }
} }"""
FIND_ANN = '{ customer(identifier: {type: "email", value: "ann@shop.example"}) { identity { givenName } } }'
ANN = {
    "type": "identify",
    "userId": "w-1",
    "messageId": "m-1",
    "traits": {"email": "Ann@Shop.Example", "firstName": "Ann", "hobby": "chess"},
}
ORDER = {
    "type": "track",
    "event": "Order Completed",
    "userId": "w-1",
    "messageId": "m-2",
    "properties": {"order_id": "o-1", "total": 19.99},
}
MIXED: list[Any] = [
    ANN,
    ORDER,
    {**ORDER, "messageId": "m-3", "properties": {"order_id": "o-2", "total": "much"}},
    ANN,
    {"type": "poke"},
    "hello",
    {**ANN, "messageId": "m-4", "traits": {"firstName": "x" * 33_000}},
]


def issue_source_token(platform: PlatformUnderTest, source_name: str = "web-shop") -> str:
    """Return the token of a source."""
    return platform.issue_token(client=source_name, subject=source_name, scopes=["ingest"])


async def ingest(platform: PlatformUnderTest, token: str | None, *messages: Any) -> dict[str, Any]:
    """Return the answer to a source's messages."""
    return await platform.query(INGEST, token, {"messages": list(messages)})


def to_batch_results(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the mutation's results in the format of the batch endpoint."""
    return [
        {
            name: (value or "").lower() if name == "status" else "" if value is None else value
            for name, value in result.items()
            if result["status"] == "REFUSED" or name in ("messageId", "status", "dropped", "minimised")
        }
        for result in results
    ]


async def test_each_message_has_its_own_result(platform: PlatformUnderTest) -> None:
    """It is accepted, duplicate, or refused with code, reason and place; no result contains a value."""
    answer = await ingest(platform, issue_source_token(platform), *MIXED)
    assert set(answer) == {"data"}
    result = answer["data"]["ingest"]
    counts = {name: result[name] for name in ("accepted", "duplicate", "refused", "dropped")}
    assert counts == {"accepted": 2, "duplicate": 1, "refused": 4, "dropped": 2}
    assert [
        (entry["messageId"], entry["status"], entry["code"], entry["place"]) for entry in result["results"]
    ] == [
        ("m-1", "ACCEPTED", None, None),
        ("m-2", "ACCEPTED", None, None),
        ("m-3", "REFUSED", "TYPE_WRONG", "properties.total"),
        ("m-1", "DUPLICATE", None, None),
        (result["results"][4]["messageId"], "REFUSED", "TYPE_UNSUPPORTED", "type"),
        (None, "REFUSED", "MESSAGE_INVALID", None),
        ("m-4", "REFUSED", "MESSAGE_TOO_LARGE", None),
    ]
    assert "much" not in str(result)
    support = await platform.query(FIND_ANN, platform.issue_token("support"))
    assert support["data"]["customer"] == {"identity": {"givenName": "Ann"}}


async def test_graphql_and_the_batch_endpoint_give_the_same_results(platform: PlatformUnderTest) -> None:
    """A message sent through one is a duplicate at the other; refusals have the same codes and reasons."""
    messages = [message for message in MIXED if message != {"type": "poke"}]
    first_answer = (await ingest(platform, issue_source_token(platform), *messages))["data"]["ingest"]
    batch = await platform.send_messages("web-shop", *messages)
    second_answer = (await ingest(platform, issue_source_token(platform), *messages))["data"]["ingest"]
    assert to_batch_results(second_answer["results"]) == batch["results"]
    assert [result["status"] for result in batch["results"] if result["status"] != "refused"] == [
        "duplicate"
    ] * 3
    refused_results = [
        result for result in to_batch_results(first_answer["results"]) if result["status"] == "refused"
    ]
    assert refused_results == [result for result in batch["results"] if result["status"] == "refused"]


async def test_the_tokens_client_is_the_source_and_decides_the_channel(
    platform: PlatformUnderTest,
) -> None:
    """A till cannot report a page view, whatever the message claims."""
    page = {
        "type": "page",
        "userId": "L-1",
        "name": "Home",
        "channel": "web",
        "writeKey": platform.write_keys["web-shop"],
    }
    answer = await ingest(platform, issue_source_token(platform, "tills"), page)
    assert [result["code"] for result in answer["data"]["ingest"]["results"]] == ["EVENT_UNDECLARED"]
    answer = await ingest(platform, issue_source_token(platform), page)
    assert answer["data"]["ingest"]["accepted"] == 1


@pytest.mark.parametrize(
    "caller", ["frontend", "support", "marketing", "analytics", "partner", "steward", "customer"]
)
async def test_no_role_may_send_messages(platform: PlatformUnderTest, caller: str) -> None:
    """The error names the scope that a token needs."""
    await platform.send_messages("web-shop", ANN)
    is_customer = caller == "customer"
    token = (
        await platform.issue_customer_token("email", "ann@shop.example")
        if is_customer
        else platform.issue_token(caller)
    )
    await check_ingest_is_refused(platform, token)


@pytest.mark.parametrize(
    ("client", "scopes"),
    [
        ("partner-1", ["ingest"]),
        ("web-shop", []),
        ("web-shop", ["steward"]),
        ("web-shop", ["Ingest", "ingest:all"]),
        ("Web-Shop", ["ingest"]),
    ],
)
async def test_ingest_needs_both_the_scope_and_a_source(
    platform: PlatformUnderTest, client: str, scopes: list[str]
) -> None:
    """The scope without a source, a source without the scope, and names that are only similar."""
    await check_ingest_is_refused(platform, platform.issue_token(client=client, scopes=scopes))


async def check_ingest_is_refused(platform: PlatformUnderTest, token: str) -> None:
    """Check that nothing is ingested and that the error gives advice."""
    answer = await ingest(platform, token, {**ANN, "userId": "w-2", "messageId": "m-9"})
    (error,) = answer["errors"]
    assert answer["data"] is None
    assert error["extensions"]["code"] == "INGEST_NOT_GRANTED"
    assert "scope 'ingest'" in error["extensions"]["advice"]
    batch_answer = await platform.send_messages("web-shop", {**ANN, "userId": "w-2", "messageId": "m-9"})
    assert batch_answer["accepted"] == 1


async def test_ingest_without_a_token_is_refused(platform: PlatformUnderTest) -> None:
    """The call is refused before any message is read."""
    answer = await ingest(platform, None, ANN)
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["TOKEN_MISSING"]
    assert (await platform.send_messages("web-shop", ANN))["accepted"] == 1


async def test_a_source_token_reads_no_customers(platform: PlatformUnderTest) -> None:
    """It has no purpose: permission to send is not permission to read."""
    token = issue_source_token(platform)
    await ingest(platform, token, ANN)
    answer = await platform.query("{ customers { totalCount nodes { id } } }", token)
    assert answer["data"]["customers"] == {"totalCount": 0, "nodes": []}
    assert (await platform.query(FIND_ANN, token))["data"]["customer"] is None


async def test_ingest_writes_no_disclosure(platform: PlatformUnderTest) -> None:
    """No write to the ledger and no receipt, with or without a purpose directive."""
    platform.commands.clear()
    narrowed = INGEST.replace(
        "mutation($messages: [JSON!]!)", "mutation($messages: [JSON!]!) @purpose(uses: [])"
    )
    for query in (INGEST, narrowed):
        answer = await platform.query(query, issue_source_token(platform), {"messages": [ANN]})
        assert set(answer) == {"data"}
    written = {
        command[name]
        for name in ("insert", "update", "bulkWrite")
        for command in platform.commands.list_commands(name)
    }
    assert written
    assert "disclosures" not in written


async def test_an_unknown_purpose_stops_the_operation(platform: PlatformUnderTest) -> None:
    """It stops before any message is ingested."""
    query = INGEST.replace("]!) {", ']!) @purpose(uses: ["marketing.pigeons"]) {', 1)
    response = await platform.post_query(query, issue_source_token(platform), {"messages": [ANN]})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "PURPOSE_UNKNOWN"
    assert (await platform.send_messages("web-shop", ANN))["accepted"] == 1


async def test_mutation_fields_run_in_order(platform: PlatformUnderTest) -> None:
    """The second field sees the effects of the first (GraphQL, section 6.2.2)."""
    query = """mutation($m: [JSON!]!) {
      a: ingest(messages: $m) { accepted }
      b: ingest(messages: $m) { duplicate }
    }"""
    answer = await platform.query(query, issue_source_token(platform), {"m": [ANN, ORDER]})
    assert answer["data"] == {"a": {"accepted": 2}, "b": {"duplicate": 2}}


async def test_a_message_can_be_an_inline_literal(platform: PlatformUnderTest) -> None:
    """A number that BSON cannot store refuses its own message alone."""
    literal = '{type: "identify", userId: $id, messageId: "m-1", traits: {email: "ann@shop.example"}}'
    huge = '{type: "identify", userId: "u", messageId: "m-2", traits: {x: 123456789012345678901234567890}}'
    field = f"ingest(messages: [{literal}, {huge}]) {{ results {{ messageId code }} }}"
    query = f"mutation($id: String!) {{ {field} }}"
    answer = await platform.query(query, issue_source_token(platform), {"id": "w-1"})
    assert answer["data"]["ingest"]["results"] == [
        {"messageId": "m-1", "code": None},
        {"messageId": "m-2", "code": "MESSAGE_INVALID"},
    ]


async def test_ingest_has_the_limits_of_a_batch(platform: PlatformUnderTest) -> None:
    """2,500 messages in a call; aliases do not circumvent the limit."""
    largest_batch: list[Any] = [{}] * 2_500
    answer = await ingest(platform, issue_source_token(platform), *largest_batch)
    assert answer["data"]["ingest"]["refused"] == 2_500
    answer = await ingest(platform, issue_source_token(platform), *largest_batch, {})
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "BATCH_TOO_LARGE"
    fields = " ".join(f"a{n}: ingest(messages: $messages) {{ refused }}" for n in range(5))
    answer = await platform.query(
        f"mutation($messages: [JSON!]!) {{ {fields} }}",
        issue_source_token(platform),
        {"messages": largest_batch},
    )
    assert answer["errors"][0]["extensions"]["code"] == "QUERY_TOO_EXPENSIVE"


async def test_a_mutation_by_get_is_refused(platform: PlatformUnderTest) -> None:
    """Opening a link changes nothing."""
    query = "mutation { ingest(messages: []) { accepted } }"
    headers = {"authorization": f"Bearer {issue_source_token(platform)}"}
    response = await platform.http.get("/graphql", params={"query": query}, headers=headers)
    assert response.status_code == 405
