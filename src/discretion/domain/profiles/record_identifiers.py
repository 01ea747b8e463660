"""The identifiers of a source record: mentions are merged into one entry per identifier. Pure functions.

The result does not depend on the order of mentions. Repetition renews nothing: the earliest time of each
assurance counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.ingest.mention import Mention
from discretion.store.source_record import RecordIdentifier, SourceRecord, StatedPeriod

MAX_IDENTIFIERS = 500
"""The most identifiers of one record: see ``select_strongest``."""


def merge_mention(identifier: RecordIdentifier | None, mention: Mention) -> RecordIdentifier:
    """Return an identifier of a record with one more mention of it; the same object if nothing changes.

    A new one has an empty cell.
    """
    earliest = None if identifier is None else identifier.times.get(mention.assurance)
    if identifier is not None and earliest is not None and earliest <= mention.at and not mention.is_stated:
        return identifier  # as of most mentions
    stated = StatedPeriod(mention.at, mention.at) if mention.is_stated else None
    if identifier is None:
        times = {mention.assurance: mention.at}
        return RecordIdentifier(mention.entry, mention.identifier_type, times, b"", mention.is_own, stated)
    period = merge_periods(identifier.stated, stated)
    if earliest is not None and earliest <= mention.at and period == identifier.stated:
        return identifier
    at = mention.at if earliest is None else min(mention.at, earliest)
    return replace(identifier, times={**identifier.times, mention.assurance: at}, stated=period)


def select_strongest(identifiers: Iterable[RecordIdentifier]) -> tuple[RecordIdentifier, ...]:
    """Return the own identifier of a record, then proven ones, values of attributes, and others.

    At most ``MAX_IDENTIFIERS`` are left; in each group, the strongest and earliest come first. So no number
    of devices displaces an address.
    """
    ordered = sorted(
        identifiers,
        key=lambda identifier: (
            not identifier.is_own,
            identifier.assurance is not Assurance.PROVEN,
            identifier.stated is None,
            identifier.assurance,
            identifier.times[identifier.assurance],
            identifier.entry,
        ),
    )
    return tuple(ordered[:MAX_IDENTIFIERS])


def find_number_assurance(
    identifiers: Iterable[RecordIdentifier], types: Mapping[str, IdentifierType]
) -> Assurance | None:
    """Return the strongest assurance of an account or loyalty number; None if none is more than claimed."""
    strongest: Assurance | None = None
    for identifier in identifiers:
        identifier_type = types.get(identifier.type)
        if identifier_type is None or not identifier_type.number:
            continue
        assurance = identifier.assurance
        if assurance.links and (strongest is None or assurance < strongest):
            strongest = assurance
    return strongest


def find_replacement(record: SourceRecord, identifier: RecordIdentifier) -> int | None:
    """Return when a record replaced an address by another value or by none (ms); None if it is current.

    That is the first time after its last statement at which the record stated something else. Of a value that
    the record had also stated before, only the first and the last time are known; then it is the moment after
    the address was last stated.
    """
    if identifier.stated is None:
        return None
    last = identifier.stated.last
    rivals = [
        other.stated
        for other in record.identifiers
        if other.type == identifier.type and other.entry != identifier.entry and other.stated is not None
    ]
    if identifier.type in record.removals:
        rivals.append(record.removals[identifier.type])
    return min((max(rival.first, last + 1) for rival in rivals if rival.last > last), default=None)


def is_address_claimed(identifiers: Iterable[RecordIdentifier], identifier_type: str) -> bool:
    """Return whether the address that a record stated last was only claimed.

    Of several that were stated last at the same time, one that was claimed is enough.
    """
    stated = [
        (identifier.stated.last, identifier.assurance)
        for identifier in identifiers
        if identifier.type == identifier_type and identifier.stated is not None
    ]
    return bool(stated) and max(stated)[1] is Assurance.CLAIMED


def merge_periods(first: StatedPeriod | None, second: StatedPeriod | None) -> StatedPeriod | None:
    """Return the period from the first to the last statement of two periods."""
    if first is None or second is None:
        return first or second
    return StatedPeriod(min(first.first, second.first), max(first.last, second.last))
