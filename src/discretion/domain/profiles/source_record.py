"""A source record: what one source knows of one person. Pure; facts go in, a newer record comes out.

Every part is a value that does not care in which order or how often it was told: cells keep the
latest word (time, then message id), choices likewise with refusal winning a tie, folds count each
message once, which the caller sees to.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from discretion.catalogue.model import Attribute, Catalogue, Computed, Fold
from discretion.domain.ingest.message import Fact, Happening, Said
from discretion.domain.ingest.message_index import Marks
from discretion.domain.profiles.person_state import BIRTH, bearing
from discretion.law.age import attained
from discretion.law.model import ADULT_YEARS
from discretion.seal.cell import identifier_key

Document = dict[str, Any]
Sealer = Callable[[bytes, int, Any], bytes]
"""``(attribute key, observed ms, value) -> cell`` under the customer's key."""

MAX_NAMED = 500
"""Identifiers that one record may name; of more, the strongest and earliest are kept."""

MAX_DISTINCT = 100
"""Values that a ``set`` keeps: those seen last, and of those seen at once the lesser.

An event only ever makes a value later, so one that fell out for good reason stays out in any order.
"""

_INT64 = 2**63
_LATEST_ZONE = "Etc/GMT+12"  # POSIX signs: where a day begins last


def empty(record: bytes, fact: Fact, customer: bytes) -> Document:
    """A record nobody has told anything yet."""
    return {
        "_id": record,
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
        "born": fact.received,
    }


def name(record: Document, marks: Marks, seal: Sealer) -> None:
    """Note which identifiers a record names, each with the earliest time, and shut what each says."""
    known = {(one["e"], one["w"]): one for one in record["ids"]}
    for mention in marks.mentions:
        key = (mention.entry, int(mention.voice))
        if key in known and mention.at >= known[key]["t"]:
            continue
        cell = seal(identifier_key(mention.entry).encode(), mention.at, marks.values[mention.entry].value)
        known[key] = {
            "e": mention.entry,
            "k": mention.kind,
            "t": mention.at,
            "w": int(mention.voice),
            "c": cell,
        }
    record["ids"] = sorted(known.values(), key=lambda one: (one["w"], one["t"], one["e"]))[:MAX_NAMED]


def touched(facts: Iterable[Fact], catalogue: Catalogue) -> set[str]:
    """Attributes, by their key, that these facts may change, and those that a person's state follows from."""
    keys = set(bearing(catalogue))
    for fact in facts:
        keys.update(attribute.key for attribute, _ in fact.values)
        if fact.event is not None:
            counting = catalogue.computed_from(fact.event.type.key, fact.source.channel)
            keys.update(key for key, _ in counting)
    return keys


def light(catalogue: Catalogue) -> frozenset[str]:
    """Attributes, by their key, that a message changes which only says that something happened."""
    return bearing(catalogue) | catalogue.computed_keys


def hear(record: Document, fact: Fact) -> None:
    """Apply what a fact says of purposes, signals and the place; a second time it changes nothing."""
    for purpose, given in fact.choices.items():
        _tell_choice(record["choices"], purpose, Said(given), fact)
    for purpose, said in fact.words.items():
        _tell_choice(record["guards" if said.guardian else "words"], purpose, said, fact)
    for signal in fact.signals:
        known = record["signals"].get(signal, {"f": fact.at, "t": fact.at})
        record["signals"][signal] = {"f": min(known["f"], fact.at), "t": max(known["t"], fact.at)}
    if fact.country is not None:
        place = {"c": fact.country, "t": fact.at, "m": fact.message}
        record["place"] = max(record.get("place", place), place, key=lambda one: (one["t"], one["m"]))


def tell(
    record: Document, fact: Fact, catalogue: Catalogue, seal: Sealer, uncounted: Container[str] = ()
) -> None:
    """Apply a fact, for the first and only time, to a record under construction.

    ``uncounted`` are keys of totals that its event does not count for.
    """
    record["first"] = min(record["first"], fact.at)
    record["last"] = max(record["last"], fact.at)
    hear(record, fact)
    for attribute, value in fact.values:
        _tell_value(record["cells"], attribute, value.value, fact, seal)
    if fact.event is not None:
        for key, rule in catalogue.computed_from(fact.event.type.key, fact.source.channel):
            if key not in uncounted:
                _fold(record["folds"], key, rule, fact.event, fact)


