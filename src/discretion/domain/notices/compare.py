"""What one edition states and another does not. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from discretion.domain.notices.snapshot import Stated


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that is new (``before`` is None), gone (``after`` is None) or another."""

    place: tuple[str, ...]
    before: Any
    after: Any


def difference(before: Stated, after: Stated, jurisdiction: str | None = None) -> tuple[Difference, ...]:
    """Every fact that differs, by its place; of one jurisdiction, and those that hold in all."""
    found = _between((), _jurisdiction(before, jurisdiction), _jurisdiction(after, jurisdiction))
    return tuple(found)


def purposes_touched(found: tuple[Difference, ...]) -> tuple[str, ...]:
    """Purposes of which something differs: candidates for a material change."""
    return tuple(sorted({one.place[1] for one in found if one.place[0] == "purposes"}))


def _jurisdiction(facts: Stated, key: str | None) -> Stated:
    if key is None:
        return facts
    kept = {name: one for name, one in facts.get("jurisdictions", {}).items() if name == key}
    return {**facts, "jurisdictions": kept}


def _between(place: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _between((*place, str(key)), before.get(key), after.get(key))
    elif _plain(before) != _plain(after):
        yield Difference(place, before, after)


def _plain(value: Any) -> Any:
    """Lists and tuples are one thing, and so are texts and names of an enumeration."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
