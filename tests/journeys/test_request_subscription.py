"""A rights request is followed over WebSocket by callers who may read it, while their token is valid."""

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

from discretion.edge.graphql.websocket import MAX_MESSAGE, MAX_PER_CALLER
from tests.fixtures.platform import PlatformUnderTest, open_platform
from tests.fixtures.waiting import WAIT_S
from tests.journeys.rights import (
    REFUSAL,
    REVIEW,
    create_customer,
    issue_own_token,
    list_requests,
    run_operation,
    run_refused_operation,
)

FOLLOW = (
    "subscription($id: ID!) { rightsRequest(id: $id) { state reason refusal { law } messages { text } } }"
)
MESSAGE = "mutation($id: ID!, $text: String!) { messageRequest(id: $id, text: $text) { id } }"
DECIDE = (
    "mutation($id: ID!, $refusal: RefusalInput) { "
    "decideRequest(id: $id, accept: false, refusal: $refusal) { id } }"
)
PROTOCOL = Subprotocol("graphql-transport-ws")


@pytest_asyncio.fixture
async def platform(mongo_url: str, tmp_path: Path) -> AsyncIterator[PlatformUnderTest]:
    """Yield a platform that listens on a socket."""
    async with open_platform(mongo_url, tmp_path) as platform:
        yield platform


def build_websocket_url(platform: PlatformUnderTest) -> str:
    return str(platform.http.base_url).replace("http://", "ws://").rstrip("/") + "/graphql"


@asynccontextmanager
async def open_connection(
    platform: PlatformUnderTest, token: str, **options: Any
) -> AsyncIterator[ClientConnection]:
    """Open a connection and authenticate it."""
    async with connect(build_websocket_url(platform), subprotocols=[PROTOCOL], **options) as connection:
        init_message = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
        await connection.send(json.dumps(init_message))
        assert (await receive(connection))["type"] == "connection_ack"
        yield connection


async def receive(connection: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(WAIT_S):
        message: dict[str, Any] = json.loads(await connection.recv())
    return message


async def subscribe(connection: ClientConnection, query: str, **variables: Any) -> None:
    payload = {"query": query, "variables": variables}
    await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))


async def read_error_code(connection: ClientConnection) -> str:
    """Return the code of the next message, which must be an error."""
    message = await receive(connection)
    assert message["type"] == "error", message
    error_code: str = message["payload"][0]["extensions"]["code"]
    return error_code


async def wait_until_closed(connection: ClientConnection) -> int:
    """Read until the connection ends and return its close code."""
    async with asyncio.timeout(WAIT_S):
        with suppress(ConnectionClosed):
            async for _ in connection:
                continue
    assert connection.close_code is not None
    return connection.close_code


async def test_each_change_is_pushed_and_recorded_until_the_request_ends(platform: PlatformUnderTest) -> None:
    token, steward = (
        await issue_own_token(platform, await create_customer(platform)),
        platform.issue_token("steward"),
    )
    own_request = await run_operation(platform, token, REVIEW, decision="D-1")
    (pending,) = await list_requests(platform, steward)
    async with open_connection(platform, token) as connection:
        await subscribe(connection, FOLLOW, id=own_request["id"])
        first = await receive(connection)
        assert first["payload"]["data"]["rightsRequest"]["state"] == "ACKNOWLEDGED"
        assert first["payload"]["extensions"]["disclosure"]["receipt"]
        await run_operation(platform, steward, MESSAGE, id=pending["id"], text="We look at it.")
        second = await receive(connection)
        assert second["payload"]["data"]["rightsRequest"]["messages"] == [{"text": "We look at it."}]
        await run_operation(platform, steward, DECIDE, id=pending["id"], refusal=REFUSAL)
        third = await receive(connection)
        assert third["payload"]["data"]["rightsRequest"]["state"] == "REJECTED"
        assert (await receive(connection))["type"] == "complete"
    receipts = {
        message["payload"]["extensions"]["disclosure"]["receipt"] for message in (first, second, third)
    }
    answer = await platform.query("{ me { disclosures { nodes { receipt } } } }", token)
    listed = {disclosure["receipt"] for disclosure in answer["data"]["me"]["disclosures"]["nodes"]}
    assert len(receipts) == 3
    assert receipts <= listed


