"""The index of identifiers: which source records link by one, and which only claim it. Pure functions.

Claims are stored beside the links and never count among them. Claims of records with a number have their own
list, so that no number of anonymous messages takes them out of the index. Both lists are limited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from discretion.catalogue.identifier_type import IdentifierType
from discretion.store.identifiers import StoredIdentifier
from discretion.store.source_record import SourceRecord

MAX_RECORDS_PER_PERSON = 500
"""Most source records of one person. No real person has more; a client that chains identifiers would."""

MAX_NUMBERED_CLAIMS = 200
"""Most records with a number that are stored as claims of one identifier."""

MAX_ANONYMOUS_CLAIMS = 20
"""Most other records that are stored as claims of one identifier."""


class NamingList(Enum):
    """The list of an identifier that a record is in."""

    LINKS = "records"
    NUMBERED_CLAIMS = "claims"
    ANONYMOUS_CLAIMS = "anonymous_claims"


@dataclass(frozen=True, slots=True)
class NamingChange:
    """A record is in a list of an identifier from now on, and was in another one or in none."""

    entry: bytes
    identifier_type: str
    record: bytes
    target: NamingList


def is_shared(named_by: int, identifier_type: IdentifierType | None) -> bool:
    """Return whether too many records (``named_by``) link by an identifier for it to identify a person.

    An identifier of a type that the catalogue no longer has identifies nobody, and does not count as shared.
    """
    if identifier_type is None:
        return False
    return named_by > (MAX_RECORDS_PER_PERSON if identifier_type.number else identifier_type.shared_by)


def find_naming_changes(before: SourceRecord | None, after: SourceRecord) -> list[NamingChange]:
    """Return what changes in the index when a record changes; it never stops naming an identifier."""
    is_same = before is not None and before.identifiers is after.identifiers
    if before is not None and is_same and _is_numbered(before) is _is_numbered(after):
        return []  # as by nearly all messages
    lists_before = {} if before is None else _assign_lists(before)
    types = {identifier.entry: identifier.type for identifier in after.identifiers}
    return [
        NamingChange(entry, types[entry], after.id, target)
        for entry, target in _assign_lists(after).items()
        if lists_before.get(entry) is not target
    ]


def apply_naming_changes(
    identifier: StoredIdentifier | None,
    changes: Iterable[NamingChange],
    types: Mapping[str, IdentifierType],
    now_ms: int,
) -> StoredIdentifier:
    """Return an identifier after changes that are all about it.

    Args:
        identifier: As stored; None if it is new.
        changes: At least one if the identifier is new.
        types: The catalogue's identifier types by key.
        now_ms: When a new one is stored (ms).
    """
    for change in sorted(changes, key=lambda change: change.record):
        if identifier is None:
            identifier = StoredIdentifier(change.entry, change.identifier_type, now_ms)
        identifier = _move_record(identifier, change, types)
    assert identifier is not None
    return identifier


def is_full(identifier: StoredIdentifier, target: NamingList, types: Mapping[str, IdentifierType]) -> bool:
    """Return whether a list of an identifier is not extended any more; it may lack records then."""
    if target is NamingList.LINKS:
        return is_shared(len(identifier.records), types.get(identifier.type))
    limit = MAX_NUMBERED_CLAIMS if target is NamingList.NUMBERED_CLAIMS else MAX_ANONYMOUS_CLAIMS
    return len(getattr(identifier, target.value)) >= limit


def _assign_lists(record: SourceRecord) -> dict[bytes, NamingList]:
    claims = NamingList.NUMBERED_CLAIMS if _is_numbered(record) else NamingList.ANONYMOUS_CLAIMS
    return {
        identifier.entry: NamingList.LINKS if identifier.assurance.links else claims
        for identifier in record.identifiers
    }


def _is_numbered(record: SourceRecord) -> bool:
    return record.number_assurance is not None


def _move_record(
    identifier: StoredIdentifier, change: NamingChange, types: Mapping[str, IdentifierType]
) -> StoredIdentifier:
    lists = {
        target: [record for record in getattr(identifier, target.value) if record != change.record]
        for target in NamingList
    }
    if not is_full(identifier, change.target, types):
        lists[change.target].append(change.record)
    return replace(
        identifier,
        records=tuple(sorted(lists[NamingList.LINKS])),
        claims=tuple(sorted(lists[NamingList.NUMBERED_CLAIMS])),
        anonymous_claims=tuple(sorted(lists[NamingList.ANONYMOUS_CLAIMS])),
    )
