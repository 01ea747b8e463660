"""Every cell of purposes x jurisdictions x what was said x ages is as the laws read once more have it.

Broken on purpose, each red:
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from discretion.law.model import UNKNOWN
from tests.laws.matrix.cells import AGES, BOOK, LAPSES, LATER, SIGNALS, Cell, differences
from tests.laws.matrix.oracle import PLACES, SAID


def _cells(place: str) -> Iterator[Cell]:
    for said, signal, age in product(SAID, SIGNALS, AGES):
        for lapse in LAPSES if "lapsed" in said else LAPSES[:1]:
            yield Cell(place, said, signal, age, lapse=lapse)
    for said, age in product(SAID, AGES):
        yield Cell(place, said, age=age, limited=True)
        yield Cell(place, said, age=age, now=LATER)
        yield Cell(place, said, "before", age, changed=True)
    for said, age in product(("nothing", "yes", "no", "guardian yes"), AGES):
        yield Cell(place, said, age=age, restricted=True)


@pytest.mark.parametrize("place", [*PLACES, UNKNOWN])
def test_every_cell_is_as_the_law_has_it(place: str) -> None:
    count, different = differences(_cells(place))
    assert count > 100_000
    assert not different, "\n".join(["", *different])


def test_no_place_is_left_out() -> None:
    assert set(BOOK.law.timelines) == {*PLACES, UNKNOWN}
