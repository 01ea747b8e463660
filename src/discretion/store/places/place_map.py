"""The whole map of places. All readers ask it here, and at the time of the call."""

from __future__ import annotations

from discretion.store.places.collection_places import COLLECTION_PLACES, INDEX_PLACES
from discretion.store.places.file_places import FILE_PLACES, OUTSIDE_PLACES
from discretion.store.places.memory_places import MEMORY_PLACES
from discretion.store.places.place import Place, PlaceKind, Stage

PLACES: tuple[Place, ...] = (
    *COLLECTION_PLACES,
    *INDEX_PLACES,
    *MEMORY_PLACES,
    *FILE_PLACES,
    *OUTSIDE_PLACES,
)
"""Every place that may hold data of a person."""


def list_places(kind: PlaceKind) -> tuple[Place, ...]:
    """Return the places of one kind, in order."""
    return tuple(place for place in PLACES if place.kind is kind)


def list_removal_places(stage: Stage) -> tuple[Place, ...]:
    """Return the collections that an erasure changes in a stage, in order."""
    return tuple(
        place
        for place in list_places(PlaceKind.COLLECTION)
        if place.removal is not None and place.removal.stage is stage
    )


def find_collection_place(collection: str) -> Place | None:
    """Return the place that is a collection; None if the map forgot it."""
    collections = list_places(PlaceKind.COLLECTION)
    return next((place for place in collections if place.name == collection), None)
