"""Source records: what one source knows about one person. No I/O; facts are applied to a record.

The result does not depend on the order of facts: a cell keeps the latest value (by time, then message id); a
choice likewise, but a refusal wins at the same time; a fold counts each message once, which the caller
ensures.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any

from discretion.catalogue.computation import Computation, Fold
from discretion.catalogue.identifier_type import IdentifierType
from discretion.catalogue.model import MAX_CATALOGUES, Attribute, Catalogue
from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.domain.ingest.event_digests import EVENT_ITSELF
from discretion.domain.ingest.message import ExplicitChoice, Fact, ReceivedEvent
from discretion.domain.ingest.message_index import MessageIndex
from discretion.domain.ingest.value_codes import BIRTH_DATE_CATEGORY
from discretion.domain.profiles.choice_fold import fold_ambient_choice, fold_choice, fold_dated_choice
from discretion.domain.profiles.distinct_events import add_event
from discretion.domain.profiles.distinct_values import DISTINCT_VALUE_FOLDS, add_value
from discretion.domain.profiles.person_state import list_state_attributes
from discretion.domain.profiles.record_identifiers import (
    find_number_assurance,
    is_address_claimed,
    merge_mention,
    merge_periods,
    select_strongest,
)
from discretion.domain.profiles.removed_birth_date import fold_removed_birth
from discretion.domain.profiles.verified_addresses import index_addresses, list_address_attributes
from discretion.law.age import find_age_moment
from discretion.law.model import ADULT_YEARS
from discretion.seal.cell import identifier_cell_key
from discretion.store.document import OpenValue
from discretion.store.source_record import (
    Cell,
    Choice,
    DeviceCountry,
    RemovedBirthDate,
    SignalTimes,
    SourceRecord,
    StatedPeriod,
    Total,
)

SealValue = Callable[[bytes, int, Any], bytes]
"""``(attribute key, observed ms, value) -> cell``, encrypted under the customer's key."""

MAX_DISTINCT = 100
"""The most values of a ``set``: those seen last, and of values seen at the same time the lesser ones.

An event can only move a value's time forward, so the result does not depend on the order of events.
"""

_INT64 = 2**63
_LATEST_ZONE = "Etc/GMT+12"  # the zone where a day begins last; POSIX inverts the sign (UTC-12)


def build_source_record(record_id: bytes, fact: Fact, customer: bytes) -> SourceRecord:
    """Return a new source record without data; the fact supplies its source and times."""
    return SourceRecord(
        id=record_id,
        source=fact.source.key,
        customer=customer,
        version=0,
        first=fact.at,
        last=fact.at,
        # The time of receipt, which no sender can choose: the eldest record of a
        # person decides their customer id.
        born=fact.received,
    )


def add_identifiers(
    record: SourceRecord,
    fact: Fact,
    message_index: MessageIndex,
    types: Mapping[str, IdentifierType],
    seal: SealValue,
) -> None:
    """Add what a message says about identifiers to a record, each with its times and its sealed value."""
    identifiers = {identifier.entry: identifier for identifier in record.identifiers}
    is_changed = False
    for mention in message_index.mentions:
        before = identifiers.get(mention.entry)
        after = merge_mention(before, mention)
        if after is before:
            continue
        is_changed = True
        if before is None or after.at < before.at:
            key = identifier_cell_key(mention.entry).encode()
            value = message_index.identifier_values[mention.entry].value
            after = replace(after, cell=seal(key, after.at, value))
        identifiers[mention.entry] = after
    for identifier_type in fact.removed_types:
        period = merge_periods(record.removals.get(identifier_type), StatedPeriod(fact.at, fact.at))
        record.removals[identifier_type] = period or StatedPeriod(fact.at, fact.at)
    if is_changed:  # as by few messages
        record.identifiers = select_strongest(identifiers.values())
    record.number_assurance = find_number_assurance(record.identifiers, types)


def leave_unsealed(key: bytes, observed: int, value: object) -> bytes:
    """Stand for the seal of identifiers that are compared only, before their customer's key is known."""
    del key, observed, value
    return b""


def list_affected_attributes(facts: Iterable[Fact], catalogue: Catalogue) -> set[str]:
    """Return the keys of attributes that these facts may change."""
    keys: set[str] = set()
    for fact in facts:
        keys.update(attribute.key for attribute, _ in fact.values)
        keys.update(attribute.key for attribute in _list_address_attributes(fact, catalogue))
        types = {identifier.type for identifier in fact.identifiers}
        for pair in list_address_attributes(catalogue):
            if pair.address.identifier in types or not keys.isdisjoint({pair.address.key, pair.verified.key}):
                keys |= {pair.address.key, pair.verified.key}
        if fact.event is not None:
            computed_attributes = catalogue.list_computations(fact.event.type.key, fact.source.channel)
            keys.update(key for key, _ in computed_attributes)
    return keys


