"""Whose a refused message is: blind marks of every identifier that can be read from it.

By these an erasure finds a person's letters, which it cannot open. They are the entries under which the
``identifiers`` collection keeps the same ids. Nothing is refused here: an id that its type cannot spell is
marked as it stands, since the mended catalogue may read it so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.attributes import region_of
from discretion.domain.ingest.json_path import flat, pluck
from discretion.seal.blind_index import BlindIndex
from discretion.seal.normalisation import RULES, token


def marks(catalogue: Catalogue, source: Source, message: Mapping[str, Any], blind: BlindIndex) -> list[bytes]:
    """The marks of a pruned message, sorted; none if nobody can be read from it."""
    given = message.get("context")
    context = given if isinstance(given, dict) else {}
    told = message.get("traits") if message["type"] == "identify" else context.get("traits")
    traits = told if isinstance(told, dict) else {}
    region = region_of(traits)
    found = set()
    for kind, value in (
        *_own(source, message),
        *_told(catalogue, traits, context),
        *_brought(catalogue, context),
    ):
        for text in _texts(value):
            spelled = RULES[catalogue.identifiers[kind].normalise](text, region) or token(text)
            if spelled:
                found.add(blind.of(kind, spelled))
    return sorted(found)


def _own(source: Source, message: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield source.user_id, message.get("userId")
    yield source.anonymous_id, message.get("anonymousId")
    for kind in (source.user_id, source.anonymous_id):
        yield kind, message.get("previousId")


def _told(
    catalogue: Catalogue, traits: Mapping[str, Any], context: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Ids among the values of attributes, wherever one may be told."""
    left = dict(flat(traits))
    for attribute in catalogue.attributes.values():
        if attribute.identifier is not None:
            yield from ((attribute.identifier, left.get(trait)) for trait in attribute.traits)
            yield from _held(attribute.identifier, attribute.context, context)


def _brought(catalogue: Catalogue, context: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Ids of other systems, and those that a device brings."""
    for kind, declared in catalogue.identifiers.items():
        yield from _held(kind, declared.context, context)
    external = context.get("externalIds")
    for one in external if isinstance(external, list) else ():
        if isinstance(one, dict) and "type" in one:
            yield one["type"], one["id"]


def _held(kind: str, places: tuple[str, ...], context: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for place in places:
        if (held := pluck(context, (place,))) is not None:
            yield kind, held[1]


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    if isinstance(value, int) and not isinstance(value, bool):
        return [str(value)]
    return [value] if isinstance(value, str) else []
