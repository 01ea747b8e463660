"""The forecast of an erasure: what would be deleted, how much of it, and what is retained under which law.

It is computed from what ``dry_run`` read, with the same functions that the erasure itself uses, so that
forecast and erasure cannot differ. All functions are pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from discretion.catalogue.model import Catalogue
from discretion.domain.erasure.scope_events import select_scope_events
from discretion.domain.legal_retention.retained_items import RetainedByOrder, select_retained
from discretion.domain.profiles.erased_scopes import ErasureScope, find_erased_keys
from discretion.law.jurisdiction import Lawbook
from discretion.store.events import StoredEvent
from discretion.store.legal_holds import StoredHold
from discretion.store.places.place import PlaceKind
from discretion.store.places.place_map import list_places
from discretion.store.source_record import SourceRecord
from discretion.store.subject_request import ErasureSnapshot


@dataclass(frozen=True, slots=True)
class ForecastDeletion:
    """Number of documents of a collection that would be deleted, or lose what identifies the person."""

    collection: str
    content: str
    count: int


@dataclass(frozen=True, slots=True)
class ForecastRetention:
    """Number of items that would be retained, by law and provision. ``until`` is in ms, None for no limit."""

    item_kind: str
    count: int
    law: str
    provision: str
    until: int | None


@dataclass(frozen=True, slots=True)
class ErasureForecast:
    """Result of a dry run.

    Attributes:
        scope: ``everything``, or the scope as text.
        deletions: Deleted or changed documents by collection.
        retentions: What is retained; empty for a scoped erasure, which moves nothing to ``held``.
        values: Of a scoped erasure: deleted values by attribute, such as ``contact.email``.
        events: Of a scoped erasure: deleted events by type.
        trimmed_events: Of a scoped erasure: events that lose some properties, by type.
        own_identifiers: Number of identifiers that get a tombstone.
        shared_identifiers: Number of identifiers that stay, because other customers use them.
    """

    scope: str
    deletions: tuple[ForecastDeletion, ...]
    retentions: tuple[ForecastRetention, ...]
    values: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    trimmed_events: Mapping[str, int] = field(default_factory=dict)
    own_identifiers: int = 0
    shared_identifiers: int = 0


@dataclass(frozen=True, slots=True)
class ErasureFindings:
    """What the dry run read: ``counts`` by collection, and events with their types, times and channels."""

    snapshot: ErasureSnapshot
    records: Sequence[SourceRecord] = field(repr=False)
    events: Sequence[StoredEvent] = field(repr=False)
    holds: Sequence[StoredHold] = field(repr=False)
    counts: Mapping[str, int] = field(default_factory=dict)


def forecast_erasure(
    findings: ErasureFindings, scope: ErasureScope | None, catalogue: Catalogue, lawbook: Lawbook, now: int
) -> ErasureForecast:
    """Return what an erasure would do. ``scope`` is None for everything."""
    if scope is not None:
        return _forecast_scoped_erasure(findings, scope, catalogue)
    contents = {place.name: place.holds for place in list_places(PlaceKind.COLLECTION)}
    deletions = [
        ForecastDeletion(name, contents[name], count)
        for name, count in sorted(findings.counts.items())
        if count
    ]
    retained = select_retained(
        lawbook, findings.snapshot.laws, findings.events, findings.records, findings.holds, now
    )
    snapshot = findings.snapshot
    return ErasureForecast(
        "everything",
        tuple(deletions),
        _forecast_retentions(retained),
        own_identifiers=len(snapshot.own_identifiers),
        shared_identifiers=len(snapshot.shared_identifiers),
    )


def _forecast_retentions(retained: RetainedByOrder) -> tuple[ForecastRetention, ...]:
    return tuple(
        ForecastRetention(item_kind, count, order.law, order.provision, order.until)
        for order, items in sorted(retained.items(), key=lambda entry: (entry[0].until or 0, entry[0].law))
        for item_kind, count in sorted(Counter(item.name for item in items).items())
    )


def _forecast_scoped_erasure(
    findings: ErasureFindings, scope: ErasureScope, catalogue: Catalogue
) -> ErasureForecast:
    values = Counter(key for record in findings.records for key in find_erased_keys(scope, catalogue, record))
    scope_events = select_scope_events(scope, catalogue)
    deleted_events = [event for event in findings.events if scope_events.covers(event)]
    trimmed_events = Counter(
        event.type
        for event in findings.events
        if event.type in scope_events.erased_properties and not scope_events.covers(event)
    )
    return ErasureForecast(
        str(scope),
        tuple(_count_deletions(values, deleted_events)),
        (),
        values={catalogue.find_path(key): count for key, count in sorted(values.items())},
        events=Counter(event.type for event in deleted_events),
        trimmed_events=trimmed_events,
    )


def _count_deletions(values: Mapping[str, int], events: Sequence[StoredEvent]) -> Iterable[ForecastDeletion]:
    contents = {place.name: place.holds for place in list_places(PlaceKind.COLLECTION)}
    for name, count in (("source_records", sum(values.values())), ("events", len(events))):
        if count:
            yield ForecastDeletion(name, contents[name], count)
