"""What the messages say of each record: its own id, and the identifiers that could link it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.seal.normalisation import RULES
from discretion.seeding.message import Message

Identifier = tuple[str, str]
"""Type and value, in the one spelling of its type."""


@dataclass(slots=True)
class Record:
    """What one source knows of one person. ``own`` is the id it knows them by."""

    source: str
    own: Identifier
    named: set[Identifier] = field(default_factory=set)


def records(messages: Iterable[Message], catalogue: Catalogue) -> dict[str, Record]:
    """Every record that the messages speak to, by ``source:id``."""
    found: dict[str, Record] = {}
    for message in messages:
        source = catalogue.sources[message.source]
        ids = [
            (kind, message.body[member])
            for member, kind in (("userId", source.user_id), ("anonymousId", source.anonymous_id))
            if member in message.body
        ]
        record = found.setdefault(f"{message.source}:{ids[0][1]}", Record(message.source, ids[0]))
        traits = message.body.get("traits", {})
        region = traits.get("address", {}).get("country")
        record.named.update(_spelled([*ids, *_given(traits)], region, catalogue))
    return found


def _given(traits: Mapping[str, Any]) -> Iterator[Identifier]:
    return ((kind, traits[kind]) for kind in ("email", "phone") if kind in traits)


def _spelled(given: Iterable[Identifier], region: str | None, catalogue: Catalogue) -> Iterator[Identifier]:
    for kind, value in given:
        spelled = RULES[catalogue.identifiers[kind].normalise](value, region)
        if spelled is not None:
            yield kind, spelled
