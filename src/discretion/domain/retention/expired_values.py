"""What of a source record has lapsed, and the record without it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import Catalogue, Fold
from discretion.catalogue.retention_cut_off import CutOffs
from discretion.domain.profiles.person_state import COUNTRY, RESIDENCE
from discretion.domain.profiles.source_record import may_be_a_child

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Due:
    """What is to go, by the attributes' keys: cells, folds, and of folds that stay the values that do not.

    ``values`` counts for each attribute how many go.
    """

    cells: frozenset[str] = frozenset()
    folds: frozenset[str] = frozenset()
    kept: Mapping[str, list[Any]] = field(default_factory=dict)
    values: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values)


def due(catalogue: Catalogue, cuts: CutOffs, record: Mapping[str, Any], now_ms: int) -> Due:
    """What of a record is older than may be kept.

    A cell lapses by when it was observed, a total by the latest event in it, each value of a ``set`` by when
    it was seen last.

    Args:
        catalogue: Says which folds are sets.
        cuts: The earliest observations that may be kept.
        record: A source record; of its cells only the times are looked at.
        now_ms: The present.
    """
    cells = {key for key, cell in record["cells"].items() if _over(cuts, key, cell, now_ms)}
    folds = {key for key, one in record["folds"].items() if one["t"] < cuts.attribute(key)}
    kept, gone = {}, {}
    for key, one in _sets(catalogue, record):
        staying = [pair for pair in one["n"] if pair[1] >= cuts.attribute(key)]
        if key not in folds and len(staying) < len(one["n"]):
            kept[key], gone[key] = staying, len(one["n"]) - len(staying)
    return Due(frozenset(cells), frozenset(folds), kept, {**gone, **dict.fromkeys(sorted(cells | folds), 1)})


def without(record: Document, lapsed: Due) -> Document:
    """The record as if what has lapsed had never been told.

    Of an address the country stays as where the person was seen: with it goes the law that protects them,
    and nobody is to be protected by a laxer one for being forgotten.
    """
    cells = {key: cell for key, cell in record["cells"].items() if key not in lapsed.cells}
    folds = {
        key: {**one, "n": lapsed.kept[key]} if key in lapsed.kept else one
        for key, one in record["folds"].items()
        if key not in lapsed.folds
    }
    return {**record, **_seen(record, lapsed), "cells": cells, "folds": folds}


def _seen(record: Document, lapsed: Due) -> Document:
    going = [record["cells"][key] for key in (COUNTRY, RESIDENCE) if key in lapsed.cells]
    places = [{"c": one["v"].partition("-")[0], "t": one["t"], "m": one["m"]} for one in going if "v" in one]
    if "place" in record:
        places.append(record["place"])
    return {"place": max(places, key=lambda one: (one["t"], one["m"]))} if places else {}


def _over(cuts: CutOffs, key: str, cell: Mapping[str, Any], now_ms: int) -> bool:
    """A birth date that makes somebody a child stays until it does not: forgotten, it protects nobody."""
    child = "b" in cell and may_be_a_child(cell["b"], now_ms)
    return bool(cell["t"] < cuts.attribute(key)) and not child


def _sets(catalogue: Catalogue, record: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, one in record["folds"].items():
        attribute = catalogue.by_key.get(key)
        if attribute is not None and attribute.computed is not None and attribute.computed.fold is Fold.SET:
            yield key, one
