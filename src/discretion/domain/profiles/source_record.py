"""Source records: what one source knows about one person. No I/O; facts are applied to a record.

The result does not depend on the order of facts: a cell keeps the latest value (by time, then message id); a
choice likewise, but a refusal wins at the same time; a fold counts each message once, which the caller
ensures.

Members of a source record (times in ms since 1970):
    ``_id``: blind index of the source and of the person's id there
    ``source``, ``customer``: key of the source, id of the customer
    ``v``: version, incremented by every write
    ``ids``: identifiers, ``{e: blind index, k: type, t: first seen, w: strength, c: sealed value}``
    ``cells``: attribute key -> ``{t: observed, m: message id, c: sealed or v: open value, b: birth time}``
    ``folds``: attribute key -> ``{t: latest event, n: total, e: earliest event}``
    ``choices``, ``words``, ``guards``: ambient, explicit, guardian choices; purpose with ``/`` for ``.`` ->
        ``{g: permitted, t: time, m: message id, u: valid until}``
    ``signals``: opt-out signal -> ``{f: first seen, t: last seen}``
    ``place``: country of the device, ``{c: country, t: time, m: message id}``
    ``first``, ``last``: times of the earliest and the latest fact
    ``born``: when the record was created
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from discretion.catalogue.model import Attribute, Catalogue, Computation, Fold
from discretion.domain.ingest.message import ExplicitChoice, Fact, ReceivedEvent
from discretion.domain.ingest.message_index import MessageIndex
from discretion.domain.profiles.person_state import BIRTH_DATE_CATEGORY, list_state_attributes
from discretion.law.age import find_age_moment
from discretion.law.model import ADULT_YEARS
from discretion.seal.cell import identifier_cell_key
from discretion.store.document import MutableDocument

SealValue = Callable[[bytes, int, Any], bytes]
"""``(attribute key, observed ms, value) -> cell``, encrypted under the customer's key."""

MAX_IDENTIFIERS = 500
"""The most identifiers of one record; the strongest and earliest ones are kept."""

MAX_DISTINCT = 100
"""The most values of a ``set``: those seen last, and of values seen at the same time the lesser ones.

An event can only move a value's time forward, so the result does not depend on the order of events.
"""

_INT64 = 2**63
_LATEST_ZONE = "Etc/GMT+12"  # the zone where a day begins last; POSIX inverts the sign (UTC-12)


def build_source_record(record_id: bytes, fact: Fact, customer: bytes) -> MutableDocument:
    """Return a new source record without data; the fact supplies its source and times."""
    return {
        "_id": record_id,
        "source": fact.source.key,
        "customer": customer,
        "v": 0,
        "ids": [],
        "cells": {},
        "folds": {},
        "choices": {},
        "words": {},
        "guards": {},
        "signals": {},
        "first": fact.at,
        "last": fact.at,
        # The time of receipt, which no sender can choose: the eldest record of a
        # person decides their customer id.
        "born": fact.received,
    }


def add_identifiers(record: MutableDocument, message_index: MessageIndex, seal: SealValue) -> None:
    """Add the identifiers of a message to a record, each with its earliest time and its sealed value."""
    identifiers = {(identifier["e"], identifier["w"]): identifier for identifier in record["ids"]}
    for mention in message_index.mentions:
        key = (mention.entry, int(mention.strength))
        if key in identifiers and mention.at >= identifiers[key]["t"]:
            continue
        cell = seal(
            identifier_cell_key(mention.entry).encode(),
            mention.at,
            message_index.identifier_values[mention.entry].value,
        )
        identifiers[key] = {
            "e": mention.entry,
            "k": mention.identifier_type,
            "t": mention.at,
            "w": int(mention.strength),
            "c": cell,
        }
    record["ids"] = sorted(
        identifiers.values(), key=lambda identifier: (identifier["w"], identifier["t"], identifier["e"])
    )[:MAX_IDENTIFIERS]


