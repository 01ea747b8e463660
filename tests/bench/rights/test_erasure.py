"""What is measured is what there would be: the bench's people are erased, and the others stay readable."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from discretion.app.clock import now_ms
from discretion.catalogue.load import load
from discretion.domain.kit.workflow.runner import carrying
from discretion.law.load import load as load_law
from tests.bench.recompute.population import People
from tests.bench.rights.erase import ONE, Eraser
from tests.bench.rights.population import EVENTS, Whole
from tests.fixtures.platform import House

CUSTOMERS, GONE = 60, 5


@pytest_asyncio.fixture
async def known(house: House) -> AsyncIterator[list[bytes]]:
    """Customers of the bench in a house that carries requests out."""
    catalogue, now = load(None), now_ms()
    people = People(catalogue, load_law(None, catalogue), now)
    whole = list(Whole(people, house.platform.conductor.revealer.buckets, now).some(CUSTOMERS, GONE))
    for name in whole[0]:
        await house.platform.database.insert_many(name, [one for made in whole for one in made[name]])
    async with carrying(house.platform.rights.engine):
        yield [one["customers"][0]["_id"] for one in whole]


async def read(house: House, customer: bytes) -> object:
    """What the office reads of a customer."""
    named = house.platform.conductor.revealer.pairwise.shut("privacy-office", b"customer", customer)
    answer = await house.ask(ONE, house.token("steward"), {"id": named})
    assert "errors" not in answer, answer
    return answer["data"]["customer"]


async def test_those_asked_for_are_gone_and_the_others_can_be_read(house: House, known: list[bytes]) -> None:
    database = house.platform.database
    assert await database.count("events", {}) == GONE * EVENTS
    done = await Eraser(house.http, house.platform).together(known[:GONE])
    assert all(0 < one.acknowledged <= one.signed and one.gone <= one.signed for one in done)
    assert await database.count("customers", {}) == CUSTOMERS - GONE
    assert await database.count("events", {}) == 0
    assert [await read(house, one) for one in known[:GONE]] == [None] * GONE
    for one in known[GONE:]:
        found = await read(house, one)
        assert isinstance(found, dict)
        assert found["identity"]["givenName"] == "Ada"
