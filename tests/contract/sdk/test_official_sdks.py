"""SDKs of Segment and RudderStack, as their makers publish them, told a host and a key and nothing else.

Each is a program of its own that speaks through a proxy to a served house; what it said is read back
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

from tests.contract.sdk.proxy import fronted
from tests.fixtures.node import NODE, npm_install
from tests.fixtures.platform import House, open_house

HERE = Path(__file__).resolve().parent
WAIT_S = 60

Call = tuple[str, dict[str, Any]]
"""A method of an SDK and what it is given."""


@dataclass(frozen=True)
class Sdk:
    """How to run a program that speaks through an SDK."""

    name: str
    command: Sequence[str]
    agent: str
    packed: bool = False
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
EACH = [one for one in SDKS if not one.options]
"""Every SDK once, as it comes."""

BOUGHT = {"order_id": "o-1", "total": 19.99, "currency": "EUR"}
ANN = {"firstName": "Ann", "email": "Ann@Shop.Example"}
WEB: list[Call] = [
    ("page", {"anonymousId": "ck-0", "name": "Landing", "properties": {"path": "/"}}),
    (
        "identify",
        {"userId": "w-1", "anonymousId": "ck-1", "traits": ANN},
    ),
    ("track", {"userId": "w-1", "event": "Order Completed", "properties": BOUGHT}),
    ("page", {"userId": "w-1", "name": "Home", "category": "Shop"}),
    ("group", {"userId": "w-1", "groupId": "house-1", "traits": {"role": "owner"}}),
    ("alias", {"userId": "w-1", "previousId": "ck-0"}),
]
APP: list[Call] = [
    ("identify", {"userId": "a-1", "traits": {"email": "ann@shop.example"}}),
    ("screen", {"userId": "a-1", "name": "Basket"}),
]
HAPPENED = [
    ("Order Completed", "web", BOUGHT),
    ("group", "web", {"groupId": "house-1", "role": "owner"}),
    ("page", "web", {"name": "Home", "category": "Shop"}),
    ("page", "web", {"name": "Landing", "path": "/"}),
    ("screen", "app", {"name": "Basket"}),
]
ME = """{ me {
  identity { givenName } contact { email } commerce { orderCount lifetimeValue }
  events(first: 50) { nodes { name channel properties } }
} }"""


@pytest_asyncio.fixture
async def served(mongo_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """A house behind a socket."""
    npm_install(HERE.parent)
    async with open_house(mongo_url, tmp_path) as house:
        yield house


async def say(sdk: Sdk, host: str, key: str, calls: Sequence[Call]) -> list[str]:
    """Have a program say this; what its SDK reported as gone wrong."""
    program = await asyncio.create_subprocess_exec(
        *sdk.command,
        cwd=HERE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told = json.dumps({"host": host, "key": key, "calls": calls, "options": sdk.options})
    try:
        out, err = await asyncio.wait_for(program.communicate(told.encode()), WAIT_S)
    except TimeoutError:
        program.kill()
        await program.wait()
        raise
    assert program.returncode == 0, err.decode()
    errors: list[str] = json.loads(out)
    return errors


async def read_back(house: House) -> dict[str, Any]:
    """Everything that is known of Ann, who is the only customer."""
    answer = await house.ask("{ customers { totalCount } }", house.token("support"))
    assert answer["data"]["customers"]["totalCount"] == 1
    answer = await house.ask(ME, await house.own_token("email", "ann@shop.example"))
    me: dict[str, Any] = answer["data"]["me"]
    return me


def happened(me: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Her events, in a fixed order, without what was not said."""
    nodes = [(one["name"], one["channel"], _said(one["properties"])) for one in me["events"]["nodes"]]
    return sorted(nodes, key=lambda one: (one[0], one[2].get("name", "")))


def _said(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None}


@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
async def test_what_an_sdk_is_told_is_what_is_known(served: House, sdk: Sdk) -> None:
    """All it can say, on the web and in the app: one person, and everything that happened, once."""
    async with fronted(served.platform.app) as front:
        assert await say(sdk, front.url, served.keys["web-shop"], WEB) == []
        assert await say(sdk, front.url, served.keys["ios-app"], APP) == []
    me = await read_back(served)
    assert me["identity"] == {"givenName": "Ann"}
    assert me["contact"]["email"].lower() == "ann@shop.example"
    assert me["commerce"] == {"orderCount": 1, "lifetimeValue": 19.99}
    assert happened(me) == HAPPENED
    assert {path for path, _ in front.asked} == {"/v1/batch"}
    assert {headers["user-agent"] for _, headers in front.asked} == {sdk.agent}
    assert {headers.get("content-encoding") == "gzip" for _, headers in front.asked} == {sdk.packed}


@pytest.mark.parametrize("sdk", EACH, ids=lambda sdk: sdk.name)
async def test_an_sdk_that_asks_again_doubles_nothing(served: House, sdk: Sdk) -> None:
    """Its messages were taken in and the answers lost on the way: it sends all of them twice more."""
    async with fronted(served.platform.app, lost=(503, 429)) as front:
        assert await say(sdk, front.url, served.keys["web-shop"], WEB) == []
        assert len(front.asked) >= 3
        assert await say(sdk, front.url, served.keys["ios-app"], APP) == []
    me = await read_back(served)
    assert me["commerce"] == {"orderCount": 1, "lifetimeValue": 19.99}
    assert happened(me) == HAPPENED


@pytest.mark.parametrize("sdk", EACH, ids=lambda sdk: sdk.name)
async def test_an_sdk_with_a_wrong_key_says_so_at_once(served: House, sdk: Sdk) -> None:
    """It reports an error, asks no second time, and nobody is known."""
    async with fronted(served.platform.app) as front:
        errors = await say(sdk, front.url, "wrong", WEB)
    assert len(front.asked) == 1
    assert errors
    wanted = "401" if sdk.command[0] == NODE else "WRITE_KEY_INVALID"
    assert all(wanted in error for error in errors)
    answer = await served.ask("{ customers { totalCount } }", served.token("support"))
    assert answer["data"]["customers"]["totalCount"] == 0
