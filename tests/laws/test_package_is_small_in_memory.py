"""However much happened to somebody, only a few pages of their package are in memory."""

from __future__ import annotations

import tracemalloc

from tests.fixtures.busy import happened
from tests.fixtures.house import House
from tests.fixtures.package import asked, customer, link

EVENTS = 10_000
MOST = 12 * 1024 * 1024
"""Bytes above what there was before; the package's JSON alone has a third as many, and its page more."""


async def test_ten_thousand_events_take_a_few_pages(house: House) -> None:
    """While it is made, and while it is handed out."""
    told = {"type": "identify", "messageId": "i", "userId": "u", "traits": {"email": "ann@shop.example"}}
    await house.tell("web-shop", told)
    named = await customer(house, "email", "ann@shop.example")
    await happened(house, named, EVENTS)
    request = await asked(house, named)
    token = await house.own_token("email", "ann@shop.example")
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
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
    assert making - before < MOST
    assert handing - before < MOST
    found = await house.platform.rights.requests.get(request.id)
    assert found is not None
    assert found["package"]["rows"]["events"] == EVENTS
