"""The records that the messages describe, each with its own id and the identifiers that it has proven."""

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
        proven = [*id_values, *_read_proven_identifiers(message.body)]
        record.identifiers.update(_normalise(proven, None, catalogue))
    return records


def _read_proven_identifiers(body: Mapping[str, Any]) -> Iterator[Identifier]:
    """Yield the address that the source has confirmed, and the numbers that the account has."""
    traits = body.get("traits", {})
    if traits.get("emailVerified") is True and "email" in traits:
        yield "email", traits["email"]
    for external_id in body.get("context", {}).get("externalIds", ()):
        if external_id["assurance"] == "proven":
            yield external_id["type"], external_id["id"]


def _normalise(
    identifiers: Iterable[Identifier], region: str | None, catalogue: Catalogue
) -> Iterator[Identifier]:
    for identifier_type, value in identifiers:
        normalised = NORMALISATION_RULES[catalogue.identifiers[identifier_type].normalise](value, region)
        if normalised is not None:
            yield identifier_type, normalised
