"""The caches that hold a person are those of the map, and none holds them after their erasure."""

from __future__ import annotations

import asyncio

from discretion.store.places.memory_places import KEY_CHANGE_HORIZON
from discretion.store.places.place import PlaceKind
from discretion.store.places.place_map import list_places
from tests.fixtures.erasure_steps import ErasureSteps
from tests.fixtures.platform import PlatformUnderTest
from tests.store.places.flows import create_person
from tests.store.places.planted_memory import Marks, fill_caches, find_memory_faults, list_holding

EMAIL = "mona.memory@post.example"


async def test_no_cache_holds_an_erased_person(platform: PlatformUnderTest) -> None:
    names = [place.name for place in list_places(PlaceKind.MEMORY)]
    mona = await create_person(platform, "mona", EMAIL)
    client_id = await fill_caches(platform, EMAIL)
    buckets = platform.internals.discloser.revealer.buckets
    bucket = buckets.bucket_of(mona.customer)
    marks: Marks = [
        *mona.all,
        EMAIL,
        client_id,
        client_id.encode(),
        (bucket, buckets.ring[bucket].generation),
    ]
    before = list_holding(names, marks)
    # Another erasure shares the bucket: the key is destroyed, and Mona's own key is wrapped again.
    await platform.internals.crypto_shredding.shred([mona.customer])
    await fill_caches(platform, EMAIL)
    before |= list_holding(names, marks)
    await ErasureSteps(platform).erase_customer(mona.customer)
    await asyncio.sleep(KEY_CHANGE_HORIZON.total_seconds())
    buckets.forget_destroyed_keys()  # as the background work of every process does
    assert "\n".join(find_memory_faults(before, list_holding(names, marks))) == ""
