"""Erased means erased (promise 5): whatever comes late, twice, or while it happens, and in whatever order."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.fixtures.erasure_steps import BLIND, Erasing
from tests.fixtures.platform import House, open_house

EARLY, MS = "2026-05-01T10:00:00Z", 0.001
PEOPLE = 4
"""Erased side by side in one example, each on a schedule of their own."""


def messages(name: str) -> list[tuple[str, dict[str, Any]]]:
    """What sources tell of one person: themselves, their card, an alias, a device that joins them, deeds."""
    web, card, device = {"userId": f"w-{name}"}, {"userId": f"L-{name}"}, {"anonymousId": f"ck-{name}"}
    email = f"{name}@shop.example"
    told: list[tuple[str, dict[str, Any]]] = [
        ("web-shop", {"type": "identify", **web, "traits": {"firstName": name, "email": email}}),
        ("web-shop", {"type": "identify", **web, **device, "traits": {"email": email}}),
        (
            "web-shop",
            {"type": "track", "event": "Product Viewed", **device, "properties": {"product_id": "P"}},
        ),
        ("web-shop", {"type": "alias", **web, "previousId": f"ck-{name}"}),
        ("web-shop", {"type": "track", "event": "Undeclared", **web}),
        ("tills", {"type": "identify", **card, "traits": {"email": email, "lastName": f"Of {name}"}}),
        (
            "tills",
            {
                "type": "track",
                "event": "Order Completed",
                **card,
                "properties": {"order_id": "o", "total": 1},
            },
        ),
        ("web-shop", {"type": "consent", **web, "purposes": {"marketing": True}, "method": "web_form"}),
        ("ios-app", {"type": "identify", "anonymousId": f"d-{name}", "traits": {"email": email}}),
    ]
    return [
        (source, {**one, "messageId": f"{name}-{number}", "timestamp": EARLY})
        for number, (source, one) in enumerate(told)
    ]


@st.composite
def schedules(draw: st.DrawFn) -> list[tuple[int, int]]:
    """For each message, by its number: when it is sent, in ms around the erasure; some are sent again."""
    every = range(len(messages("x")))
    sent = [(number, draw(st.integers(-30, 30))) for number in every]
    return [*sent, *((draw(st.sampled_from(every)), draw(st.integers(-10, 60))) for _ in range(4))]


def test_nobody_comes_back(mongo_url: str, tmp_path: Path) -> None:
    """After messages, erasure and repetitions have run beside each other, nothing has a name of theirs."""
    numbers = iter(range(10_000))
    with asyncio.Runner() as runner:
        opened = open_house(mongo_url, tmp_path)
        house = runner.run(opened.__aenter__())

        @given(st.lists(schedules(), min_size=PEOPLE, max_size=PEOPLE))
        @settings(max_examples=4, deadline=None, derandomize=True, database=None, phases=(Phase.generate,))
        def law(plans: list[list[tuple[int, int]]]) -> None:
            runner.run(_together(house, [(f"p{next(numbers)}", plan) for plan in plans]))

        try:
            law()
        finally:
            runner.run(opened.__aexit__(None, None, None))


async def _together(house: House, plans: list[tuple[str, list[tuple[int, int]]]]) -> None:
    await asyncio.gather(*(_one(house, name, plan) for name, plan in plans))
    for name, _ in plans:
        await _gone(house, name)


async def _one(house: House, name: str, plan: list[tuple[int, int]]) -> None:
    """One person: known, then erased while messages come."""
    erasing, told = Erasing(house), messages(name)
    await house.tell(*told[0])
    customer = await erasing.customer("email", f"{name}@shop.example")
    assert customer is not None

    async def send(number: int, at: int) -> None:
        await asyncio.sleep((30 + at) * MS)
        await house.tell(*told[number])

    async def erase() -> None:
        await asyncio.sleep(30 * MS)
        await erasing.whole(customer)

    await asyncio.gather(erase(), *(send(number, at) for number, at in plan))
    for one in told:  # and all of it again, when it is over
        await house.tell(*one)


async def _gone(house: House, name: str) -> None:
    """A card that nobody had said was theirs is somebody's of whom nothing else is known; it may stay."""
    database, email = house.platform.database, BLIND.of("email", f"{name}@shop.example")
    web = BLIND.of("record", "web-shop", "user_id", f"w-{name}")
    for collection, wanted in (
        ("identifiers", {"_id": email}),
        ("source_records", {"$or": [{"_id": web}, {"ids.e": email}]}),
        ("messages", {"record": web}),
        ("consents", {"records": web}),
        ("dead_letters", {"marks": {"$in": [email, BLIND.of("user_id", f"w-{name}")]}}),
        ("events", {"record": web}),
    ):
        assert await database.count(collection, wanted) == 0, collection
