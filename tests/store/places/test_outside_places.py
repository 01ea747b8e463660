"""What an outside party learns of an erasure is what the map of places says."""

from __future__ import annotations

from pathlib import Path

from discretion.store.places.place import PlaceKind
from discretion.store.places.place_map import list_places
from tests.store.places.planted_parties import PARTIES, find_faults_of_parties


def test_a_person_is_planted_at_every_outside_party_of_the_map() -> None:
    assert {place.name for place in list_places(PlaceKind.OUTSIDE)} == PARTIES


async def test_each_outside_party_learns_of_an_erasure_what_the_map_says(
    mongo_url: str, tmp_path: Path
) -> None:
    assert "\n".join(await find_faults_of_parties(mongo_url, tmp_path)) == ""
