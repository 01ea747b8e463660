"""The records that the messages describe, each with its own id and the identifiers that could link it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.seal.normalisation import NORMALISATION_RULES
from discretion.seeding.message import SeedMessage

Identifier = tuple[str, str]
"""Type and normalised value."""


@dataclass(slots=True)
class SentRecord:
    """What one source sends about one person, under the id that the source uses."""

    source: str
    own_identifier: Identifier
    identifiers: set[Identifier] = field(default_factory=set)


def collect_records(messages: Iterable[SeedMessage], catalogue: Catalogue) -> dict[str, SentRecord]:
    """Return the records of all messages by ``source:id``."""
    records: dict[str, SentRecord] = {}
    for message in messages:
        source = catalogue.sources[message.source]
        id_values = [
            (identifier_type, message.body[member])
            for member, identifier_type in (("userId", source.user_id), ("anonymousId", source.anonymous_id))
            if member in message.body
        ]
        record = records.setdefault(
            f"{message.source}:{id_values[0][1]}", SentRecord(message.source, id_values[0])
        )
        traits = message.body.get("traits", {})
        region = traits.get("address", {}).get("country")
        record.identifiers.update(
            _normalise([*id_values, *_read_trait_identifiers(traits)], region, catalogue)
        )
    return records


def _read_trait_identifiers(traits: Mapping[str, Any]) -> Iterator[Identifier]:
    return (
        (identifier_type, traits[identifier_type])
        for identifier_type in ("email", "phone")
        if identifier_type in traits
    )


def _normalise(
    identifiers: Iterable[Identifier], region: str | None, catalogue: Catalogue
) -> Iterator[Identifier]:
    for identifier_type, value in identifiers:
        normalised = NORMALISATION_RULES[catalogue.identifiers[identifier_type].normalise](value, region)
        if normalised is not None:
            yield identifier_type, normalised