def _tell_value(cells: Document, attribute: Attribute, value: Any, fact: Fact, seal: Sealer) -> None:
    key = attribute.key
    known = cells.get(key)
    if known is not None and (known["t"], known["m"]) >= (fact.at, fact.message):
        return
    cell: Document = {"t": fact.at, "m": fact.message}
    if attribute.sealed:
        cell["c"] = seal(key.encode(), fact.at, value)
    else:
        cell["v"] = value
    if attribute.category == BIRTH and may_be_a_child(born := midnight(value), fact.received):
        cell["b"] = born
    cells[key] = cell


def midnight(day: str) -> int:
    """UTC midnight of a day, in ms."""
    return int(datetime.combine(date.fromisoformat(day), time(), UTC).timestamp() * 1000)


def may_be_a_child(born: int, now: int) -> bool:
    """Whether they may not be of age, in some time zone; of everybody else no birthday is kept unsealed."""
    return now < attained(born, ADULT_YEARS, _LATEST_ZONE)


def _tell_choice(choices: Document, purpose: str, said: Said, fact: Fact) -> None:
    key = purpose.replace(".", "/")
    known = choices.get(key)
    if known is not None and (known["t"], not known["g"], known["m"]) >= (
        fact.at,
        not said.given,
        fact.message,
    ):
        return
    choice: Document = {"g": said.given, "t": fact.at, "m": fact.message}
    if said.until is not None:
        choice["u"] = said.until
    choices[key] = choice


def _fold(folds: Document, key: str, rule: Computed, event: Happening, fact: Fact) -> None:
    value = event.properties.value.get(rule.property) if rule.property else None
    if rule.property and value is None:
        return
    folds[key] = STEPS[rule.fold](folds.get(key), fact.at, fact.at if value is None else value)


def _count(known: Document | None, at: int, _value: Any) -> Document:
    return {"t": max(at, known["t"]), "n": known["n"] + 1} if known else {"t": at, "n": 1}


def _sum(known: Document | None, at: int, value: Any) -> Document:
    """The exact total: as text where it is beyond what MongoDB's integers hold."""
    total = int(known["n"]) + value if known else value
    kept = total if -_INT64 <= total < _INT64 else str(total)
    return {"t": max(at, known["t"]) if known else at, "n": kept}


def _first(known: Document | None, at: int, value: Any) -> Document:
    new: Document = {"t": at, "e": at, "n": value}
    if known is None:
        return new
    best = min(known, new, key=lambda one: (one["e"], str(one["n"])))
    return {**best, "t": max(at, known["t"])}


def _last(known: Document | None, at: int, value: Any) -> Document:
    new: Document = {"t": at, "n": value}
    return new if known is None else max(known, new, key=lambda one: (one["t"], str(one["n"])))


def _frequency(known: Document | None, at: int, value: Any) -> Document:
    counts = dict(known["n"]) if known else {}
    counts[value] = counts.get(value, 0) + 1
    return {"t": max(at, known["t"]) if known else at, "n": [list(pair) for pair in sorted(counts.items())]}


def _distinct(known: Document | None, at: int, value: Any) -> Document:
    """Each value with the latest time it was seen, by value."""
    told = [[one, at] for one in (value if isinstance(value, list) else [value])]
    return {
        "t": max(at, known["t"]) if known else at,
        "n": distinct([*(known["n"] if known else ()), *told]),
    }


def distinct(told: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Pairs of value and time as one for each value, at most ``MAX_DISTINCT``, by value."""
    latest: dict[Any, int] = {}
    for value, at in told:
        latest[value] = max(at, latest.get(value, at))
    kept = sorted(latest.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_DISTINCT]
    return [list(pair) for pair in sorted(kept)]


STEPS: Mapping[Fold, Callable[[Document | None, int, Any], Document]] = {
    Fold.COUNT: _count,
    Fold.SUM: _sum,
    Fold.FIRST: _first,
    Fold.LAST: _last,
    Fold.MOST_FREQUENT: _frequency,
    Fold.SET: _distinct,
}
"""One more event folded into what is known."""
