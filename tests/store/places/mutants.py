"""Mutants of the map of places: a place left out, a rule that is weaker or stronger. Each must be noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from discretion.store.places import place_map
from discretion.store.places.place import Departure, Place, PlaceKind, Removal, keep_always
from tests.architecture import test_places
from tests.fixtures.platform import PlatformUnderTest
from tests.store.places import test_collection_places
from tests.store.places.flows import find_faults_of_erasure, find_faults_of_restore, find_faults_of_return
from tests.store.places.planted_documents import PLANTERS

STATIC_CHECKS: tuple[Callable[[], None], ...] = (
    test_places.test_every_collection_and_index_is_declared_once,
    test_places.test_every_store_in_memory_is_declared,
    test_places.test_every_party_that_learns_of_a_person_is_declared,
    test_places.test_every_place_says_in_a_sentence_what_it_holds_and_what_an_erasure_does,
    test_places.test_what_expires_says_when_and_every_place_of_a_person_says_by_which_law,
    test_places.test_a_collection_that_loses_people_says_how,
    test_collection_places.test_a_person_is_planted_in_every_collection_of_the_map,
)
SURVIVING = frozenset({"clients", "rulebooks", "installation"})
"""Collections that a platform needs, and that are not emptied between two mutants."""


@dataclass(frozen=True)
class Mutant:
    """A changed map."""

    name: str
    places: tuple[Place, ...]


def generate_mutants() -> Iterator[Mutant]:
    """Yield every mutant of the map, in its order."""
    places = place_map.PLACES
    for position, place in enumerate(places):
        before, after = places[:position], places[position + 1 :]
        yield Mutant(f"{place.name}: left out", (*before, *after))
        for description, changed in _change_place(place):
            yield Mutant(f"{place.name}: {description}", (*before, changed, *after))


def _change_place(place: Place) -> Iterator[tuple[str, Place]]:
    if place.expires_after is not None and place.departure is Departure.EXPIRES:
        yield "never expires", replace(place, expires_after=None)
    if place.outlives_restore:
        yield "does not outlive a restore", replace(place, outlives_restore=False)
    if place.removal is None:
        return
    if place.departure is not Departure.EVIDENCE:
        law = "Kept (GDPR Art. 5(2))."
        yield "kept as evidence", replace(place, departure=Departure.EVIDENCE, how=law, removal=None)
    yield "nothing is removed", replace(place, removal=None)
    if place.departure is Departure.DELETED:
        yield "shrunk, not deleted", replace(place, departure=Departure.SHRUNK)
    if place.departure is Departure.SHRUNK:
        yield "deleted, not shrunk", replace(place, departure=Departure.DELETED)
    for description, removal in _change_removal(place.removal):
        yield description, replace(place, removal=removal)


def _change_removal(removal: Removal) -> Iterator[tuple[str, Removal]]:
    for reference in removal.found_by if len(removal.found_by) > 1 else ():
        left = tuple(other for other in removal.found_by if other != reference)
        yield f"not found by {reference.member}", replace(removal, found_by=left)
    for reference in removal.takes_out:
        left = tuple(other for other in removal.takes_out if other != reference)
        yield f"{reference.member} stays", replace(removal, takes_out=left)
    for member in removal.clears:
        left_members = tuple(other for other in removal.clears if other != member)
        yield f"{member} is not emptied", replace(removal, clears=left_members)
    if removal.goes_when is not keep_always:
        yield "stays when it is about nobody", replace(removal, goes_when=keep_always)
    if removal.leaves_tombstones:
        yield "no tombstones", replace(removal, leaves_tombstones=False)
    if removal.received:
        yield "whatever came since", replace(removal, received="")
    if removal.backlink is not None:
        yield "is still named", replace(removal, backlink=None)


@contextmanager
def use_map(places: tuple[Place, ...]) -> Iterator[None]:
    """Put another map in force."""
    original = place_map.PLACES
    place_map.PLACES = places
    try:
        yield
    finally:
        place_map.PLACES = original


async def find_notice(mutant: Mutant, platform: PlatformUnderTest, folder: Path) -> str | None:
    """Return which check notices a mutant, None if none does."""
    flows: Mapping[str, Callable[[], Any]] = {
        "erasure": lambda: find_faults_of_erasure(platform),
        "return": lambda: find_faults_of_return(platform),
        "restore": lambda: find_faults_of_restore(platform, folder),
        "large": lambda: find_faults_of_erasure(platform, is_large=True),
    }
    with use_map(mutant.places):
        for check in STATIC_CHECKS:
            try:
                check()
            except AssertionError:
                return check.__name__
        for name, find_faults in flows.items():
            faults = await find_faults()
            await _empty_database(platform)
            if faults:
                return f"{name}: {faults[0]}"
    return None


async def _empty_database(platform: PlatformUnderTest) -> None:
    for name in PLANTERS.keys() - SURVIVING:
        await platform.internals.database.delete_many(name, {})


def has_own_rule(mutant: Mutant) -> bool:
    """Return whether a mutant changes a rule of a collection, which only planted people can notice."""
    names = {place.name for place in place_map.PLACES if place.kind is PlaceKind.COLLECTION}
    return mutant.name.split(":")[0] in names and not mutant.name.endswith("left out")
