"""Cross checks of where values come from: sources, and places in a tracking call's traits and context."""

from __future__ import annotations

import re
from collections.abc import Iterator

from discretion.catalogue.entry import AttributeEntry
from discretion.catalogue.model import CORRECTIONS, RESERVED, Channel
from discretion.catalogue.nearest_name import nearest
from discretion.catalogue.parsed_file import Shaped, Whole
from discretion.catalogue.problem import Problem
from discretion.catalogue.yaml_file import Place

_DOTTED = re.compile(r"[^.\s]+(\.[^.\s]+){0,4}")
_READ_ELSEWHERE = {
    "consent": "It says what a person chose; take it out.",
    "context": "Leave the 'context.' in front out.",
    "externalIds": "They are read for every identifier type; take it out.",
    "traits": "Name it under 'traits', without the 'traits.' in front.",
}
"""Members of a context, or what is taken for one, that hold no attribute."""


def supplied(whole: Whole) -> Iterator[Problem]:
    """Every place is one, and leads to one attribute in each channel or to one identifier type."""
    yield from _attributes(whole)
    taken: dict[str, str] = {}
    for part, kind, entry in whole.each("identifiers"):
        yield from _misplaced(part, ("identifiers", kind, "context"), kind, entry.context)
        for index, place in enumerate(entry.context):
            if (other := taken.setdefault(place, kind)) != kind:
                wrong = f"context {place!r} of {kind} is already {other}"
                right = "Name another place in 'context'."
                yield part.file.problem(("identifiers", kind, "context", index), wrong, right)


def believed(whole: Whole) -> Iterator[Problem]:
    """No source has a reserved name, and an attribute's own order of sources names those that supply it."""
    for part, name, _ in whole.each("sources"):
        if why := RESERVED.get(name):
            right = f"It {why}; give the source another name."
            yield part.file.problem(("sources", name), f"no source can be called {name!r}", right)
    names = whole.names("sources")
    channel = {name: entry.channel for _, name, entry in whole.each("sources")}
    for part, path, entry in whole.completed("attributes"):
        if entry.computed is not None and entry.precedence:
            wrong = f"{path} is computed and has a precedence"
            yield part.file.problem(("attributes", path, "precedence"), wrong, "Take one of the two out.")
            continue
        for index, source in enumerate(entry.precedence):
            here = ("attributes", path, "precedence", index)
            if source == CORRECTIONS.key:
                yield part.file.problem(here, f"{source!r} always goes first", "Take it out.")
            elif source not in names:
                wrong = f"{source!r} is not a source of this catalogue"
                yield part.file.problem(here, wrong, nearest(source, names))
            elif source in entry.precedence[:index]:
                yield part.file.problem(here, f"{path} names {source!r} twice", "Name each source once.")
            elif (met := channel.get(source)) and met not in (entry.channels or Channel):
                right = f"It comes from {', '.join(sorted(entry.channels or ()))}; take {source!r} out."
                yield part.file.problem(here, f"{path} never comes from {met}", right)


def traits_of(path: str, entry: AttributeEntry) -> tuple[str, ...]:
    """Where a tracking call may carry an attribute: as told, or under its own name."""
    if entry.computed is not None:
        return ()
    return tuple(entry.traits) if entry.traits else (path.rpartition(".")[2],)


def _attributes(whole: Whole) -> Iterator[Problem]:
    taken: dict[tuple[str, Channel, str], str] = {}
    for part, path, entry in whole.completed("attributes"):
        at = ("attributes", path)
        if entry.computed is not None:
            for member in ("traits", "context"):
                if getattr(entry, member):
                    wrong = f"{path} is computed and has {member}"
                    yield part.file.problem((*at, member), wrong, "Take one of the two out.")
            continue
        yield from _misplaced(part, (*at, "context"), path, entry.context)
        channels = entry.channels or Channel
        for word, member, places in (
            ("trait", "traits", traits_of(path, entry)),
            ("context", "context", tuple(entry.context)),
        ):
            for place in places:
                others = {taken.setdefault((member, channel, place), path) for channel in channels}
                for other in sorted(others - {path}):
                    wrong = f"{word} {place!r} of {path} is already {other}"
                    right = f"Name another place in {member!r}, or other channels."
                    yield part.file.problem((*at, member), wrong, right)


def _misplaced(part: Shaped, at: Place, name: str, places: list[str]) -> Iterator[Problem]:
    for index, place in enumerate(places):
        here = (*at, index)
        if not _DOTTED.fullmatch(place):
            wrong = f"context {place!r} of {name} is not a place"
            yield part.file.problem(
                here, wrong, "It takes up to five names with dots between, such as app.version."
            )
        elif right := _READ_ELSEWHERE.get(place.partition(".")[0]):
            yield part.file.problem(here, f"context {place!r} of {name} is no attribute's place", right)