@lru_cache(maxsize=MAX_CATALOGUES)
def list_event_attributes(catalogue: Catalogue) -> frozenset[str]:
    """Return the keys of attributes that a message with only an event may change or depend on."""
    return list_state_attributes(catalogue) | catalogue.computed_keys


def apply_statements(record: SourceRecord, fact: Fact) -> None:
    """Apply the choices, signals and device country of a fact to a record; this is idempotent."""
    ambient = record.ambient_choices
    for purpose, permits in fact.ambient_choices.items():
        ambient[purpose] = fold_ambient_choice(ambient.get(purpose), fact.at, permits=permits)
    if fact.dated_at is not None:
        for purpose, permits in fact.dated_choices.items():
            ambient[purpose] = fold_dated_choice(
                ambient.get(purpose), fact.dated_at, fact.at, permits=permits
            )
    for purpose, choice in fact.explicit_choices.items():
        choices = select_choices(record, fact, choice)
        choices[purpose] = fold_choice(choices.get(purpose), choice, fact.at, fact.message_id)
    for signal in fact.signals:
        observed = record.signals.get(signal, SignalTimes(fact.at, fact.at))
        record.signals[signal] = SignalTimes(min(observed.first, fact.at), max(observed.last, fact.at))
    if fact.country is not None:
        place = DeviceCountry(fact.country, fact.at, fact.message_id)
        record.place = max(
            record.place or place, place, key=lambda candidate: (candidate.at, candidate.message)
        )


def select_choices(record: SourceRecord, fact: Fact, choice: ExplicitChoice) -> dict[str, Choice]:
    """Return where a record stores an explicit statement: apart by who made it, and for whom."""
    if choice.joined:
        return record.joined_choices
    if fact.source.key == CORRECTION_SOURCE.key:
        return record.own_guardian_choices if choice.guardian else record.own_choices
    return record.guardian_choices if choice.guardian else record.explicit_choices


def apply_fact(
    record: SourceRecord,
    fact: Fact,
    catalogue: Catalogue,
    seal: SealValue,
    event_digests: Mapping[str, bytes],
    uncounted: Container[str] = (),
) -> None:
    """Apply a whole fact to a record. Not idempotent: an event must be counted once.

    Args:
        record: The source record, which is changed.
        fact: The fact; the caller has checked that its message is no repetition.
        catalogue: Defines the computed attributes.
        seal: Encrypts values under the customer's key.
        event_digests: What recognises the event of the fact (``index_event``).
        uncounted: Keys of computed attributes that the event must not change.
    """
    record.first = min(record.first, fact.at)
    record.last = max(record.last, fact.at)
    apply_statements(record, fact)
    for attribute, value in fact.values:
        _apply_value(record.cells, attribute, value.value, fact, seal)
    for attribute in _list_address_attributes(fact, catalogue):
        if (cell := record.cells.get(attribute.key)) is not None and attribute.identifier is not None:
            is_claimed = is_address_claimed(record.identifiers, attribute.identifier)
            record.cells[attribute.key] = replace(cell, is_claimed=is_claimed)
    if fact.event is not None:
        for key, rule in catalogue.list_computations(fact.event.type.key, fact.source.channel):
            if key not in uncounted:
                if rule.is_distinct and rule.fold in DISTINCT_VALUE_FOLDS:
                    _add_distinct_value(record.totals, key, rule, fact, event_digests[EVENT_ITSELF])
                elif rule.is_distinct:
                    _add_distinct(record.totals, key, rule, fact.event, fact.at, event_digests)
                else:
                    _apply_fold(record.totals, key, rule, fact.event, fact)


def _list_address_attributes(fact: Fact, catalogue: Catalogue) -> list[Attribute]:
    """Return the attributes whose values are addresses of a type that a fact names."""
    addresses = index_addresses(catalogue)
    types = {identifier.type for identifier in fact.identifiers if identifier.type in addresses}
    return [attribute for identifier_type in types for attribute in addresses[identifier_type]]


def _apply_value(
    cells: dict[str, Cell], attribute: Attribute, value: OpenValue | None, fact: Fact, seal: SealValue
) -> None:
    key = attribute.key
    current = cells.get(key)
    born = find_minor_birth(attribute, value, fact.received)
    is_removed = value is None or (current is not None and current.is_empty)
    if attribute.category == BIRTH_DATE_CATEGORY and is_removed:
        stated = None if value is None else RemovedBirthDate(fact.at, fact.message_id, born)
        removal = fold_removed_birth(current, stated, fact.at, fact.message_id)
        if removal is not None:
            cells[key] = removal
            return
    # The message id decides between equal times, so that the order of arrival does not matter.
    if current is not None and (current.at, current.message) >= (fact.at, fact.message_id):
        return
    if value is None:
        # The cell stays with its time, so that an older value that arrives later does not come back.
        cells[key] = Cell(fact.at, fact.message_id)
        return
    if attribute.sealed:
        cells[key] = Cell(fact.at, fact.message_id, sealed=seal(key.encode(), fact.at, value), born=born)
    else:
        cells[key] = Cell(fact.at, fact.message_id, value=value, born=born)