def list_affected_attributes(facts: Iterable[Fact], catalogue: Catalogue) -> set[str]:
    """Return the keys of attributes that these facts may change, with those a person's state depends on."""
    keys = set(list_state_attributes(catalogue))
    for fact in facts:
        keys.update(attribute.key for attribute, _ in fact.values)
        if fact.event is not None:
            computed_attributes = catalogue.list_computations(fact.event.type.key, fact.source.channel)
            keys.update(key for key, _ in computed_attributes)
    return keys


def list_event_attributes(catalogue: Catalogue) -> frozenset[str]:
    """Return the keys of attributes that a message with only an event may change or depend on."""
    return list_state_attributes(catalogue) | catalogue.computed_keys


def apply_statements(record: MutableDocument, fact: Fact) -> None:
    """Apply the choices, signals and device country of a fact to a record; this is idempotent."""
    for purpose, permits in fact.ambient_choices.items():
        _apply_choice(record["choices"], purpose, ExplicitChoice(permits), fact)
    for purpose, choice in fact.explicit_choices.items():
        _apply_choice(record["guards" if choice.guardian else "words"], purpose, choice, fact)
    for signal in fact.signals:
        observed = record["signals"].get(signal, {"f": fact.at, "t": fact.at})
        record["signals"][signal] = {"f": min(observed["f"], fact.at), "t": max(observed["t"], fact.at)}
    if fact.country is not None:
        place = {"c": fact.country, "t": fact.at, "m": fact.message_id}
        record["place"] = max(
            record.get("place", place), place, key=lambda candidate: (candidate["t"], candidate["m"])
        )


def apply_fact(
    record: MutableDocument, fact: Fact, catalogue: Catalogue, seal: SealValue, uncounted: Container[str] = ()
) -> None:
    """Apply a whole fact to a record. Not idempotent: an event must be counted once.

    Args:
        record: The source record, which is changed.
        fact: The fact; the caller has checked that its message is no repetition.
        catalogue: Defines the computed attributes.
        seal: Encrypts values under the customer's key.
        uncounted: Keys of computed attributes that the event must not change.
    """
    record["first"] = min(record["first"], fact.at)
    record["last"] = max(record["last"], fact.at)
    apply_statements(record, fact)
    for attribute, value in fact.values:
        _apply_value(record["cells"], attribute, value.value, fact, seal)
    if fact.event is not None:
        for key, rule in catalogue.list_computations(fact.event.type.key, fact.source.channel):
            if key not in uncounted:
                _apply_fold(record["folds"], key, rule, fact.event, fact)


def _apply_value(
    cells: MutableDocument, attribute: Attribute, value: Any, fact: Fact, seal: SealValue
) -> None:
    key = attribute.key
    current = cells.get(key)
    # The message id decides between equal times, so that the order of arrival does not matter.
    if current is not None and (current["t"], current["m"]) >= (fact.at, fact.message_id):
        return
    cell: MutableDocument = {"t": fact.at, "m": fact.message_id}
    if attribute.sealed:
        cell["c"] = seal(key.encode(), fact.at, value)
    else:
        cell["v"] = value
    if attribute.category == BIRTH_DATE_CATEGORY:
        born = parse_utc_midnight(value)
        # Permissions of minors depend on age and are computed without opening seals; adults need no ``b``.
        if may_be_minor(born, fact.received):
            cell["b"] = born
    cells[key] = cell


def parse_utc_midnight(day: str) -> int:
    """Return UTC midnight of an ISO 8601 date, in ms since 1970."""
    return int(datetime.combine(date.fromisoformat(day), time(), UTC).timestamp() * 1000)


def may_be_minor(born: int, now_ms: int) -> bool:
    """Return whether a person born at ``born`` (ms) may still be a minor in some time zone.

    The unencrypted birth time ``b`` is stored for minors only.
    """
    return now_ms < find_age_moment(born, ADULT_YEARS, _LATEST_ZONE)


