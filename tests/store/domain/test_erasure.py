"""What overlaps an erasure: two transactions that do not see each other, and one of them runs again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from discretion.store.driver.database import Session
from tests.fixtures.erasure_steps import BLIND, STEPS, Erasing
from tests.fixtures.platform import House
from tests.store.domain.erasure.test_profile_deletion import ANN, LATER, WEB, order, viewed


@pytest.fixture
def erasing(house: House) -> Erasing:
    """Erases customers of the house."""
    return Erasing(house)


async def overlapping(erasing: Erasing, customer: bytes, *messages: tuple[str, dict[str, Any]]) -> None:
    """Messages whose transactions read the tombstones before the erasure commits, and write after it."""
    house, database = erasing.house, erasing.house.platform.database
    reached, go, find = asyncio.Event(), asyncio.Event(), database.find

    async def slow(collection: str, *args: Any, session: Session | None = None, **more: Any) -> Any:
        found = await find(collection, *args, session=session, **more)
        if collection == "tombstones" and session is not None and not reached.is_set():
            reached.set()
            await go.wait()
        return found

    database.find = slow  # type: ignore[method-assign]
    try:
        under_way = [asyncio.create_task(house.tell(*one)) for one in messages]
        await reached.wait()
        request = await erasing.request(customer)
        steps = house.platform.erasing
        await erasing.step(request, steps.depart, 0)
        await erasing.step(request, steps.purge, 1)
        go.set()
        await asyncio.gather(*under_way)
        await erasing.step(request, steps.verify, STEPS.index("verify"))
    finally:
        database.find = find  # type: ignore[method-assign]


async def test_a_message_under_way_is_erased_with_the_rest_or_refused(erasing: Erasing) -> None:
    """An ingest that began before the erasure and ends after it conflicts, reads again, and is refused."""
    house = erasing.house
    await house.tell("web-shop", ANN)
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    await overlapping(erasing, customer, ("web-shop", order("o1", WEB)))
    for name in ("customers", "source_records", "identifiers", "events"):
        assert await house.platform.database.count(name, {}) == 0, name


async def test_a_refused_message_under_way_is_not_kept(erasing: Erasing) -> None:
    """It changes no customer; it and the erasure meet at a gate."""
    house = erasing.house
    await house.tell("web-shop", ANN)
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    bad = {"type": "track", "event": "Undeclared", "messageId": "x1", **WEB}
    await overlapping(erasing, customer, ("web-shop", bad))
    assert await house.platform.database.count("dead_letters", {}) == 0


async def test_a_device_that_only_the_erased_had_is_not_named_by_a_message_under_way(
    erasing: Erasing,
) -> None:
    """More records of theirs name it than may link people, so that naming it changes no customer."""
    house = erasing.house
    device = {"device": {"id": "D-1"}}
    mail = {"email": "ann@shop.example"}
    for number in range(7):
        one = {"type": "identify", "anonymousId": f"d-{number}", "messageId": f"d{number}"}
        await house.tell("ios-app", {**one, "context": device, "traits": mail, "timestamp": LATER})
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    late = {**viewed("v1", {"anonymousId": "d-new"}), "context": device}
    await overlapping(erasing, customer, ("ios-app", late))
    entry = BLIND.of("device_id", "D-1")
    assert await house.platform.database.count("source_records", {"ids.e": entry}) == 0


async def test_whoever_keeps_sending_about_somebody_does_not_keep_them_from_being_erased(
    erasing: Erasing,
) -> None:
    """Write keys are public. An erasure takes the customer first, so it is the senders who wait."""
    house, database = erasing.house, erasing.house.platform.database
    await house.tell("web-shop", ANN)
    customer = await erasing.customer("email", "ann@shop.example")
    assert customer is not None
    find, sent = database.find, list[asyncio.Task[Any]]()

    async def slow(collection: str, *args: Any, session: Session | None = None, **more: Any) -> Any:
        if collection == "events" and session is not None and len(sent) < 3 and "type" in args[0]:
            sent.append(asyncio.create_task(house.tell("web-shop", viewed(f"v{len(sent)}", WEB))))
            await asyncio.wait(sent, timeout=0.5)
        return await find(collection, *args, session=session, **more)

    database.find = slow  # type: ignore[method-assign]
    try:
        request = await erasing.request(customer)
        await erasing.step(request, house.platform.erasing.depart, 0)
    finally:
        database.find = find  # type: ignore[method-assign]
    await asyncio.gather(*sent)
    assert len(sent) == 1
    assert await database.count("events", {}) == 0
