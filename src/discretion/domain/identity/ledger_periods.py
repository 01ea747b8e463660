"""Under which pseudonyms source records were disclosed, before they were given to another customer.

The ledger names a person by the pseudonym of the customer they are. When a record goes to another customer,
the entries of its time stay under the old pseudonym; and when a customer is split, the entries of the time
before are about both parts. So each record that goes, and each record of a customer that is split, gets a
*period*: the pseudonym, the time, and what the record had (``ledger.subject_names`` reads it). Periods belong
to the record, so that any later merge, split or erasure takes them along.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.catalogue.model import Catalogue
from discretion.domain.identity.assignment import ResolvedPerson
from discretion.domain.profiles.verified_addresses import list_address_attributes
from discretion.ledger.subject_names import EVENT_LABEL, IDENTIFIER_LABEL
from discretion.seal.cell_transfer import CellOwner
from discretion.seal.key_files import NONCE_BYTES
from discretion.seal.ledger_pseudonym import LedgerKey, seal_ledger_pseudonym
from discretion.store.events import EventStore, StoredEvent
from discretion.store.ledger_names import LedgerPeriod
from discretion.store.source_record import SourceRecord
from discretion.store.transactions import Session

Time = tuple[int, int]
"""The first and the last moment (ms)."""


@dataclass(frozen=True, slots=True)
class OpenPeriod:
    """A ``LedgerPeriod`` with its pseudonym."""

    pseudonym: bytes = field(repr=False)
    since: int
    until: int
    attributes: tuple[str, ...]
    labels: tuple[str, ...]
    is_shared: bool = False

    def overlaps(self, other: OpenPeriod) -> bool:
        """Return whether one entry could name the records of both."""
        return self.pseudonym == other.pseudonym and self.since <= other.until and other.since <= self.until


@dataclass(frozen=True, slots=True)
class CustomerRecords:
    """The records of a customer before a change, by the person that each is about after it.

    Attributes:
        customer: The customer.
        parts: The record ids of each person.
        moved: The record ids that go to another customer.
    """

    customer: bytes
    parts: tuple[frozenset[bytes], ...]
    moved: frozenset[bytes]

    @property
    def is_split(self) -> bool:
        """Whether the records are about several people."""
        return len(self.parts) > 1

    @property
    def concerned(self) -> frozenset[bytes]:
        """The records that get periods."""
        return frozenset().union(*self.parts) if self.is_split else self.moved


def list_changed_customers(persons: Iterable[ResolvedPerson]) -> list[CustomerRecords]:
    """Return the customers of whom records go to another customer, by id."""
    parts: dict[bytes, list[frozenset[bytes]]] = {}
    moved: dict[bytes, set[bytes]] = {}
    for person in persons:
        for origin, record_ids in person.records_before.items():
            parts.setdefault(origin, []).append(frozenset(record_ids))
            if origin != person.customer:
                moved.setdefault(origin, set()).update(record_ids)
    return [
        CustomerRecords(customer, tuple(parts[customer]), frozenset(record_ids))
        for customer, record_ids in sorted(moved.items())
    ]


class PeriodLog:
    """The periods that one transaction adds to records.

    Attributes:
        moved_events: By customer, the events of the records that go to another customer: only ids, records,
            types and sealed properties.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        events: EventStore,
        session: Session,
        now_ms: int,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._catalogue = catalogue
        self._events = events
        self._session = session
        self._now_ms = now_ms
        self._entropy = entropy
        self._new_periods: dict[bytes, list[OpenPeriod]] = {}
        self.moved_events: dict[bytes, list[StoredEvent]] = {}

    async def close_periods(
        self, customer: CustomerRecords, records: Mapping[bytes, SourceRecord], key: LedgerKey
    ) -> None:
        """Close the periods of a customer's concerned records, whose ``key`` is the customer's."""
        # A person can have many events: they are read once, here and for the re-encryption.
        moved = await self._events.list_properties(customer.customer, customer.moved, self._session)
        self.moved_events[customer.customer] = moved
        staying = customer.concerned - customer.moved
        stayed = await self._events.list_types(customer.customer, staying, self._session) if staying else []
        event_types: dict[bytes, set[str]] = {}
        for event in (*moved, *stayed):
            event_types.setdefault(event.record, set()).add(event.type)
        earlier = {record.id: _open_periods(record, key) for record in records.values()}
        closed = {
            record.id: self._close_period(
                record, event_types.get(record.id, ()), earlier[record.id], key.pseudonym
            )
            for record in records.values()
        }
        self._new_periods |= list_new_periods(customer, earlier, closed)

    def add_periods(self, records: Iterable[SourceRecord], owner: CellOwner) -> set[bytes]:
        """Give their customer's records the new periods; return the ids of those that have any."""
        if not self._new_periods:  # as in nearly all transactions
            return set()
        cipher, changed = AESGCM(owner.key), set[bytes]()
        for record in records:
            if record.id in self._new_periods:
                record.ledger_periods = tuple(
                    self._seal_period(period, record.id, owner.id, cipher)
                    for period in self._new_periods[record.id]
                )
                changed.add(record.id)
        return changed

    @cached_property
    def _verified_keys(self) -> Mapping[str, str]:
        """The attribute that says whether an address is proven, by the key of the address."""
        return {pair.address.key: pair.verified.key for pair in list_address_attributes(self._catalogue)}

    def _close_period(
        self,
        record: SourceRecord,
        event_types: Iterable[str],
        earlier: Iterable[OpenPeriod],
        pseudonym: bytes,
    ) -> OpenPeriod:
        """Return the time that a record was its customer's, with what it has at the end."""
        # A record leaves one customer at the moment at which it comes to the next.
        since = max(
            (period.until for period in earlier if period.pseudonym != pseudonym), default=record.born
        )
        attributes = {*record.cells, *record.totals}
        # Whether an address is proven is computed of it, and no record has it.
        attributes |= {self._verified_keys[key] for key in attributes & self._verified_keys.keys()}
        labels = {
            *(f"{EVENT_LABEL}{event_type}" for event_type in event_types),
            *(f"{IDENTIFIER_LABEL}{identifier.type}" for identifier in record.identifiers),
        }
        return OpenPeriod(
            pseudonym,
            min(since, self._now_ms),
            self._now_ms,
            tuple(sorted(attributes, key=int)),
            tuple(sorted(labels)),
        )

    def _seal_period(
        self, period: OpenPeriod, record: bytes, customer: bytes, cipher: AESGCM
    ) -> LedgerPeriod:
        nonce = self._entropy(NONCE_BYTES)
        return LedgerPeriod(
            seal_ledger_pseudonym(cipher, customer, record, period.pseudonym, nonce),
            period.since,
            period.until,
            period.attributes,
            period.labels,
            period.is_shared,
        )


