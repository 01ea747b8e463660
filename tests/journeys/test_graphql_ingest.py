"""Sources that hold an access token send messages through GraphQL, and nobody else does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import House

INGEST = """mutation($messages: [JSON!]!) { ingest(messages: $messages) {
  accepted duplicate refused dropped minimised
  results { messageId status dropped minimised code reason place }
} }"""
FIND = '{ customer(identifier: {type: "email", value: "ann@shop.example"}) { identity { givenName } } }'
ANN = {
    "type": "identify",
    "userId": "w-1",
    "messageId": "m-1",
    "traits": {"email": "Ann@Shop.Example", "firstName": "Ann", "hobby": "chess"},
}
BOUGHT = {
    "type": "track",
    "event": "Order Completed",
    "userId": "w-1",
    "messageId": "m-2",
    "properties": {"order_id": "o-1", "total": 19.99},
}
MIXED: list[Any] = [
    ANN,
    BOUGHT,
    {**BOUGHT, "messageId": "m-3", "properties": {"order_id": "o-2", "total": "much"}},
    ANN,
    {"type": "poke"},
    "hello",
    {**ANN, "messageId": "m-4", "traits": {"firstName": "x" * 33_000}},
]


def source(house: House, name: str = "web-shop") -> str:
    """The token of a source."""
    return house.token(client=name, subject=name, scopes=["ingest"])


async def ingest(house: House, token: str | None, *messages: Any) -> dict[str, Any]:
    """The answer to a source's messages."""
    return await house.ask(INGEST, token, {"messages": list(messages)})


