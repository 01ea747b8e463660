"""Whom a package is about, and what each of its readers is handed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.duration import end
from discretion.catalogue.model import Catalogue, ValueType
from discretion.catalogue.retention_cut_off import CutOffs, Thing
from discretion.domain.access.access_limits import Limits
from discretion.law.jurisdiction import Jurisdiction
from discretion.reveal.forms import CLEAR, iso
from discretion.reveal.revealer import Reading, Row

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """One person during one reading.

    ``records`` are their source records, ``former`` the ids that were merged into theirs with their wrapped
    keys, ``cuts`` what retention lets us keep now, ``request`` what they asked, ``called`` what records are
    called. With ``portable`` only what rests on consent or a contract counts, and nothing that was inferred
    (GDPR Art. 20(1)(a)).
    """

    catalogue: Catalogue
    reading: Reading
    row: Row = field(repr=False)
    records: Sequence[Document] = field(repr=False)
    former: Sequence[tuple[bytes, bytes]] = field(repr=False)
    laws: Sequence[Jurisdiction]
    limits: Limits
    cuts: CutOffs
    request: Mapping[str, Any] = field(repr=False)
    portable: bool
    called: dict[bytes, str] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> list[bytes]:
        """Ids under which they are known, now and before."""
        return [self.row.id, *(one for one, _ in self.former)]

    def channel(self, source: str) -> str | None:
        """The channel a source is in; None for one that is gone or none."""
        known = self.catalogue.sources.get(source)
        return None if known is None else known.channel.value

    def opened(self, customer: bytes, cell: bytes, key: str, what: str) -> Any:
        """Open what was shut when they were known by an id that they have or had; None if they never were."""
        keys = {self.row.id: self.row.doc["key"], **dict(self.former)}
        if customer not in keys:
            return None
        row = self.reading.rows([{**self.row.doc, "_id": customer, "key": keys[customer]}])[0]
        return self.reading.reveal_cell(row, cell, key, what)

    def record(self, record: bytes) -> str:
        """What a record is called for whoever asks, and nobody else."""
        name = self.called.get(record)
        if name is None:
            name = self.called[record] = self.reading.shut(b"record", record)
        return name


def told(at: int | None) -> str | None:
    """A time (ms) as packages have it."""
    return None if at is None else iso(at)


def kept_until(thing: Thing, observed: int) -> str:
    """When something is deleted: after its own retention, or when no purpose needs it any more."""
    over = end(thing.retention, observed)
    limits = {use.purpose.retention for use in thing.uses}
    if limits and "" not in limits:
        over = min(over, max(end(one, observed) for one in limits))
    return iso(over)


def purposes(thing: Thing) -> list[str]:
    """What something is used for."""
    return sorted({use.purpose.key for use in thing.uses})


def clear(kind: ValueType, value: Any, *, many: bool) -> Any:
    """A stored value as it is shown."""
    show = CLEAR.get(kind)
    if show is None:
        return value
    return [show(one, 0) for one in value] if many else show(value, 0)