def find_minor_birth(attribute: Attribute, value: OpenValue | None, now_ms: int) -> int | None:
    """Return UTC midnight (ms) of the birth date that a value is, if the person may be a minor; else None.

    Permissions of minors depend on their age and are computed without opening seals; adults need no time.
    """
    if attribute.category != BIRTH_DATE_CATEGORY or value is None:
        return None
    born = parse_utc_midnight(str(value))
    return born if may_be_minor(born, now_ms) else None


def parse_utc_midnight(day: str) -> int:
    """Return UTC midnight of an ISO 8601 date, in ms since 1970."""
    return int(datetime.combine(date.fromisoformat(day), time(), UTC).timestamp() * 1000)


def may_be_minor(born: int, now_ms: int) -> bool:
    """Return whether a person born at ``born`` (ms) may still be a minor in some time zone.

    The unencrypted birth time is stored for minors only.
    """
    return now_ms < find_age_moment(born, ADULT_YEARS, _LATEST_ZONE)


def _add_distinct(
    totals: dict[str, Total],
    key: str,
    rule: Computation,
    event: ReceivedEvent,
    at: int,
    event_digests: Mapping[str, bytes],
) -> None:
    current = totals.get(key)
    entries = b"" if current is None else current.value
    entries_after = add_event(entries, rule, event, at, event_digests)
    if entries_after is not entries:
        totals[key] = Total(_latest(current, at), entries_after)


def _add_distinct_value(
    totals: dict[str, Total], key: str, rule: Computation, fact: Fact, digest: bytes
) -> None:
    assert fact.event is not None
    value = fact.event.properties.value.get(rule.property) if rule.property else fact.at
    if value is None:
        return
    current = totals.get(key)
    entries = add_value(() if current is None else current.value, rule, digest, fact.at, value)
    totals[key] = Total(max(at for _, at, _ in entries), entries)


def _apply_fold(
    totals: dict[str, Total], key: str, rule: Computation, event: ReceivedEvent, fact: Fact
) -> None:
    value = event.properties.value.get(rule.property) if rule.property else None
    if rule.property and value is None:
        return
    totals[key] = FOLD_STEPS[rule.fold](totals.get(key), fact.at, fact.at if value is None else value)


def _fold_count(current: Total | None, at: int, _value: Any) -> Total:
    return Total(max(at, current.at), current.value + 1) if current else Total(at, 1)


def _fold_sum(current: Total | None, at: int, value: Any) -> Total:
    """Return the exact total; it is text if it exceeds MongoDB's 64-bit integers."""
    total = int(current.value) + value if current else value
    stored_total = total if -_INT64 <= total < _INT64 else str(total)
    return Total(_latest(current, at), stored_total)


def _fold_first(current: Total | None, at: int, value: Any) -> Total:
    candidate = Total(at, value, at)
    if current is None:
        return candidate
    earliest = min(current, candidate, key=_sort_by_earliest)
    return Total(max(at, current.at), earliest.value, earliest.earliest)


def _fold_last(current: Total | None, at: int, value: Any) -> Total:
    candidate = Total(at, value)
    if current is None:
        return candidate
    return max(current, candidate, key=lambda total: (total.at, str(total.value)))


def _fold_frequency(current: Total | None, at: int, value: Any) -> Total:
    counts = dict(current.value) if current else {}
    counts[value] = counts.get(value, 0) + 1
    return Total(_latest(current, at), [list(pair) for pair in sorted(counts.items())])


def _fold_distinct(current: Total | None, at: int, value: Any) -> Total:
    """Return pairs of value and latest time, sorted by value."""
    seen_values = [[item, at] for item in (value if isinstance(value, list) else [value])]
    return Total(_latest(current, at), merge_distinct([*(current.value if current else ()), *seen_values]))


def _latest(current: Total | None, at: int) -> int:
    return max(at, current.at) if current else at


def _sort_by_earliest(total: Total) -> tuple[int, str]:
    # The value decides between equal times, so that the order does not matter.
    return total.earliest or 0, str(total.value)


def merge_distinct(seen_values: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Merge pairs of value and time into one pair per value, at most ``MAX_DISTINCT``, sorted by value."""
    latest: dict[Any, int] = {}
    for value, seen_at in seen_values:
        latest[value] = max(seen_at, latest.get(value, seen_at))
    retained = sorted(latest.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_DISTINCT]
    return [list(pair) for pair in sorted(retained)]


FOLD_STEPS: Mapping[Fold, Callable[[Total | None, int, Any], Total]] = {
    Fold.COUNT: _fold_count,
    Fold.SUM: _fold_sum,
    Fold.FIRST: _fold_first,
    Fold.LAST: _fold_last,
    Fold.MOST_FREQUENT: _fold_frequency,
    Fold.SET: _fold_distinct,
}
"""How one more event changes a total: ``(current, time, value) -> total``."""