def _open_periods(record: SourceRecord, key: LedgerKey) -> list[OpenPeriod]:
    return [
        OpenPeriod(
            key.open_pseudonym(record.id, period.sealed),
            period.since,
            period.until,
            period.attributes,
            period.labels,
            period.is_shared,
        )
        for period in record.ledger_periods
    ]


def list_new_periods(
    customer: CustomerRecords,
    earlier: Mapping[bytes, Sequence[OpenPeriod]],
    closed: Mapping[bytes, OpenPeriod],
) -> dict[bytes, list[OpenPeriod]]:
    """Return all periods of each concerned record after the change, by record id.

    Args:
        customer: The customer before the change.
        earlier: The earlier periods of each concerned record.
        closed: Of each concerned record, the time that it was this customer's.
    """
    periods = {
        record: [*earlier[record], *([closed[record]] if record in customer.moved else [])]
        for record in customer.concerned
    }
    for part in customer.parts if customer.is_split else ():
        others = [
            period for record in customer.concerned - part for period in (*earlier[record], closed[record])
        ]
        for record in part:
            shared = _list_shared((*earlier[record], closed[record]), others)
            periods[record] = list(dict.fromkeys([*periods[record], *shared]))
    return periods


def _list_shared(periods: Collection[OpenPeriod], others: Collection[OpenPeriod]) -> Iterable[OpenPeriod]:
    """Yield the parts of a record's periods in which the pseudonym also named records of somebody else.

    What was shared at an earlier split is left as it is: what the record got since was not disclosed then.
    """
    for period in periods:
        if period.is_shared:
            continue
        overlaps = [
            (max(period.since, other.since), min(period.until, other.until))
            for other in others
            if period.overlaps(other)
        ]
        earlier = [
            (other.since, other.until) for other in periods if other.is_shared and period.overlaps(other)
        ]
        for since, until in _list_uncovered(overlaps, earlier):
            yield replace(period, since=since, until=until, is_shared=True)


def _list_uncovered(times: Iterable[Time], covered: Iterable[Time]) -> list[Time]:
    """Return the times, joined where they meet, without the covered ones."""
    uncovered: list[Time] = []
    for since, until in _join_times(times):
        start = since
        for covered_since, covered_until in _join_times(covered):
            if start <= covered_until and covered_since <= until:
                if start < covered_since:
                    uncovered.append((start, covered_since - 1))
                start = covered_until + 1
        if start <= until:
            uncovered.append((start, until))
    return uncovered


def _join_times(times: Iterable[Time]) -> list[Time]:
    joined: list[Time] = []
    for since, until in sorted(times):
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until))
        else:
            joined.append((since, until))
    return joined
