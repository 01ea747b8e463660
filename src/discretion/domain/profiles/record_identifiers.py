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
from discretion.store.source_record import RecordIdentifier, StatedPeriod

MAX_IDENTIFIERS = 500
"""The most identifiers of one record; the strongest and earliest ones are kept."""


def merge_mention(identifier: RecordIdentifier | None, mention: Mention) -> RecordIdentifier:
    """Return an identifier of a record with one more mention of it; a new one has an empty cell."""
    stated = StatedPeriod(mention.at, mention.at) if mention.is_stated else None
    if identifier is None:
        return RecordIdentifier(
            mention.entry,
            mention.identifier_type,
            {mention.assurance: mention.at},
            b"",
            mention.is_own,
            stated,
        )
    times = dict(identifier.times)
    times[mention.assurance] = min(mention.at, times.get(mention.assurance, mention.at))
    return replace(identifier, times=times, stated=_merge_periods(identifier.stated, stated))


def select_strongest(identifiers: Iterable[RecordIdentifier]) -> tuple[RecordIdentifier, ...]:
    """Return the record's own identifier, then the strongest and earliest others, at most the limit."""
    ordered = sorted(
        identifiers,
        key=lambda identifier: (
            not identifier.is_own,
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
    return min(
        (
            identifier.assurance
            for identifier in identifiers
            if identifier.assurance.links and identifier.type in types and types[identifier.type].number
        ),
        default=None,
    )


def _merge_periods(first: StatedPeriod | None, second: StatedPeriod | None) -> StatedPeriod | None:
    if first is None or second is None:
        return first or second
    return StatedPeriod(min(first.first, second.first), max(first.last, second.last))
