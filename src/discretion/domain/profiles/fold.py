"""The unified profile: a pure fold of its source records.

No seal is opened: the winning cell is chosen by its clear metadata and copied as it is. Records
come in any order and the profile is the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Catalogue, Fold, ValueType
from discretion.domain.profiles.precedence import Word, believed
from discretion.domain.profiles.source_record import distinct

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a customer document says of attributes.

    ``contested`` has what would stand in the others if the person did not deny it (GDPR Art. 18(1)(a)).
    """

    sealed: Mapping[str, bytes]
    open: Mapping[str, Any]
    observed: Mapping[str, int]
    provenance: Mapping[str, list[str]]
    contested: Mapping[str, Document]


def fold(catalogue: Catalogue, records: Sequence[Document]) -> Profile:
    """The profile of the person these records are about.

    Of several cells for an attribute the one counts that ``precedence`` believes.
    """
    ordered = sorted(records, key=lambda record: record["_id"])
    every = dict(_winners(catalogue, ordered))
    denied = {key for record in ordered for key in record.get("contested", ())}
    winners = {key: word for key, word in every.items() if key not in denied}
    sealed = {key: cell["c"] for key, (_, cell) in winners.items() if "c" in cell}
    opened = {key: cell["v"] for key, (_, cell) in winners.items() if "v" in cell}
    observed = {key: cell["t"] for key, (_, cell) in winners.items() if "v" in cell}
    provenance = {key: [source, cell["m"]] for key, (source, cell) in winners.items()}
    for key, value, at in _computed(catalogue, ordered):
        opened[key], observed[key] = value, at
    return Profile(
        sealed=dict(sorted(sealed.items())),
        open=dict(sorted(opened.items())),
        observed=dict(sorted(observed.items())),
        provenance=dict(sorted(provenance.items())),
        contested={key: _held(every[key]) for key in sorted(denied & every.keys())},
    )


def _held(word: Word) -> Document:
    source, cell = word
    held = {"t": cell["t"], "p": [source, cell["m"]]}
    return held | {name: cell[name] for name in ("c", "v") if name in cell}


def _winners(catalogue: Catalogue, records: Sequence[Document]) -> Iterator[tuple[str, Word]]:
    held: dict[str, list[Word]] = {}
    for record in records:
        for key, cell in record["cells"].items():
            held.setdefault(key, []).append((record["source"], cell))
    for key, words in held.items():
        attribute = catalogue.by_key.get(key)
        word = None if attribute is None else believed(catalogue, attribute, words)
        if word is not None:
            yield key, word


def _computed(catalogue: Catalogue, records: Sequence[Document]) -> Iterator[tuple[str, Any, int]]:
    """Computed attributes: key, value, and the time of the latest event in it.

    A total that its type cannot say is left out, rather than shown wrong. The records keep it exact,
    so that it is back when it fits again.
    """
    held: dict[str, list[Document]] = {}
    for record in records:
        for key, one in record["folds"].items():
            held.setdefault(key, []).append(one)
    for key, told in held.items():
        attribute = catalogue.by_key.get(key)
        if attribute is None or attribute.computed is None:
            continue
        value = COMBINE[attribute.computed.fold](told)
        if attribute.computed.fold is not Fold.SUM or abs(value) <= MOST[attribute.type]:
            yield key, value, max(one["t"] for one in told)


def _total(told: Sequence[Document]) -> Any:
    return sum(int(one["n"]) for one in told)


def _earliest(told: Sequence[Document]) -> Any:
    return min(told, key=lambda one: (one["e"], str(one["n"])))["n"]


def _newest(told: Sequence[Document]) -> Any:
    return max(told, key=lambda one: (one["t"], str(one["n"])))["n"]


def _commonest(told: Sequence[Document]) -> Any:
    counts: dict[Any, int] = {}
    for one in told:
        for value, times in one["n"]:
            counts[value] = counts.get(value, 0) + times
    return min(counts, key=lambda value: (-counts[value], str(value)))


def _union(told: Sequence[Document]) -> Any:
    return [value for value, _ in distinct(pair for one in told for pair in one["n"])]


COMBINE: Mapping[Fold, Callable[[Sequence[Document]], Any]] = {
    Fold.COUNT: _total,
    Fold.SUM: _total,
    Fold.FIRST: _earliest,
    Fold.LAST: _newest,
    Fold.MOST_FREQUENT: _commonest,
    Fold.SET: _union,
}
"""What several records' folds come to together."""

MOST: Mapping[ValueType, int] = {
    ValueType.INT: 2**31 - 1,  # GraphQL, October 2021, section 3.5.1
    ValueType.MONEY: 2**53 - 1,  # in cents; beyond it a JSON number is not exact (RFC 8259, section 6)
}
"""How far from nought a sum may be."""