async def test_a_caller_cannot_follow_the_request_of_another_customer(platform: PlatformUnderTest) -> None:
    own_token = await issue_own_token(platform, await create_customer(platform))
    other_token = await issue_own_token(platform, await create_customer(platform, "bob"))
    request = await run_operation(platform, own_token, REVIEW, decision="D-1")
    async with open_connection(platform, other_token) as connection:
        await subscribe(connection, FOLLOW, id=request["id"])
        message = await receive(connection)
        payload = message["payload"]
        assert payload["data"] == {"rightsRequest": None}
        assert payload["errors"][0]["extensions"]["code"] == "REQUEST_NOT_FOUND"
        assert (await receive(connection))["type"] == "complete"


async def test_a_connection_ends_when_its_token_expires(platform: PlatformUnderTest) -> None:
    email = await create_customer(platform)
    token = await issue_own_token(platform, email)
    request = await run_operation(platform, token, REVIEW, decision="D-1")
    account = await platform.find_account("email", email)
    short_token = platform.issue_token("customer", subject=account, lifetime_s=2)
    async with open_connection(platform, short_token) as connection:
        await subscribe(connection, FOLLOW, id=request["id"])
        assert (await receive(connection))["type"] == "next"
        assert await wait_until_closed(connection) == 4401


async def test_an_unauthenticated_connection_is_closed(platform: PlatformUnderTest) -> None:
    for payload in ({}, {"authorization": "Bearer no.such.token"}, {"authorization": 1}):
        async with connect(build_websocket_url(platform), subprotocols=[PROTOCOL]) as connection:
            await connection.send(json.dumps({"type": "connection_init", "payload": payload}))
            assert await wait_until_closed(connection) == 4403
    async with connect(build_websocket_url(platform), subprotocols=[PROTOCOL]) as connection:
        await subscribe(connection, FOLLOW, id="x")
        assert await wait_until_closed(connection) == 4401


async def test_other_protocols_and_foreign_origins_are_refused(platform: PlatformUnderTest) -> None:
    with pytest.raises(InvalidStatus):
        await connect(build_websocket_url(platform), subprotocols=[Subprotocol("graphql-ws")])
    with pytest.raises(InvalidStatus):
        await connect(build_websocket_url(platform), subprotocols=[PROTOCOL], origin="https://evil.example")  # type: ignore[arg-type]
    token = await issue_own_token(platform, await create_customer(platform))
    async with open_connection(platform, token, origin=str(platform.http.base_url).rstrip("/")):
        pass


async def test_operations_that_http_refuses_are_refused_over_websocket(platform: PlatformUnderTest) -> None:
    token = await issue_own_token(platform, await create_customer(platform))
    deep_query = "subscription { rightsRequest(id: 1) " + "{ laws " * 20 + "{ key }" + " }" * 20 + " }"
    async with open_connection(platform, token) as connection:
        for query, expected_code in (
            ("{ me { id } }", "OPERATION_UNSUPPORTED"),
            ("mutation { optOutOfSale { id } }", "OPERATION_UNSUPPORTED"),
            ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
            (deep_query, "QUERY_TOO_DEEP"),
        ):
            await subscribe(connection, query)
            assert await read_error_code(connection) == expected_code
        await connection.send(json.dumps({"type": "ping", "payload": {"x": "y" * MAX_MESSAGE}}))
        assert await wait_until_closed(connection) == 1009
    assert await run_refused_operation(platform, token, FOLLOW, id="x") == "OPERATION_UNSUPPORTED"


async def test_the_number_of_connections_per_caller_is_limited(platform: PlatformUnderTest) -> None:
    """The connection above the limit is refused; other callers still connect."""
    token, other_token = (
        await issue_own_token(platform, await create_customer(platform)),
        await issue_own_token(platform, await create_customer(platform, "bob")),
    )
    async with AsyncExitStack() as connections:
        for _ in range(MAX_PER_CALLER):
            await connections.enter_async_context(open_connection(platform, token))
        init_message = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
        async with connect(build_websocket_url(platform), subprotocols=[PROTOCOL]) as connection:
            await connection.send(json.dumps(init_message))
            assert await wait_until_closed(connection) == 4403
        async with open_connection(platform, other_token):
            pass
    async with open_connection(platform, token):
        pass
