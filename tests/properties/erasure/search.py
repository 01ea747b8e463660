"""Erases people of a town under messages that keep coming, and searches everything for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from tests.fixtures.platform import ROOT
from tests.properties.erasure.encoded_values import Needles
from tests.properties.erasure.population import Town, person, town
from tests.properties.erasure.scan import Hit, everywhere
from tests.properties.erasure.wrapped_key_attack import candidates, opens

OTHERS = 1_000_000
"""From this number on, people live on."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it.

    ``bytes`` were searched. ``opened`` counts wrapped keys of the erased that a key of today opens;
    ``control`` says where a value was found that had been put there in clear.
    """

    erased: int
    messages: int
    bytes: int
    hits: list[Hit]
    opened: int
    tried: int
    alive: int
    control: set[str]


async def search(folder: Path, people: int, told: Callable[[int], None] = lambda _: None) -> Found:
    """Erase so many people, and search."""
    async with town(folder) as here:
        erased = [person(number) for number in range(people)]
        await here.tell(erased)
        customers = {one.name: await here.customer(one) for one in erased}
        assert None not in customers.values()
        known = [one for one in customers.values() if one is not None]
        old = wrapped_keys(here, known)
        stop = asyncio.Event()
        going_on = asyncio.create_task(here.go_on(erased, OTHERS, stop))
        try:
            await here.erase(known, told)
        finally:
            stop.set()
        messages = await going_on
        await here.tell(erased)  # the very same messages once more
        needles = Needles({one.name: one.values for one in erased})
        hits = await asyncio.to_thread(everywhere, needles, here.mongo.url, folder)
        keys = candidates(folder / "data" / "keys" / "buckets.keys", ROOT)
        opened = [one for one in old if await asyncio.to_thread(opens, one[1], one[0], keys)]
        alive = [one for one in erased if await here.customer(one) is not None]
        return Found(
            len(erased),
            messages,
            size(folder),
            hits,
            len(opened),
            len(old),
            len(alive),
            control(here, folder),
        )


def wrapped_keys(here: Town, customers: list[bytes]) -> list[tuple[bytes, bytes]]:
    """The wrapped keys of people as they lie in the database now."""
    client: MongoClient[dict[str, Any]] = MongoClient(here.mongo.url)
    with client:
        found = client["town"]["customers"].find({"_id": {"$in": customers}}, {"key": 1})
        return [(one["_id"], one["key"]) for one in found]


def control(here: Town, folder: Path) -> set[str]:
    """Where a value that is put there in clear, and deleted again, is found."""
    canary = person(999_999)
    client: MongoClient[dict[str, Any]] = MongoClient(here.mongo.url)
    with client:
        client["town_control"]["notes"].insert_one({"_id": 1, "text": canary.values[0]})
        client.admin.command({"fsync": 1})
        client["town_control"]["notes"].delete_one({"_id": 1})
    needles = Needles({canary.name: canary.values})
    places = {hit.place for hit in everywhere(needles, here.mongo.url, folder)}
    return {kind for kind in ("oplog", "journal", "collection-") if any(kind in place for place in places)}


def size(folder: Path) -> int:
    """How many bytes there are in files."""
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
