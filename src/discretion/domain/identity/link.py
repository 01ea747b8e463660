"""Links: the proven and presented mentions of a source record. Only they join records. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.profiles.record_identifiers import find_replacement
from discretion.store.source_record import SourceRecord


@dataclass(frozen=True, slots=True)
class Link:
    """A record names an identifier that was proven or presented.

    Attributes:
        record: Id of the source record.
        source: Key of the source.
        identifier_type: Key of the identifier's type.
        entry: Blind index of the identifier.
        since: When it was first proven or presented (ms).
        until: When the record replaced it by another value (ms); None if it is current.
        is_own: Whether it is the id by which the source knows the person.
    """

    record: bytes
    source: str
    identifier_type: str
    entry: bytes
    since: int
    until: int | None = None
    is_own: bool = False

    def includes(self, at: int) -> bool:
        """Return whether the record had the identifier at a time (ms)."""
        return self.since <= at and not self.is_replaced_by(at)

    def is_replaced_by(self, at: int) -> bool:
        """Return whether the record had replaced the identifier at a time (ms)."""
        return self.until is not None and self.until <= at


def list_links(record: SourceRecord, types: Mapping[str, IdentifierType]) -> list[Link]:
    """Return the links of a record; identifiers of types that the catalogue no longer has are none."""
    links = []
    for identifier in record.identifiers:
        since, identifier_type = identifier.linked_at, types.get(identifier.type)
        if since is None or identifier_type is None:
            continue
        until = find_replacement(record, identifier) if identifier_type.is_address else None
        links.append(
            Link(
                record.id,
                record.source,
                identifier.type,
                identifier.entry,
                since,
                # Proven again after its last statement: then another value of the attribute says nothing.
                until if until is not None and until > since else None,
                identifier.is_own,
            )
        )
    return links
