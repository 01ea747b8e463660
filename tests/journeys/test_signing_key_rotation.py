"""Signing keys are rotated: nobody has to log in again, no server is restarted, and receipts stay valid."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from discretion.store.driver.database import Database
from discretion.token.key_schedule import PUBLICATION_MS, RETIREMENT_MS
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import ROOT_KEY, PlatformUnderTest, build_test_platform
from tests.fixtures.server_process import run_command, start_server
from tests.fixtures.waiting import WAIT_S
from tests.journeys.consent import EMAIL, create_ann, give_consent

DAY_S = 86_400
# The library prefers the algorithm names of RFC 9864, which include the curve; ours is of RFC 8037.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
ME = "{ me { id } }"


def read_kid(token: str) -> str:
    """Return the id of the key that signed a token or a receipt."""
    header = token.partition(".")[0]
    kid: str = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    return kid


async def fetch_keys(http: httpx.AsyncClient, name: str = "jwks") -> Any:
    """Return a published set of keys."""
    response = await http.get(f"/.well-known/{name}.json")
    assert response.headers["cache-control"] == "public, max-age=300"
    return response.json()


async def list_published(http: httpx.AsyncClient) -> set[str]:
    """Return the ids of the keys that verify tokens."""
    return {jwk["kid"] for jwk in (await fetch_keys(http))["keys"]}


async def is_accepted(platform: PlatformUnderTest, token: str) -> bool:
    """Return whether a token is accepted."""
    return (await platform.post_query(ME, token)).status_code == 200


async def test_tokens_and_receipts_outlive_a_rotation(
    database: Database, commands: CommandRecorder, tmp_path: Path
) -> None:
    """Tokens are accepted until they expire, new ones are signed with the new key, the old key goes after
    the longest token, and a receipt that it signed can still be verified.
    """
    clock = Clock("2026-05-04T09:00:00Z")
    platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    async with platform.http as http:
        customer_token = await create_ann(platform)
        payload = await give_consent(platform, customer_token, EMAIL)
        receipt = payload["receipts"][0]["jws"]
        before = platform.issue_token("support", lifetime_s=DAY_S)
        old_key = read_kid(before)
        assert await list_published(http) == {old_key}

        await platform.internals.signing_keys.rotate()
        published = await list_published(http)
        assert len(published) == 2
        (new_key,) = published - {old_key}
        last_of_old_key = platform.issue_token("support", lifetime_s=DAY_S)
        assert read_kid(last_of_old_key) == old_key

        clock.advance(PUBLICATION_MS)
        after = platform.issue_token("support", lifetime_s=DAY_S)
        assert read_kid(after) == new_key
        assert await list_published(http) == {old_key, new_key}
        assert [await is_accepted(platform, token) for token in (before, last_of_old_key, after)] == [
            True
        ] * 3

        clock.advance(RETIREMENT_MS)
        assert await list_published(http) == {new_key}
        assert not await is_accepted(platform, before)
        assert await is_accepted(platform, platform.issue_token("support"))

        assert read_kid(receipt) == old_key
        receipt_keys = KeySet.import_key_set(await fetch_keys(http, "receipt-keys"))
        claims = json.loads(jws.deserialize_compact(receipt, receipt_keys, algorithms=["EdDSA"]).payload)
        assert claims["jti"] == payload["receipts"][0]["id"]


async def test_leaked_keys_end_all_tokens(
    database: Database, commands: CommandRecorder, tmp_path: Path
) -> None:
    """Also those that the server has verified before and remembers."""
    platform = await build_test_platform(database, tmp_path, commands)
    async with platform.http as http:
        before = platform.issue_token("support")
        assert await is_accepted(platform, before)
        await platform.internals.signing_keys.replace_leaked()
        assert not await is_accepted(platform, before)
        after = platform.issue_token("support")
        assert await is_accepted(platform, after)
        assert await list_published(http) == {read_kid(after)}


async def test_running_servers_take_up_a_rotation(database: Database, mongo_url: str, tmp_path: Path) -> None:
    """``discretion keys rotate`` needs no restart of the servers of the same data folder."""
    settings = {
        "DISCRETION_MONGO_URL": mongo_url,
        "DISCRETION_MONGO_DATABASE": database.name,
        "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT_KEY).decode(),
        "DISCRETION_DATA_DIR": str(tmp_path),
        "DISCRETION_BUCKETS": "64",
    }
    with (
        start_server(settings, tmp_path / "one.log") as first_server,
        start_server(settings, tmp_path / "two.log") as second_server,
    ):
        output = run_command(settings, "keys", "rotate")
        kids = {line.split()[0] for line in output.splitlines()}
        assert len(kids) == 2
        for server in (first_server, second_server):
            async with httpx.AsyncClient(base_url=server.url) as http, asyncio.timeout(WAIT_S):
                # No event tells that another process has looked at the file.
                while await list_published(http) != kids:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
    # The database holds a fingerprint of the keys that it was set up with: it is the same after a rotation.
    with start_server(settings, tmp_path / "later.log") as later_server:
        async with httpx.AsyncClient(base_url=later_server.url) as http:
            assert await list_published(http) == kids
