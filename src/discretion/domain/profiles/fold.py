"""The unified profile: a pure fold of its source records.

No seal is opened: the winning cell is chosen by its clear metadata and copied as it is. Records
come in any order and the profile is the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import COMPUTED, Attribute, Catalogue, Fold, ValueType
from discretion.domain.profiles.precedence import Word, believed
from discretion.domain.profiles.record import distinct
from discretion.purpose.state import Choice, PersonState, allow

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a customer document says of attributes and of the person's state."""

    sealed: Mapping[str, bytes]
    open: Mapping[str, Any]
    observed: Mapping[str, int]
    provenance: Mapping[str, list[str]]
    choices: Mapping[str, Document]
    minor_until: int | None
    allow: int


def fold(catalogue: Catalogue, records: Sequence[Document], *, restricted: bool, now_ms: int) -> Profile:
    """The profile of the person these records are about.

    Of several cells for an attribute the one counts that ``precedence`` believes.
    """
    ordered = sorted(records, key=lambda record: record["_id"])
    words = {one.key: _winner(catalogue, ordered, one) for one in catalogue.attributes.values()}
    winners = {key: word for key, word in words.items() if word is not None}
    sealed = {key: cell["c"] for key, (_, cell) in winners.items() if "c" in cell}
    opened = {key: cell["v"] for key, (_, cell) in winners.items() if "v" in cell}
    observed = {key: cell["t"] for key, (_, cell) in winners.items() if "v" in cell}
    provenance = {key: [source, cell["m"]] for key, (source, cell) in winners.items()}
    for attribute in catalogue.attributes.values():
        if attribute.computed is not None and (told := computed(ordered, attribute)):
            opened[attribute.key], observed[attribute.key] = told
            provenance[attribute.key] = [COMPUTED, ""]
    minor_until = max((cell["u"] for _, cell in winners.values() if "u" in cell), default=None)
    heard = tuple(_choices(record) for record in ordered)
    state = PersonState(heard, restricted, minor_until)
    return Profile(
        sealed=dict(sorted(sealed.items())),
        open=dict(sorted(opened.items())),
        observed=dict(sorted(observed.items())),
        provenance=dict(sorted(provenance.items())),
        choices=_latest(ordered),
        minor_until=minor_until,
        allow=allow(catalogue, state, now_ms),
    )


def _winner(catalogue: Catalogue, records: Sequence[Document], attribute: Attribute) -> Word | None:
    key = attribute.key
    held = ((record["source"], record["cells"][key]) for record in records if key in record["cells"])
    return believed(catalogue, attribute, held)


def _choices(record: Document) -> dict[str, Choice]:
    return {
        key.replace("/", "."): Choice(told["t"], told["m"], told["g"])
        for key, told in record["choices"].items()
    }


def _latest(records: Sequence[Document]) -> dict[str, Document]:
    """Each purpose's latest word over all records, for showing; ``allow`` is what decides."""
    latest: dict[str, Document] = {}
    for record in records:
        for key, told in record["choices"].items():
            known = latest.get(key)
            if known is None or (known["t"], not known["g"], known["m"]) < (
                told["t"],
                not told["g"],
                told["m"],
            ):
                latest[key] = told
    return dict(sorted(latest.items()))


def computed(records: Sequence[Document], attribute: Attribute) -> tuple[Any, int] | None:
    """A computed attribute's value and the time of the latest event in it.

    None if no event speaks of it, and for a total that its type cannot say: left out, rather than
    shown wrong. The records keep it exact, so that it is back when it fits again.
    """
    told = [record["folds"][attribute.key] for record in records if attribute.key in record["folds"]]
    if not told:
        return None
    assert attribute.computed is not None
    value = COMBINE[attribute.computed.fold](told)
    if attribute.computed.fold is Fold.SUM and abs(value) > MOST[attribute.type]:
        return None
    return value, max(one["t"] for one in told)


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
