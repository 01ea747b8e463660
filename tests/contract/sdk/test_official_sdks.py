"""The published SDKs of Segment and RudderStack, configured with a host and a write key only.

Each SDK runs in its own process and sends through a proxy to a served platform. The tests read the result
over GraphQL.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.contract.sdk.proxy import run_proxy
from tests.fixtures.money import build_money
from tests.fixtures.node import NODE, npm_install
from tests.fixtures.platform import PlatformUnderTest, open_platform
from tests.fixtures.waiting import WAIT_S

HERE = Path(__file__).resolve().parent

Call = tuple[str, dict[str, Any]]
"""The name of a method of an SDK and its arguments."""


@dataclass(frozen=True)
class Sdk:
    """A program that uses one SDK, and the properties of the requests that this SDK sends."""

    name: str
    command: Sequence[str]
    user_agent: str
    uses_gzip: bool = False
    options: dict[str, Any] = field(default_factory=dict)


PYTHON = (sys.executable, "send.py")
SDKS = [
    Sdk("segment-python", (*PYTHON, "segment"), "analytics-python/2.4.0"),
    Sdk("segment-python-gzip", (*PYTHON, "segment"), "analytics-python/2.4.0", True, {"gzip": True}),
    Sdk("rudderstack-python", (*PYTHON, "rudderstack"), "analytics-python/2.1.9", True),
    Sdk(
        "rudderstack-python-flat", (*PYTHON, "rudderstack"), "analytics-python/2.1.9", False, {"gzip": False}
    ),
    Sdk("segment-node", (NODE, "send.mjs"), "analytics-node-next/latest"),
]
DEFAULT_SDKS = [sdk for sdk in SDKS if not sdk.options]
"""Every SDK once, with its default options."""

ORDER = {"order_id": "o-1", "total": 19.99, "currency": "EUR"}
ANN_TRAITS = {"firstName": "Ann", "email": "Ann@Shop.Example"}
WEB_CALLS: list[Call] = [
    ("page", {"anonymousId": "ck-0", "name": "Landing", "properties": {"path": "/"}}),
    (
        "identify",
        {"userId": "w-1", "anonymousId": "ck-1", "traits": ANN_TRAITS},
    ),
    ("track", {"userId": "w-1", "event": "Order Completed", "properties": ORDER}),
    ("page", {"userId": "w-1", "name": "Home", "category": "Shop"}),
    ("group", {"userId": "w-1", "groupId": "platform-1", "traits": {"role": "owner"}}),
    ("alias", {"userId": "w-1", "previousId": "ck-0"}),
]
APP_CALLS: list[Call] = [
    ("identify", {"userId": "w-1", "traits": {"email": "ann@shop.example"}}),
    ("screen", {"userId": "w-1", "name": "Basket"}),
]
EXPECTED_EVENTS = [
    ("Order Completed", "web", {**ORDER, "total": build_money("19.99")}),
    ("group", "web", {"groupId": "platform-1", "role": "owner"}),
    ("page", "web", {"name": "Home", "category": "Shop"}),
    ("page", "web", {"name": "Landing", "path": "/"}),
    ("screen", "app", {"name": "Basket"}),
]
ME_QUERY = """{ me {
  identity { givenName } contact { email } commerce { orderCount lifetimeValue { amount currency } }
  events(first: 50) { nodes { name channel properties } }
} }"""


@pytest_asyncio.fixture
async def served_platform(mongo_url: str, tmp_path: Path) -> AsyncIterator[PlatformUnderTest]:
    """A platform that is served on a socket."""
    npm_install(HERE.parent)
    async with open_platform(mongo_url, tmp_path) as platform:
        yield platform


async def run_sdk_program(sdk: Sdk, host: str, key: str, calls: Sequence[Call]) -> list[str]:
    """Run a program that makes these calls, and return the errors that its SDK reported."""
    program = await asyncio.create_subprocess_exec(
        *sdk.command,
        cwd=HERE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    program_input = json.dumps({"host": host, "key": key, "calls": calls, "options": sdk.options})
    try:
        out, err = await asyncio.wait_for(program.communicate(program_input.encode()), WAIT_S)
    except TimeoutError:
        program.kill()
        await program.wait()
        raise
    assert program.returncode == 0, err.decode()
    errors: list[str] = json.loads(out)
    return errors


async def read_ann(platform: PlatformUnderTest) -> dict[str, Any]:
    """Return the profile and events of Ann, and check that she is the only customer."""
    answer = await platform.query("{ customers { totalCount } }", platform.issue_token("support"))
    assert answer["data"]["customers"]["totalCount"] == 1
    answer = await platform.query(ME_QUERY, await platform.issue_customer_token("email", "ann@shop.example"))
    me: dict[str, Any] = answer["data"]["me"]
    return me


def list_events(me: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the name, channel and properties of her events, in a fixed order and without nulls."""
    events = [
        (event["name"], event["channel"], _remove_nulls(event["properties"]))
        for event in me["events"]["nodes"]
    ]
    return sorted(events, key=lambda event: (event[0], event[2].get("name", "")))


