"""The dry run of an erasure: what would go and where, how much, what stays and by whose order. Pure.

It is worked out from what was read (``rehearse.py``) by the same functions that the erasure goes by, so that
what it promises and what happens cannot drift apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.erasure.erasure_snapshot import Snapshot
from discretion.domain.legal_retention.retained_items import Keeping, keeping
from discretion.domain.profiles.erased_scopes import Scope, erased_of
from discretion.law.jurisdiction import Lawbook
from discretion.store.schema.collections import COLLECTIONS

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Going:
    """How many documents of a collection would go, or lose what names the person."""

    collection: str
    holds: str
    count: int


@dataclass(frozen=True, slots=True)
class Staying:
    """How much stays although it was asked for: by which law and provision, until when (ms) if it says."""

    what: str
    count: int
    law: str
    why: str
    until: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry run. Of a part, ``values`` are what goes by attribute and ``events`` by type.

    ``names`` are identifiers that would be barred from coming back, ``shared`` those that living others name
    too and that therefore stay theirs.
    """

    scope: str
    going: tuple[Going, ...]
    staying: tuple[Staying, ...]
    values: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    trimmed: Mapping[str, int] = field(default_factory=dict)
    names: int = 0
    shared: int = 0


@dataclass(frozen=True, slots=True)
class Met:
    """What was read of a person; ``counts`` has documents by collection, ``events`` their types and times."""

    snapshot: Snapshot
    records: Sequence[Document] = field(repr=False)
    events: Sequence[Document] = field(repr=False)
    holds: Sequence[Document] = field(repr=False)
    counts: Mapping[str, int] = field(default_factory=dict)


def plan(met: Met, scope: Scope | None, catalogue: Catalogue, book: Lawbook, now: int) -> Plan:
    """What an erasure would do."""
    if scope is not None:
        return _part(met, scope, catalogue)
    known = {one.name: one.holds for one in COLLECTIONS}
    going = [Going(name, known[name], count) for name, count in sorted(met.counts.items()) if count]
    keeps = keeping(book, met.snapshot.laws, met.events, met.records, met.holds, now)
    snapshot = met.snapshot
    return Plan(
        "everything", tuple(going), _staying(keeps), names=len(snapshot.names), shared=len(snapshot.shared)
    )


def _staying(keeps: Keeping) -> tuple[Staying, ...]:
    return tuple(
        Staying(what, count, order.law, order.why, order.until)
        for order, items in sorted(keeps.items(), key=lambda one: (one[0].until or 0, one[0].law))
        for what, count in sorted(Counter(_what(one.kind, one.document) for one in items).items())
    )


def _what(kind: str, document: Document) -> str:
    return str(document["type"]) if kind == "event" else kind


def _part(met: Met, scope: Scope, catalogue: Catalogue) -> Plan:
    values = Counter(key for record in met.records for key in erased_of(scope, catalogue, record))
    going = [one for one in met.events if _goes(scope, catalogue, one)]
    rest = [one for one in met.events if not _goes(scope, catalogue, one)]
    trimmed = Counter(one["type"] for one in rest if _trimmed(scope, catalogue, one["type"]))
    return Plan(
        str(scope),
        tuple(_documents(values, going)),
        (),
        values={key.replace("/", "."): count for key, count in sorted(values.items())},
        events=Counter(one["type"] for one in going),
        trimmed=trimmed,
    )


def _documents(values: Mapping[str, int], events: Sequence[Document]) -> Iterable[Going]:
    known = {one.name: one.holds for one in COLLECTIONS}
    for name, count in (("source_records", sum(values.values())), ("events", len(events))):
        if count:
            yield Going(name, known[name], count)


def _goes(scope: Scope, catalogue: Catalogue, event: Document) -> bool:
    kind = catalogue.events.get(event["type"])
    return scope.source(event["channel"]) or (kind is not None and scope.event(kind))


def _trimmed(scope: Scope, catalogue: Catalogue, kind: str) -> bool:
    known = catalogue.events.get(kind)
    return known is not None and any(scope.property(one) for one in known.properties)
