"""Compares the facts of two editions. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from discretion.domain.notices.snapshot import StatedFacts


@dataclass(frozen=True, slots=True)
class FactDifference:
    """A fact that was added (``before`` is None), removed (``after`` is None) or changed."""

    place: tuple[str, ...]
    before: object
    after: object


def compare_facts(
    before: StatedFacts, after: StatedFacts, jurisdiction: str | None = None
) -> tuple[FactDifference, ...]:
    """Return all differing facts with their places.

    With a ``jurisdiction``, the facts of other jurisdictions are left out.
    """
    differences = _iterate_differences(
        (), _select_jurisdiction(before, jurisdiction), _select_jurisdiction(after, jurisdiction)
    )
    return tuple(differences)


def find_affected_purposes(differences: tuple[FactDifference, ...]) -> tuple[str, ...]:
    """Return the purposes with a difference, sorted: the candidates for a material change."""
    return tuple(
        sorted({difference.place[1] for difference in differences if difference.place[0] == "purposes"})
    )


def _select_jurisdiction(facts: StatedFacts, key: str | None) -> StatedFacts:
    if key is None:
        return facts
    # The keys of other jurisdictions are dropped on both sides, so they differ in nothing.
    selected = {
        name: jurisdiction_facts
        for name, jurisdiction_facts in facts.get("jurisdictions", {}).items()
        if name == key
    }
    return {**facts, "jurisdictions": selected}


def _iterate_differences(place: tuple[str, ...], before: object, after: object) -> Iterator[FactDifference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _iterate_differences((*place, str(key)), before.get(key), after.get(key))
    elif _normalise_value(before) != _normalise_value(after):
        yield FactDifference(place, before, after)


def _normalise_value(value: object) -> object:
    """Return a value with tuples as lists, so that computed and stored facts compare equal."""
    if isinstance(value, list | tuple):
        return [_normalise_value(item) for item in value]
    return value
