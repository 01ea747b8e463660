"""A person who is in every file of the map is readable in none of them after their erasure."""

from __future__ import annotations

from pathlib import Path

from tests.fixtures.platform import PlatformUnderTest
from tests.store.places.planted_files import find_faults_of_files


async def test_no_file_names_an_erased_person(platform: PlatformUnderTest, tmp_path: Path) -> None:
    assert "\n".join(await find_faults_of_files(platform, tmp_path)) == ""
