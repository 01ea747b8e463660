"""Every cell of purposes x jurisdictions x what was said x ages is as the laws read once more have it.

Where the two differed, the text decided who was wrong; the oracle has what came of it. Broken on purpose,
in ``purpose/state.py`` and ``purpose/said.py``, each red: signals ignored; signals that bind every family;
ages ignored; opt-in taken for opt-out; a no unheard where a law asks for a notice; a contract that can be
refused; lapses ignored; anybody's yes in place of a guardian's; a guardian's in place of a teenager's own;
never taken for ask; restriction ignored; sensitive kinds ignored; a stamp taken for an express yes; limits
ignored; renewal ignored; the first law only; a stamp that lifts a no; a later stamped no unheard; a
guardian who lifts a grown person's no; words about nodes above unheard.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from discretion.catalogue.model import Purpose
from discretion.law.model import UNKNOWN
from discretion.purpose.decide import decide
from discretion.purpose.decision import Allow
from discretion.token.grant import Grant
from tests.properties.permission_matrix import oracle
from tests.properties.permission_matrix.cells import (
    AGES,
    BOOK,
    KINDS,
    LAPSES,
    LATER,
    SHIPPED,
    SIGNALS,
    Cell,
    differences,
    got,
)
from tests.properties.permission_matrix.oracle import PLACES, SAID


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


def test_two_places_protect_by_both_laws() -> None:
    pairs = [(one, two) for one in PLACES[::3] for two in PLACES[1::4] if one != two]
    cells = [
        Cell(one, said, signal, age, also=two)
        for (one, two), said, signal, age in product(pairs, SAID, ("none", "after"), (None, 15))
    ]
    count, different = differences(cells)
    assert count > 100_000
    assert not different, "\n".join(["", *different])


@pytest.mark.parametrize("place", ["eu", "us-ca", "jp", UNKNOWN])
def test_every_attribute_is_revealed_in_its_form_where_the_law_permits_a_use(place: str) -> None:
    """Attribute x purpose x what was said: the ways of the decision, against the bits of the person."""
    persons = [(said, signal, got(Cell(place, said, signal))) for said, signal in product(SAID, SIGNALS)]
    for attribute, purpose in product(SHIPPED.attributes.values(), SHIPPED.purposes.values()):
        node = purpose.key
        uses = [use for use in attribute.uses if f"{use.purpose.key}.".startswith(f"{node}.")]
        held = frozenset({purpose.key})
        found = decide(SHIPPED, _grant(held), held, attribute.category, attribute.uses)
        ways = found.ways if isinstance(found, Allow) else ()
        for said, signal, bits in persons:
            allow = bits.allow
            for kind in attribute.kinds:
                allow &= bits.kinds[KINDS.index(kind)]
            shown = {way.form for way in ways if way.mask & allow}
            wanted = {use.form for use in uses if _holds(place, said, signal, use.purpose, attribute.kinds)}
            assert shown == wanted, (attribute.path, node, said, signal)


def _holds(place: str, said: str, signal: str, purpose: Purpose, kinds: tuple[str, ...]) -> bool:
    basis, family = purpose.basis, purpose.family
    return all(
        oracle.permitted(place, basis=basis, family=family, said=said, signal=signal, kind=kind)
        for kind in kinds or ("",)
    )


def _grant(held: frozenset[str]) -> Grant:
    return Grant(
        client="c", subject="s", scopes=frozenset(), purposes=held, categories=None, expires=0, token_id="t"
    )


def test_no_place_is_left_out() -> None:
    assert set(BOOK.law.timelines) == {*PLACES, UNKNOWN}