def _apply_choice(
    choices: MutableDocument, purpose: str, explicit_choice: ExplicitChoice, fact: Fact
) -> None:
    # MongoDB reads a dot in the name of a member as a path.
    key = purpose.replace(".", "/")
    current = choices.get(key)
    # ``not permits`` sorts a refusal after a permission of the same time, so the refusal wins.
    candidate = (fact.at, not explicit_choice.permits, fact.message_id)
    if current is not None and (current["t"], not current["g"], current["m"]) >= candidate:
        return
    choice: MutableDocument = {"g": explicit_choice.permits, "t": fact.at, "m": fact.message_id}
    if explicit_choice.until is not None:
        choice["u"] = explicit_choice.until
    choices[key] = choice


def _apply_fold(
    folds: MutableDocument, key: str, rule: Computation, event: ReceivedEvent, fact: Fact
) -> None:
    value = event.properties.value.get(rule.property) if rule.property else None
    if rule.property and value is None:
        return
    folds[key] = FOLD_STEPS[rule.fold](folds.get(key), fact.at, fact.at if value is None else value)


def _fold_count(current: MutableDocument | None, at: int, _value: Any) -> MutableDocument:
    return {"t": max(at, current["t"]), "n": current["n"] + 1} if current else {"t": at, "n": 1}


def _fold_sum(current: MutableDocument | None, at: int, value: Any) -> MutableDocument:
    """Return the exact total; it is text if it exceeds MongoDB's 64-bit integers."""
    total = int(current["n"]) + value if current else value
    stored_total = total if -_INT64 <= total < _INT64 else str(total)
    return {"t": max(at, current["t"]) if current else at, "n": stored_total}


def _fold_first(current: MutableDocument | None, at: int, value: Any) -> MutableDocument:
    candidate: MutableDocument = {"t": at, "e": at, "n": value}
    if current is None:
        return candidate
    earliest = min(current, candidate, key=lambda total: (total["e"], str(total["n"])))
    return {**earliest, "t": max(at, current["t"])}


def _fold_last(current: MutableDocument | None, at: int, value: Any) -> MutableDocument:
    candidate: MutableDocument = {"t": at, "n": value}
    if current is None:
        return candidate
    return max(current, candidate, key=lambda total: (total["t"], str(total["n"])))


def _fold_frequency(current: MutableDocument | None, at: int, value: Any) -> MutableDocument:
    counts = dict(current["n"]) if current else {}
    counts[value] = counts.get(value, 0) + 1
    return {
        "t": max(at, current["t"]) if current else at,
        "n": [list(pair) for pair in sorted(counts.items())],
    }


def _fold_distinct(current: MutableDocument | None, at: int, value: Any) -> MutableDocument:
    """Return pairs of value and latest time, sorted by value."""
    seen_values = [[item, at] for item in (value if isinstance(value, list) else [value])]
    return {
        "t": max(at, current["t"]) if current else at,
        "n": merge_distinct([*(current["n"] if current else ()), *seen_values]),
    }


def merge_distinct(seen_values: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Merge pairs of value and time into one pair per value, at most ``MAX_DISTINCT``, sorted by value."""
    latest: dict[Any, int] = {}
    for value, seen_at in seen_values:
        latest[value] = max(seen_at, latest.get(value, seen_at))
    retained = sorted(latest.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_DISTINCT]
    return [list(pair) for pair in sorted(retained)]


FOLD_STEPS: Mapping[Fold, Callable[[MutableDocument | None, int, Any], MutableDocument]] = {
    Fold.COUNT: _fold_count,
    Fold.SUM: _fold_sum,
    Fold.FIRST: _fold_first,
    Fold.LAST: _fold_last,
    Fold.MOST_FREQUENT: _fold_frequency,
    Fold.SET: _fold_distinct,
}
"""How one more event changes a fold: ``(current, time, value) -> fold``."""
