"""Messages that overlap an erasure: their transactions conflict, and one of them runs again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from discretion.store.driver.database import Session
from discretion.store.events import TYPE
from tests.fixtures.erasure_steps import BLIND, STEP_NAMES, ErasureSteps
from tests.fixtures.platform import PlatformUnderTest
from tests.store.domain.erasure.test_profile_deletion import ANN, LATER, WEB_ID, build_order, build_view


@pytest.fixture
def erasing(platform: PlatformUnderTest) -> ErasureSteps:
    """Return the steps that erase customers of the platform."""
    return ErasureSteps(platform)


async def erase_during_messages(
    erasing: ErasureSteps, customer: bytes, *messages: tuple[str, dict[str, Any]]
) -> None:
    """Erase a customer while messages read the tombstones before the erasure commits and write after it."""
    platform, database = erasing.platform, erasing.platform.internals.database
    tombstones_read, released, find = asyncio.Event(), asyncio.Event(), database.find

    async def find_slowly(collection: str, *args: Any, session: Session | None = None, **options: Any) -> Any:
        documents = await find(collection, *args, session=session, **options)
        if collection == "tombstones" and session is not None and not tombstones_read.is_set():
            tombstones_read.set()
            await released.wait()
        return documents

    database.find = find_slowly  # type: ignore[method-assign]
    try:
        sending = [asyncio.create_task(platform.send_messages(*message)) for message in messages]
        await tombstones_read.wait()
        request = await erasing.create_request(customer)
        steps = platform.internals.erasure
        await erasing.run_step(request, steps.profile_deletion.run, 0)
        await erasing.run_step(request, steps.purge.run, 1)
        released.set()
        await asyncio.gather(*sending)
        await erasing.run_step(request, steps.verification.run, STEP_NAMES.index("verify"))
    finally:
        database.find = find  # type: ignore[method-assign]


async def test_a_concurrent_message_is_erased_or_refused(erasing: ErasureSteps) -> None:
    """An ingest that starts before the erasure and ends after it conflicts, reads again, and is refused."""
    platform = erasing.platform
    await platform.send_messages("web-shop", ANN)
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    await erase_during_messages(erasing, customer, ("web-shop", build_order("o1", WEB_ID)))
    for name in ("customers", "source_records", "identifiers", "events"):
        assert await platform.internals.database.count(name, {}) == 0, name


async def test_a_concurrent_refused_message_is_not_stored(erasing: ErasureSteps) -> None:
    """It changes no customer; it conflicts with the erasure at a gate document."""
    platform = erasing.platform
    await platform.send_messages("web-shop", ANN)
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    bad = {"type": "track", "event": "Undeclared", "messageId": "x1", **WEB_ID}
    await erase_during_messages(erasing, customer, ("web-shop", bad))
    assert await platform.internals.database.count("dead_letters", {}) == 0


async def test_a_concurrent_message_does_not_store_a_device_of_the_erased(
    erasing: ErasureSteps,
) -> None:
    """More records name the device than may link people, so a message that names it changes no customer."""
    platform = erasing.platform
    device = {"device": {"id": "D-1"}}
    for number in range(7):
        identify = {"type": "identify", "anonymousId": f"d-{number}", "timestamp": LATER}
        login = {**identify, **WEB_ID, "messageId": f"l{number}", "traits": {"email": "ann@shop.example"}}
        use = {**identify, "messageId": f"d{number}", "context": device}
        await platform.send_messages("ios-app", login, use)
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    late_view = {**build_view("v1", {"anonymousId": "d-new"}), "context": device}
    await erase_during_messages(erasing, customer, ("ios-app", late_view))
    entry = BLIND.index("device_id", "D-1")
    assert await platform.internals.database.count("source_records", {"i.e": entry}) == 0


async def test_continuous_messages_do_not_delay_an_erasure(
    erasing: ErasureSteps,
) -> None:
    """Write keys are public. An erasure locks the customer first, so the senders wait."""
    platform, database = erasing.platform, erasing.platform.internals.database
    await platform.send_messages("web-shop", ANN)
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    find, sent = database.find, list[asyncio.Task[Any]]()

    async def find_while_sending(
        collection: str, *args: Any, session: Session | None = None, **options: Any
    ) -> Any:
        if collection == "events" and session is not None and len(sent) < 3 and TYPE in args[0]:
            sent.append(
                asyncio.create_task(platform.send_messages("web-shop", build_view(f"v{len(sent)}", WEB_ID)))
            )
            await asyncio.wait(sent, timeout=0.5)
        return await find(collection, *args, session=session, **options)

    database.find = find_while_sending  # type: ignore[method-assign]
    try:
        request = await erasing.create_request(customer)
        await erasing.run_step(request, platform.internals.erasure.profile_deletion.run, 0)
    finally:
        database.find = find  # type: ignore[method-assign]
    await asyncio.gather(*sent)
    assert len(sent) == 1
    assert await database.count("events", {}) == 0
