"""Records that may be of a person but are not joined to them: they only claim what the person has proven."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.profiles.record_identifiers import find_replacement
from discretion.store.identifiers import NamedIdentifier
from discretion.store.source_record import RecordIdentifier, SourceRecord


@dataclass(frozen=True, slots=True)
class PossibleRecord:
    """A record of another customer that claims an identifier which this person has proven.

    Attributes:
        record: Id of the source record.
        customer: Whom it belongs to.
        source: Key of its source.
        identifier_type: Key of the type of the claimed identifier.
        year: The year in which it was claimed first (UTC).
    """

    record: bytes
    customer: bytes
    source: str
    identifier_type: str
    year: int


def list_proven_entries(records: Iterable[SourceRecord], types: Mapping[str, IdentifierType]) -> list[bytes]:
    """Return the blind indexes of the identifiers that these records have proven and not replaced."""
    return sorted(
        {
            identifier.entry
            for record in records
            for identifier in record.identifiers
            if Assurance.PROVEN in identifier.times and _is_current(record, identifier, types)
        }
    )


def list_possible_records(
    named: Iterable[NamedIdentifier], customer: bytes, types: Mapping[str, IdentifierType]
) -> list[PossibleRecord]:
    """Return the records of other customers that claim one of these identifiers, by id; each once."""
    possible: dict[bytes, PossibleRecord] = {}
    for each in named:
        for record in each.records:
            for identifier in record.identifiers:
                if (
                    record.customer != customer
                    and identifier.entry == each.identifier.entry
                    and not identifier.assurance.links
                    and _is_current(record, identifier, types)
                ):
                    year = datetime.fromtimestamp(identifier.at / 1000, UTC).year
                    claiming = PossibleRecord(
                        record.id, record.customer, record.source, identifier.type, year
                    )
                    possible.setdefault(record.id, claiming)
    return [possible[record] for record in sorted(possible)]


def list_claims(records: Sequence[SourceRecord]) -> list[tuple[SourceRecord, RecordIdentifier]]:
    """Return what the records of one person only claim, and no record of theirs has proven or presented."""
    linked = {
        identifier.entry
        for record in records
        for identifier in record.identifiers
        if identifier.assurance.links
    }
    return [
        (record, identifier)
        for record in records
        for identifier in record.identifiers
        if identifier.entry not in linked
    ]


def _is_current(
    record: SourceRecord, identifier: RecordIdentifier, types: Mapping[str, IdentifierType]
) -> bool:
    identifier_type = types.get(identifier.type)
    is_address = identifier_type is not None and identifier_type.is_address
    return not is_address or find_replacement(record, identifier) is None