def spoken(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the mutation tells, in the words of the batch endpoint."""
    return [
        {
            name: (value or "").lower() if name == "status" else "" if value is None else value
            for name, value in one.items()
            if one["status"] == "REFUSED" or name in ("messageId", "status", "dropped", "minimised")
        }
        for one in results
    ]


async def test_messages_are_told_of_one_by_one(house: House) -> None:
    """Accepted, duplicate or refused with a code, a reason and a place; nothing carries a value."""
    answer = await ingest(house, source(house), *MIXED)
    assert set(answer) == {"data"}
    result = answer["data"]["ingest"]
    counts = {name: result[name] for name in ("accepted", "duplicate", "refused", "dropped")}
    assert counts == {"accepted": 2, "duplicate": 1, "refused": 4, "dropped": 2}
    assert [(one["messageId"], one["status"], one["code"], one["place"]) for one in result["results"]] == [
        ("m-1", "ACCEPTED", None, None),
        ("m-2", "ACCEPTED", None, None),
        ("m-3", "REFUSED", "TYPE_WRONG", "properties.total"),
        ("m-1", "DUPLICATE", None, None),
        (result["results"][4]["messageId"], "REFUSED", "TYPE_UNSUPPORTED", "type"),
        (None, "REFUSED", "MESSAGE_INVALID", None),
        ("m-4", "REFUSED", "MESSAGE_TOO_LARGE", None),
    ]
    assert "much" not in str(result)
    support = await house.ask(FIND, house.token("support"))
    assert support["data"]["customer"] == {"identity": {"givenName": "Ann"}}


async def test_both_doors_say_the_same_of_the_same_messages(house: House) -> None:
    """What came through one is a duplicate at the other, and both refuse in the same words."""
    named = [one for one in MIXED if one != {"type": "poke"}]
    first = (await ingest(house, source(house), *named))["data"]["ingest"]
    batch = await house.tell("web-shop", *named)
    again = (await ingest(house, source(house), *named))["data"]["ingest"]
    assert spoken(again["results"]) == batch["results"]
    assert [one["status"] for one in batch["results"] if one["status"] != "refused"] == ["duplicate"] * 3
    refused = [one for one in spoken(first["results"]) if one["status"] == "refused"]
    assert refused == [one for one in batch["results"] if one["status"] == "refused"]


async def test_the_client_of_a_token_is_the_source_and_decides_the_channel(house: House) -> None:
    """A till cannot say that a page was viewed, whatever the message claims."""
    page = {
        "type": "page",
        "userId": "L-1",
        "name": "Home",
        "channel": "web",
        "writeKey": house.keys["web-shop"],
    }
    answer = await ingest(house, source(house, "tills"), page)
    assert [one["code"] for one in answer["data"]["ingest"]["results"]] == ["EVENT_UNDECLARED"]
    answer = await ingest(house, source(house), page)
    assert answer["data"]["ingest"]["accepted"] == 1


@pytest.mark.parametrize(
    "caller", ["frontend", "support", "marketing", "analytics", "partner", "steward", "customer"]
)
async def test_no_role_sends_messages(house: House, caller: str) -> None:
    """It is told which token does."""
    await house.tell("web-shop", ANN)
    own = caller == "customer"
    token = await house.own_token("email", "ann@shop.example") if own else house.token(caller)
    await refused(house, token)


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
async def test_a_scope_and_a_source_are_needed_together(house: House, client: str, scopes: list[str]) -> None:
    """The scope without a source, a source without the scope, and names that are only alike."""
    await refused(house, house.token(client=client, scopes=scopes))


async def refused(house: House, token: str) -> None:
    """Nothing was taken in, and the refusal says what to do."""
    answer = await ingest(house, token, {**ANN, "userId": "w-2", "messageId": "m-9"})
    (error,) = answer["errors"]
    assert answer["data"] is None
    assert error["extensions"]["code"] == "INGEST_NOT_GRANTED"
    assert "scope 'ingest'" in error["extensions"]["advice"]
    again = await house.tell("web-shop", {**ANN, "userId": "w-2", "messageId": "m-9"})
    assert again["accepted"] == 1


async def test_nobody_is_asked_for_a_token(house: House) -> None:
    """Before anything is read."""
    answer = await ingest(house, None, ANN)
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["TOKEN_MISSING"]
    assert (await house.tell("web-shop", ANN))["accepted"] == 1


async def test_the_token_of_a_source_sees_nobody(house: House) -> None:
    """It has no purpose; to send is not to read."""
    token = source(house)
    await ingest(house, token, ANN)
    answer = await house.ask("{ customers { totalCount nodes { id } } }", token)
    assert answer["data"]["customers"] == {"totalCount": 0, "nodes": []}
    assert (await house.ask(FIND, token))["data"]["customer"] is None


async def test_taking_in_reveals_nobody_and_is_no_disclosure(house: House) -> None:
    """The ledger is not written, and there is no receipt; narrowing the operation changes nothing of that."""
    house.commands.clear()
    narrowed = INGEST.replace(
        "mutation($messages: [JSON!]!)", "mutation($messages: [JSON!]!) @purpose(uses: [])"
    )
    for query in (INGEST, narrowed):
        answer = await house.ask(query, source(house), {"messages": [ANN]})
        assert set(answer) == {"data"}
    written = {one[name] for name in ("insert", "update", "bulkWrite") for one in house.commands.named(name)}
    assert written
    assert "disclosures" not in written


async def test_a_purpose_nobody_knows_stops_the_operation(house: House) -> None:
    """Before a message is taken in."""
    query = INGEST.replace("]!) {", ']!) @purpose(uses: ["marketing.pigeons"]) {', 1)
    response = await house.raw(query, source(house), {"messages": [ANN]})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "PURPOSE_UNKNOWN"
    assert (await house.tell("web-shop", ANN))["accepted"] == 1


async def test_fields_of_a_mutation_happen_one_after_the_other(house: House) -> None:
    """The second knows what the first did (GraphQL, section 6.2.2)."""
    query = """mutation($m: [JSON!]!) {
      a: ingest(messages: $m) { accepted }
      b: ingest(messages: $m) { duplicate }
    }"""
    answer = await house.ask(query, source(house), {"m": [ANN, BOUGHT]})
    assert answer["data"] == {"a": {"accepted": 2}, "b": {"duplicate": 2}}


async def test_a_message_may_be_written_into_the_document(house: House) -> None:
    """Also with numbers that no column holds; that message is refused alone."""
    literal = '{type: "identify", userId: $id, messageId: "m-1", traits: {email: "ann@shop.example"}}'
    huge = '{type: "identify", userId: "u", messageId: "m-2", traits: {x: 123456789012345678901234567890}}'
    field = f"ingest(messages: [{literal}, {huge}]) {{ results {{ messageId code }} }}"
    query = f"mutation($id: String!) {{ {field} }}"
    answer = await house.ask(query, source(house), {"id": "w-1"})
    assert answer["data"]["ingest"]["results"] == [
        {"messageId": "m-1", "code": None},
        {"messageId": "m-2", "code": "MESSAGE_INVALID"},
    ]


async def test_the_limits_are_those_of_a_batch(house: House) -> None:
    """2,500 messages in a call; and aliases are no way around it."""
    most: list[Any] = [{}] * 2_500
    answer = await ingest(house, source(house), *most)
    assert answer["data"]["ingest"]["refused"] == 2_500
    answer = await ingest(house, source(house), *most, {})
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "BATCH_TOO_LARGE"
    fields = " ".join(f"a{n}: ingest(messages: $messages) {{ refused }}" for n in range(5))
    answer = await house.ask(
        f"mutation($messages: [JSON!]!) {{ {fields} }}", source(house), {"messages": most}
    )
    assert answer["errors"][0]["extensions"]["code"] == "QUERY_TOO_EXPENSIVE"


async def test_a_mutation_is_never_asked_by_a_link(house: House) -> None:
    """A page that somebody opens changes nothing."""
    query = "mutation { ingest(messages: []) { accepted } }"
    headers = {"authorization": f"Bearer {source(house)}"}
    response = await house.http.get("/graphql", params={"query": query}, headers=headers)
    assert response.status_code == 405
