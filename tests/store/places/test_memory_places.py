"""The caches that hold a person are those of the map, and none holds them after their erasure."""

from __future__ import annotations

import copy
from typing import Any, cast

from tests.fixtures.platform import PlatformUnderTest
from tests.store.places.planted_memory import find_faults_of_memory


async def test_no_cache_holds_an_erased_person(platform: PlatformUnderTest) -> None:
    assert "\n".join(await find_faults_of_memory(platform)) == ""


async def test_the_keys_of_another_installation_say_nothing_about_a_person(
    platform: PlatformUnderTest,
) -> None:
    """Buckets have the same numbers everywhere: another platform of this process seems to hold the key."""
    buckets = platform.internals.discloser.revealer.buckets
    other = copy.copy(buckets)
    pairs = ((bucket, generation) for bucket in range(buckets.ring.count) for generation in range(10))
    other._ciphers = cast(Any, dict.fromkeys(pairs))
    assert "\n".join(await find_faults_of_memory(platform)) == ""
    assert other._ciphers
