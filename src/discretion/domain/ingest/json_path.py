"""Dotted paths into the JSON of a message, such as ``address.city``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

NULL_ADVERTISING_ID = "00000000-0000-0000-0000-000000000000"
"""The id that a phone returns where tracking is not permitted (Apple, ``advertisingIdentifier``)."""

MAX_TRAIT_DEPTH = 4
"""Levels of nested objects that are searched for traits."""


def flatten_traits(
    traits: Mapping[str, object], prefix: str = "", depth: int = 0
) -> Iterator[tuple[str, object]]:
    """Yield the leaves of nested traits as pairs of dotted path and value."""
    for name, value in traits.items():
        place = f"{prefix}{name}"
        if isinstance(value, dict) and depth < MAX_TRAIT_DEPTH:
            yield from flatten_traits(value, f"{place}.", depth + 1)
        else:
            yield place, value


def read_flat_traits(traits: Mapping[str, object]) -> dict[str, object]:
    """Return the leaves of nested traits by dotted path."""
    flat: dict[str, object] = {}
    for name, value in traits.items():
        if isinstance(value, dict):
            flat.update(flatten_traits(value, f"{name}.", 1))
        else:
            flat[name] = value
    return flat


def find_first_value(context: Mapping[str, object], places: Iterable[str]) -> tuple[str, object] | None:
    """Return the first path that holds a value, with the value; None if none does."""
    if not context:
        return None
    for place in places:
        name, _, rest = place.partition(".")
        value: object = context.get(name)
        while rest:
            name, _, rest = rest.partition(".")
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None and value not in ("", NULL_ADVERTISING_ID):
            return place, value
    return None
