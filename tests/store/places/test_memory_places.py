"""The caches that hold a person are those of the map, and none holds them after their erasure."""

from __future__ import annotations

from tests.fixtures.platform import PlatformUnderTest
from tests.store.places.planted_memory import find_faults_of_memory


async def test_no_cache_holds_an_erased_person(platform: PlatformUnderTest) -> None:
    assert "\n".join(await find_faults_of_memory(platform)) == ""
