"""Kills whoever carries a request out, at each point it passes, and compares what the request came to.

One person's request passes every point undisturbed. For each point it named, another person's request is
carried out by a process that is killed there, and by a second one that is not.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discretion.domain.kit.workflow.lease import HELD_MS
from discretion.domain.requests.model import Asked, Asker, Assurance, Kind
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database, connect
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build
from tests.properties.erasure.worker_process import Place, carried

LATER_MS = HELD_MS + 1_000
ROUNDS = 200
"""Times that a request is carried on before it is taken for one that never ends."""


@dataclass(frozen=True)
class Town:
    """An installation, and where its processes find it."""

    house: House
    place: Place

    @property
    def database(self) -> Database:
        """Its database."""
        return self.house.platform.database

    async def settle(self, name: str) -> bytes:
        """Somebody new, known in two channels; the customer they are."""
        mail = f"{name}@shop.example"
        order = {"order_id": f"order-{name}", "total": "12.50", "currency": "EUR"}
        for source, event, told in (
            ("web-shop", "Product Viewed", {"product_id": "p-1"}),
            ("web-shop", "Order Completed", order),
        ):
            heard = await self.house.tell(
                source,
                {
                    "type": "identify",
                    "userId": name,
                    "messageId": f"{name}-i-{event}",
                    "traits": {"email": mail, "firstName": name, "address": {"country": "FR"}},
                },
                {
                    "type": "track",
                    "userId": name,
                    "event": event,
                    "messageId": f"{name}-{event}",
                    "properties": told,
                },
            )
            assert not heard["refused"], heard
        token = self.house.token("steward")
        found = await self.house.ask(
            'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }',
            token,
            {"v": mail},
        )
        named: str = found["data"]["customer"]["id"]
        customer = self.house.platform.conductor.revealer.pairwise.open("privacy-office", b"customer", named)
        assert customer is not None
        return customer

    async def file(self, customer: bytes, right: Right) -> bytes:
        """Their request; when this returns it is acknowledged."""
        asker = Asker(Kind.PERSON, "self:customer-app", "customer-app", "someone", Assurance.FRESH)
        return (await self.house.platform.rights.file(customer, Asked(right), asker)).id

    async def request(self, request: bytes) -> Mapping[str, Any]:
        """A request as it stands."""
        found = await self.house.platform.rights.requests.get(request)
        assert found is not None
        return found

    async def forget_the_dead(self) -> None:
        """Have MongoDB give up transactions that nobody ends, as it does by itself before a lease is over."""
        await self.database.command({"killAllSessions": []}, admin=True)

    async def finish(self, request: bytes, later_ms: int = 0) -> list[str]:
        """Carry a request out to its end; the points it passed."""
        passed: list[str] = []
        for _ in range(ROUNDS):
            passed += carried(self.place, request, later_ms=later_ms)
            told = await self.request(request)
            if "next" not in told:
                return passed
            later_ms = max(later_ms, told["next"] - self.house.platform.conductor.now_ms() + 1)
        raise AssertionError(f"it never ends: {told['steps']}")


@asynccontextmanager
async def opened(mongo_url: str, folder: Path) -> AsyncIterator[Town]:
    """An installation of its own."""
    commands = Commands()
    name = f"crash_{secrets.token_hex(6)}"
    database = await connect(mongo_url, name, "pymongo", [commands])
    house = await build(database, folder, commands)
    try:
        async with house.http:
            yield Town(house, Place(mongo_url, name, folder))
    finally:
        await database.command({"dropDatabase": 1})
        await database.close()


def ended(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a request came to, without names and times."""
    return {
        "state": request["state"],
        "turns": [one["state"] for one in request["history"]],
        "steps": [(one["name"], one["state"], shape(one.get("told"))) for one in request["steps"]],
        "members": sorted(request.keys() - {"v", "fence"}),
    }


def shape(told: Any) -> Any:
    """Names and kinds of what was told, without ids, times and texts; numbers of buckets are by chance."""
    if isinstance(told, Mapping):
        return {"#" if name.isdigit() else name: shape(one) for name, one in sorted(told.items())}
    if isinstance(told, list):
        return [shape(one) for one in told]
    return type(told).__name__


@dataclass(frozen=True, slots=True)
class Matrix:
    """What came of it: points there are, points killed at, and those after which it ended otherwise."""

    points: int
    killed: int
    wrong: list[str]


async def matrix(
    town: Town,
    right: Right,
    wanted: Callable[[Sequence[str]], Sequence[str]],
    told: Callable[[int, int], None] = lambda _done, _of: None,
) -> Matrix:
    """Kill at the points that are ``wanted`` of all; ``told`` how many are done, and of how many."""
    first = await town.file(await town.settle("ada"), right)
    points = list(dict.fromkeys(await town.finish(first)))
    whole = ended(await town.request(first))
    assert whole["state"] == "fulfilled"
    chosen = wanted(points)
    killed, wrong = 0, []
    for number, point in enumerate(chosen):
        told(number, len(chosen))
        request = await town.file(await town.settle(f"person{number}"), right)
        passed = carried(town.place, request, kill_at=point)
        killed += passed[-1] == point
        await town.forget_the_dead()
        await town.finish(request, LATER_MS)
        if ended(await town.request(request)) != whole:
            wrong.append(point)
    told(len(chosen), len(chosen))
    return Matrix(len(points), killed, wrong)


def some(points: Sequence[str]) -> list[str]:
    """Every fifth point that has a name, and some of those that are but an answer of MongoDB's."""
    answers = [one for one in points if " " in one]
    return [one for one in points if one not in answers][::5] + answers[:: max(1, len(answers) // 4)]
