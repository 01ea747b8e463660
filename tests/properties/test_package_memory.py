"""However much happened to somebody, only a few pages of their package are in memory."""

from __future__ import annotations

import tracemalloc

import pytest

from tests.fixtures.busy_customer import happened
from tests.fixtures.mongo import Commands
from tests.fixtures.package import asked, customer, link
from tests.fixtures.platform import House

FEW, MANY = 1_000, 10_000
MORE = 2 * 1024 * 1024
"""Bytes that ten times the events may take beyond what the few took: two thirds of their sealed pages."""


async def peaks(house: House, name: str, events: int) -> tuple[int, int]:
    """The most memory that was taken while a package was made, and while it was handed out; in bytes."""
    email = f"{name}@shop.example"
    told = {"type": "identify", "messageId": name, "userId": name, "traits": {"email": email}}
    await house.tell("web-shop", told)
    named = await customer(house, "email", email)
    await happened(house, named, events)
    request = await asked(house, named)
    token = await house.own_token("email", email)
    tracemalloc.start()
    try:
        await house.platform.rights.engine.carry(request.id)
        _, making = tracemalloc.get_traced_memory()
        path = await link(house, request, token)
        tracemalloc.reset_peak()
        handed = await house.platform.access.hand_out.follow(path.rpartition("/")[2])
        assert handed is not None
        async for _part in handed.content:
            pass
        _, handing = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    found = await house.platform.rights.requests.get(request.id)
    assert found is not None
    assert found["package"]["rows"]["events"] == events
    return making, handing


async def test_ten_thousand_events_take_what_a_thousand_take(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is made, and while it is handed out. The test's own listener keeps nothing meanwhile."""
    monkeypatch.setattr(Commands, "started", lambda *_: None)
    few, many = await peaks(house, "few", FEW), await peaks(house, "many", MANY)
    assert many[0] < few[0] + MORE
    assert many[1] < few[1] + MORE