def _remove_nulls(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None}


@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
async def test_the_calls_of_an_sdk_reach_one_profile_exactly_once(
    served_platform: PlatformUnderTest, sdk: Sdk
) -> None:
    """Every kind of call, from the web and from the app: one person, and each event once."""
    async with run_proxy(served_platform.internals.app) as proxy:
        assert await run_sdk_program(sdk, proxy.url, served_platform.write_keys["web-shop"], WEB_CALLS) == []
        assert await run_sdk_program(sdk, proxy.url, served_platform.write_keys["ios-app"], APP_CALLS) == []
    me = await read_ann(served_platform)
    assert me["identity"] == {"givenName": "Ann"}
    assert me["contact"]["email"].lower() == "ann@shop.example"
    assert me["commerce"] == {"orderCount": 1, "lifetimeValue": build_money("19.99")}
    assert list_events(me) == EXPECTED_EVENTS
    assert {path for path, _ in proxy.requests} == {"/v1/batch"}
    assert {headers["user-agent"] for _, headers in proxy.requests} == {sdk.user_agent}
    assert {headers.get("content-encoding") == "gzip" for _, headers in proxy.requests} == {sdk.uses_gzip}


@pytest.mark.parametrize("sdk", DEFAULT_SDKS, ids=lambda sdk: sdk.name)
async def test_retries_of_an_sdk_create_no_duplicates(served_platform: PlatformUnderTest, sdk: Sdk) -> None:
    """The messages were accepted and two responses were lost, so the SDK sends all messages twice more."""
    async with run_proxy(served_platform.internals.app, lost_statuses=(503, 429)) as proxy:
        assert await run_sdk_program(sdk, proxy.url, served_platform.write_keys["web-shop"], WEB_CALLS) == []
        assert len(proxy.requests) >= 3
        assert await run_sdk_program(sdk, proxy.url, served_platform.write_keys["ios-app"], APP_CALLS) == []
    me = await read_ann(served_platform)
    assert me["commerce"] == {"orderCount": 1, "lifetimeValue": build_money("19.99")}
    assert list_events(me) == EXPECTED_EVENTS


@pytest.mark.parametrize("sdk", DEFAULT_SDKS, ids=lambda sdk: sdk.name)
async def test_an_sdk_with_an_invalid_key_reports_an_error_without_retrying(
    served_platform: PlatformUnderTest, sdk: Sdk
) -> None:
    """The SDK reports an error and sends one request, and no customer is created."""
    async with run_proxy(served_platform.internals.app) as proxy:
        errors = await run_sdk_program(sdk, proxy.url, "wrong", WEB_CALLS)
    assert len(proxy.requests) == 1
    assert errors
    expected_error = "401" if sdk.command[0] == NODE else "WRITE_KEY_INVALID"
    assert all(expected_error in error for error in errors)
    answer = await served_platform.query(
        "{ customers { totalCount } }", served_platform.issue_token("support")
    )
    assert answer["data"]["customers"]["totalCount"] == 0
