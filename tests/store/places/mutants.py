"""Mutants of the map of places: a place left out, a rule that is weaker or stronger. Each must be noticed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from discretion.store.places import place_map
from discretion.store.places.place import LAWS, Departure, Place, PlaceKind, Removal, keep_always
from tests.architecture import test_places
from tests.fixtures.platform import PlatformUnderTest
from tests.store.places import test_collection_places, test_outside_places
from tests.store.places.flows import find_faults_of_erasure, find_faults_of_restore, find_faults_of_return
from tests.store.places.planted_documents import PLANTERS
from tests.store.places.planted_files import find_faults_of_files
from tests.store.places.planted_memory import find_faults_of_memory
from tests.store.places.planted_parties import find_faults_of_parties

STATIC_CHECKS: tuple[Callable[[], None], ...] = (
    test_places.test_every_collection_and_index_is_declared_once,
    test_places.test_every_store_in_memory_is_declared,
    test_places.test_every_written_file_is_in_the_map,
    test_outside_places.test_a_person_is_planted_at_every_outside_party_of_the_map,
    test_places.test_every_place_says_in_a_sentence_what_it_holds_and_what_an_erasure_does,
    test_places.test_what_expires_says_when_and_every_place_of_a_person_says_by_which_law,
    test_places.test_a_collection_that_loses_people_says_how,
    test_collection_places.test_a_person_is_planted_in_every_collection_of_the_map,
)
SURVIVING = frozenset({"clients", "rulebooks", "installation"})
"""Collections that a platform needs, and that are not emptied between two mutants."""


KEPT_LAW = "GDPR Art. 5(2)"


@dataclass(frozen=True)
class Mutant:
    """A changed map, and the kind of the place that it changes."""

    name: str
    kind: PlaceKind
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Installation:
    """Where the flows run: a platform, its data folder, and a MongoDB that has room for another platform."""

    platform: PlatformUnderTest
    folder: Path
    mongo_url: str


def generate_mutants() -> Iterator[Mutant]:
    """Yield every mutant of the map, in its order."""
    places = place_map.PLACES
    for position, place in enumerate(places):
        before, after = places[:position], places[position + 1 :]
        yield Mutant(f"{place.name}: left out", place.kind, (*before, *after))
        for description, changed in _change_place(place):
            yield Mutant(f"{place.name}: {description}", place.kind, (*before, changed, *after))


def _change_place(place: Place) -> Iterator[tuple[str, Place]]:
    if place.expires_after is not None and place.departure is Departure.EXPIRES:
        yield "never expires", replace(place, expires_after=None)
    if place.outlives_restore:
        yield "does not outlive a restore", replace(place, outlives_restore=False)
    if place.departure in (Departure.EVIDENCE, Departure.OTHER_LAW) and place.kind is not PlaceKind.INDEX:
        yield "under no law", replace(place, law="")
    if place.kind in (PlaceKind.FILE, PlaceKind.OUTSIDE, PlaceKind.MEMORY):
        yield from _change_departure(place)
    if place.removal is None:
        return
    if place.departure is not Departure.EVIDENCE:
        yield "kept as evidence", replace(place, departure=Departure.EVIDENCE, law=KEPT_LAW, removal=None)
    yield "nothing is removed", replace(place, removal=None)
    if place.departure is Departure.DELETED:
        yield "shrunk, not deleted", replace(place, departure=Departure.SHRUNK)
    if place.departure is Departure.SHRUNK:
        yield "deleted, not shrunk", replace(place, departure=Departure.DELETED)
    for description, removal in _change_removal(place.removal):
        yield description, replace(place, removal=removal)


def _change_departure(place: Place) -> Iterator[tuple[str, Place]]:
    """Yield weaker and stronger departures from a place whose rule nothing else describes."""
    is_removed = place.departure in (Departure.DELETED, Departure.SHRUNK, Departure.KEY_DESTROYED)
    # What an operation holds for a second, and what nobody can be planted in, shows no departure.
    if place.kind is PlaceKind.MEMORY and not is_removed:
        return
    if place.departure is Departure.NO_PERSON:
        yield "deleted", replace(place, departure=Departure.DELETED, law=LAWS[Departure.DELETED])
        return
    yield "has no person", replace(place, departure=Departure.NO_PERSON, law="")
    if place.departure is not Departure.EVIDENCE and place.kind is not PlaceKind.MEMORY:
        yield "kept as evidence", replace(place, departure=Departure.EVIDENCE, law=KEPT_LAW)


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


def _list_flows(kind: PlaceKind, at: Installation) -> Mapping[str, Callable[[], Awaitable[list[str]]]]:
    """Return the flows that show how a person leaves places of a kind."""
    if kind is PlaceKind.FILE:
        return {"files": lambda: find_faults_of_files(at.platform, at.folder)}
    if kind is PlaceKind.MEMORY:
        return {"memory": lambda: find_faults_of_memory(at.platform)}
    if kind is PlaceKind.OUTSIDE:
        return {"parties": lambda: _run_parties(at)}
    return {
        "erasure": lambda: find_faults_of_erasure(at.platform),
        "return": lambda: find_faults_of_return(at.platform),
        "restore": lambda: find_faults_of_restore(at.platform, at.folder),
        "large": lambda: find_faults_of_erasure(at.platform, is_large=True),
    }


async def _run_parties(at: Installation) -> list[str]:
    with TemporaryDirectory(prefix="discretion-parties-") as folder:
        return await find_faults_of_parties(at.mongo_url, Path(folder))


async def find_notice(mutant: Mutant, at: Installation) -> str | None:
    """Return which check notices a mutant, None if none does."""
    with use_map(mutant.places):
        for check in STATIC_CHECKS:
            try:
                check()
            except AssertionError:
                return check.__name__
        for name, find_faults in _list_flows(mutant.kind, at).items():
            faults = await find_faults()
            await _empty_database(at.platform)
            if faults:
                return f"{name}: {faults[0]}"
    return None


async def _empty_database(platform: PlatformUnderTest) -> None:
    for name in PLANTERS.keys() - SURVIVING:
        await platform.internals.database.delete_many(name, {})


def has_own_rule(mutant: Mutant) -> bool:
    """Return whether a mutant changes a rule of a collection, which only planted people can notice."""
    return mutant.kind is PlaceKind.COLLECTION and not mutant.name.endswith("left out")
