"""A request is followed over WebSocket, by whoever may read it and for as long as their token holds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from discretion.edge.graphql.websocket import MAX_MESSAGE, MAX_OF_ONE
from tests.fixtures.platform import House, open_house
from tests.journeys.rights import REFUSAL, REVIEW, asked, listed, own, refused, somebody

FOLLOW = (
    "subscription($id: ID!) { rightsRequest(id: $id) { state reason refusal { law } messages { text } } }"
)
MESSAGE = "mutation($id: ID!, $text: String!) { messageRequest(id: $id, text: $text) { id } }"
DECIDE = (
    "mutation($id: ID!, $refusal: RefusalInput) { "
    "decideRequest(id: $id, accept: false, refusal: $refusal) { id } }"
)
PROTOCOL = Subprotocol("graphql-transport-ws")
WAIT_S = 10


@pytest_asyncio.fixture
async def served(mongo_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """A house behind a socket."""
    async with open_house(mongo_url, tmp_path) as house:
        yield house


def address(house: House) -> str:
    return str(house.http.base_url).replace("http://", "ws://").rstrip("/") + "/graphql"


@asynccontextmanager
async def connected(house: House, token: str, **options: Any) -> AsyncIterator[ClientConnection]:
    """A connection that has said who it is."""
    async with connect(address(house), subprotocols=[PROTOCOL], **options) as line:
        hello = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
        await line.send(json.dumps(hello))
        assert (await heard(line))["type"] == "connection_ack"
        yield line


async def heard(line: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(WAIT_S):
        message: dict[str, Any] = json.loads(await line.recv())
    return message


async def subscribe(line: ClientConnection, query: str, **variables: Any) -> None:
    payload = {"query": query, "variables": variables}
    await line.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))


async def code(line: ClientConnection) -> str:
    """The code of the error that comes next."""
    message = await heard(line)
    assert message["type"] == "error", message
    found: str = message["payload"][0]["extensions"]["code"]
    return found


async def closed(line: ClientConnection) -> int:
    """The code with which the connection ends."""
    async with asyncio.timeout(WAIT_S):
        with suppress(ConnectionClosed):
            async for _ in line:
                continue
    assert line.close_code is not None
    return line.close_code


async def test_each_change_is_pushed_and_on_record_until_the_end(served: House) -> None:
    token, steward = await own(served, await somebody(served)), served.token("steward")
    mine = await asked(served, token, REVIEW, decision="D-1")
    (waiting,) = await listed(served, steward)
    async with connected(served, token) as line:
        await subscribe(line, FOLLOW, id=mine["id"])
        first = await heard(line)
        assert first["payload"]["data"]["rightsRequest"]["state"] == "ACKNOWLEDGED"
        assert first["payload"]["extensions"]["disclosure"]["receipt"]
        await asked(served, steward, MESSAGE, id=waiting["id"], text="We look at it.")
        second = await heard(line)
        assert second["payload"]["data"]["rightsRequest"]["messages"] == [{"text": "We look at it."}]
        await asked(served, steward, DECIDE, id=waiting["id"], refusal=REFUSAL)
        third = await heard(line)
        assert third["payload"]["data"]["rightsRequest"]["state"] == "REJECTED"
        assert (await heard(line))["type"] == "complete"
    receipts = {one["payload"]["extensions"]["disclosure"]["receipt"] for one in (first, second, third)}
    told = await served.ask("{ me { disclosures { nodes { receipt } } } }", token)
    known = {one["receipt"] for one in told["data"]["me"]["disclosures"]["nodes"]}
    assert len(receipts) == 3
    assert receipts <= known


async def test_nobody_follows_what_they_may_not_read(served: House) -> None:
    mine = await own(served, await somebody(served))
    other = await own(served, await somebody(served, "bob"))
    request = await asked(served, mine, REVIEW, decision="D-1")
    async with connected(served, other) as line:
        await subscribe(line, FOLLOW, id=request["id"])
        message = await heard(line)
        said = message["payload"]
        assert said["data"] == {"rightsRequest": None}
        assert said["errors"][0]["extensions"]["code"] == "REQUEST_NOT_FOUND"
        assert (await heard(line))["type"] == "complete"


async def test_a_connection_ends_with_its_token(served: House) -> None:
    email = await somebody(served)
    token = await own(served, email)
    request = await asked(served, token, REVIEW, decision="D-1")
    subject = (await served.ask("{ me { id } }", token))["data"]["me"]["id"]
    short = served.token("customer", subject=subject, lifetime_s=2)
    async with connected(served, short) as line:
        await subscribe(line, FOLLOW, id=request["id"])
        assert (await heard(line))["type"] == "next"
        assert await closed(line) == 4401


async def test_only_who_says_who_they_are_is_served(served: House) -> None:
    for payload in ({}, {"authorization": "Bearer no.such.token"}, {"authorization": 1}):
        async with connect(address(served), subprotocols=[PROTOCOL]) as line:
            await line.send(json.dumps({"type": "connection_init", "payload": payload}))
            assert await closed(line) == 4403
    async with connect(address(served), subprotocols=[PROTOCOL]) as line:
        await subscribe(line, FOLLOW, id="x")
        assert await closed(line) == 4401


async def test_other_protocols_and_pages_of_others_are_turned_away(served: House) -> None:
    with pytest.raises(InvalidStatus):
        await connect(address(served), subprotocols=[Subprotocol("graphql-ws")])
    with pytest.raises(InvalidStatus):
        await connect(address(served), subprotocols=[PROTOCOL], origin="https://evil.example")  # type: ignore[arg-type]
    token = await own(served, await somebody(served))
    async with connected(served, token, origin=str(served.http.base_url).rstrip("/")):
        pass


async def test_what_http_would_refuse_is_refused_here(served: House) -> None:
    token = await own(served, await somebody(served))
    deep = "subscription { rightsRequest(id: 1) " + "{ laws " * 20 + "{ key }" + " }" * 20 + " }"
    async with connected(served, token) as line:
        for query, wanted in (
            ("{ me { id } }", "OPERATION_UNSUPPORTED"),
            ("mutation { optOutOfSale { id } }", "OPERATION_UNSUPPORTED"),
            ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
            (deep, "QUERY_TOO_DEEP"),
        ):
            await subscribe(line, query)
            assert await code(line) == wanted
        await line.send(json.dumps({"type": "ping", "payload": {"x": "y" * MAX_MESSAGE}}))
        assert await closed(line) == 1009
    assert await refused(served, token, FOLLOW, id="x") == "OPERATION_UNSUPPORTED"


async def test_nobody_takes_all_the_lines(served: House) -> None:
    """One who opens ever more connections is sent away; others still get through."""
    token, other = await own(served, await somebody(served)), await own(served, await somebody(served, "bob"))
    async with AsyncExitStack() as lines:
        for _ in range(MAX_OF_ONE):
            await lines.enter_async_context(connected(served, token))
        hello = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
        async with connect(address(served), subprotocols=[PROTOCOL]) as line:
            await line.send(json.dumps(hello))
            assert await closed(line) == 4403
        async with connected(served, other):
            pass
    async with connected(served, token):
        pass
