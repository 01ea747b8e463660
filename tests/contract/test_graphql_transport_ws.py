"""Subscriptions over WebSocket, read by graphql-ws, the client of the authors of the protocol."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.fixtures.node import NODE, npm_install
from tests.fixtures.platform import open_platform
from tests.fixtures.waiting import WAIT_S
from tests.journeys.rights import REVIEW, WITHDRAW, create_customer, issue_own_token, run_operation

HERE = Path(__file__).resolve().parent


async def test_the_graphql_ws_client_follows_a_request_to_its_end(mongo_url: str, tmp_path: Path) -> None:
    npm_install(HERE)
    async with open_platform(mongo_url, tmp_path) as platform:
        token = await issue_own_token(platform, await create_customer(platform))
        request = await run_operation(platform, token, REVIEW, decision="D-1")
        url = str(platform.http.base_url).replace("http://", "ws://").rstrip("/") + "/graphql"
        client = await asyncio.create_subprocess_exec(
            *(NODE, "follow.mjs", url, token, request["id"]), cwd=HERE, stdout=asyncio.subprocess.PIPE
        )
        assert client.stdout is not None
        async with asyncio.timeout(WAIT_S):
            assert (await client.stdout.readline()).strip() == b"ACKNOWLEDGED"
            await run_operation(platform, token, WITHDRAW, id=request["id"])
            assert (await client.stdout.readline()).strip() == b"WITHDRAWN"
            assert await client.wait() == 0
