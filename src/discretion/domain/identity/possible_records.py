"""Records that may be of a person but are not joined to them: they only claim what the person has proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.profiles.identifier_index import NamingList, is_full
from discretion.domain.profiles.record_identifiers import find_replacement
from discretion.store.identifiers import NamedIdentifier
from discretion.store.source_record import RecordIdentifier, SourceRecord

MAX_POSSIBLE_RECORDS = 100
"""Most records that a person is shown."""


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


@dataclass(frozen=True, slots=True)
class PossibleRecords:
    """The records that may be of a person.

    Attributes:
        records: All that are known, those first that no flood of claims may hide.
        are_more: Whether there may be more than ``shown``.
    """

    records: tuple[PossibleRecord, ...]
    are_more: bool

    @property
    def shown(self) -> tuple[PossibleRecord, ...]:
        """Those that the person is shown."""
        return self.records[:MAX_POSSIBLE_RECORDS]


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
) -> PossibleRecords:
    """Return the records of other customers that claim one of these identifiers; each once.

    The oldest of each source come first. So a stranger who creates many records that claim an identifier
    hides none that was there before, and none of another source. The time that a claim states does not count,
    since its sender chooses it.
    """
    identifiers, claiming = list(named), dict[bytes, tuple[int, PossibleRecord]]()
    for each in identifiers:
        for record in each.records:
            possible = _find_claim(record, each.identifier.entry, customer, types)
            if possible is not None:
                claiming.setdefault(record.id, (record.born, possible))
    by_age = sorted(claiming.values(), key=lambda pair: (pair[0], pair[1].record))
    ranks: Counter[str] = Counter()
    ranked: list[tuple[int, PossibleRecord]] = []
    for _, possible in by_age:
        ranked.append((ranks[possible.source], possible))
        ranks[possible.source] += 1
    ordered = tuple(possible for _, possible in sorted(ranked, key=lambda pair: pair[0]))
    is_index_full = any(
        is_full(each.identifier, target, types) for each in identifiers for target in NamingList
    )
    return PossibleRecords(ordered, is_index_full or len(ordered) > MAX_POSSIBLE_RECORDS)


def _find_claim(
    record: SourceRecord, entry: bytes, customer: bytes, types: Mapping[str, IdentifierType]
) -> PossibleRecord | None:
    if record.customer == customer:
        return None
    for identifier in record.identifiers:
        is_claim = identifier.entry == entry and not identifier.assurance.links
        if is_claim and _is_current(record, identifier, types):
            year = datetime.fromtimestamp(identifier.at / 1000, UTC).year
            return PossibleRecord(record.id, record.customer, record.source, identifier.type, year)
    return None


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
