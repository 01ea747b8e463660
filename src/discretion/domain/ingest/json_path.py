"""Dotted places in what a message carries: ``address.city``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

NOBODYS = "00000000-0000-0000-0000-000000000000"
"""What phones give as an id when they may give none (Apple, ``advertisingIdentifier``)."""

DEPTH = 4
"""Objects within objects in which traits are looked for."""


def flat(traits: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Nested traits by their dotted places."""
    for name, value in traits.items():
        place = f"{prefix}{name}"
        if isinstance(value, dict) and depth < DEPTH:
            yield from flat(value, f"{place}.", depth + 1)
        else:
            yield place, value


def pluck(context: Mapping[str, Any], places: Iterable[str]) -> tuple[str, Any] | None:
    """The first of these places that holds something, with what it holds."""
    for place in places:
        here: Any = context
        for step in place.split("."):
            here = here.get(step) if isinstance(here, dict) else None
        if here is not None and here not in ("", NOBODYS):
            return place, here
    return None
