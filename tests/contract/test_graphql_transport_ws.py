"""Subscriptions, as the client that most pages use reads them: graphql-ws, by who wrote the protocol down."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.fixtures.node import NODE, npm_install
from tests.fixtures.platform import open_house
from tests.journeys.rights import REVIEW, WITHDRAW, asked, own, somebody

HERE = Path(__file__).resolve().parent


async def test_the_client_of_the_protocol_follows_a_request_to_its_end(
    mongo_url: str, tmp_path: Path
) -> None:
    npm_install(HERE)
    async with open_house(mongo_url, tmp_path) as house:
        token = await own(house, await somebody(house))
        request = await asked(house, token, REVIEW, decision="D-1")
        url = str(house.http.base_url).replace("http://", "ws://").rstrip("/") + "/graphql"
        client = await asyncio.create_subprocess_exec(
            *(NODE, "follow.mjs", url, token, request["id"]), cwd=HERE, stdout=asyncio.subprocess.PIPE
        )
        assert client.stdout is not None
        async with asyncio.timeout(30):
            assert (await client.stdout.readline()).strip() == b"ACKNOWLEDGED"
            await asked(house, token, WITHDRAW, id=request["id"])
            assert (await client.stdout.readline()).strip() == b"WITHDRAWN"
            assert await client.wait() == 0
