"""Every cell of purposes x jurisdictions x statements x ages equals a second reading of the laws.

Where the two differed, the text of the law decided which was wrong; the oracle contains the result. These
mutations in ``purpose/permissions.py`` and ``purpose/record_answer.py`` were each detected: signals ignored;
signals that bind every family; ages ignored; opt-in treated as opt-out; a refusal ignored where a law
requires a notice; a contract that can be refused; expiries ignored; any consent in place of a guardian's; a
guardian's in place of a teenager's own; "never" treated as "ask"; restriction ignored; sensitive kinds
ignored; an ambient consent treated as an express one; limits ignored; renewal ignored; the first law only;
an ambient consent that overrides a refusal; a later ambient refusal ignored; a guardian who overrides an
adult's refusal; statements about parent purposes ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from discretion.catalogue.model import Purpose
from discretion.law.model import UNKNOWN
from discretion.purpose.decide import decide_reveal
from discretion.purpose.decision import Allow
from discretion.token.grant import Grant
from tests.properties.permission_matrix import oracle
from tests.properties.permission_matrix.cells import (
    AGES,
    EXPIRIES,
    LAWBOOK,
    NEXT_YEAR,
    SENSITIVE_KINDS,
    SHIPPED,
    SIGNALS,
    Cell,
    compute_actual,
    find_differences,
)
from tests.properties.permission_matrix.oracle import PLACES
from tests.properties.permission_matrix.statements import STATEMENTS


def _list_cells(place: str) -> Iterator[Cell]:
    for statement, signal, age in product(STATEMENTS, SIGNALS, AGES):
        for expiry in EXPIRIES if "lapsed" in statement else EXPIRIES[:1]:
            yield Cell(place, statement, signal, age, expiry=expiry)
    for statement, age in product(STATEMENTS, AGES):
        yield Cell(place, statement, age=age, limited=True)
        yield Cell(place, statement, age=age, now=NEXT_YEAR)
        yield Cell(place, statement, "before", age, notice_changed=True)
    for statement, age in product(("nothing", "yes", "no", "guardian yes"), AGES):
        yield Cell(place, statement, age=age, restricted=True)


@pytest.mark.parametrize("place", [*PLACES, UNKNOWN])
def test_every_cell_equals_the_reading_of_the_law(place: str) -> None:
    count, different = find_differences(_list_cells(place))
    assert count > 100_000
    assert not different, "\n".join(["", *different])


def test_a_person_of_two_places_is_protected_by_both_laws() -> None:
    pairs = [(first, second) for first in PLACES[::3] for second in PLACES[1::4] if first != second]
    cells = [
        Cell(first, statement, signal, age, second_place=second)
        for (first, second), statement, signal, age in product(
            pairs, STATEMENTS, ("none", "after"), (None, 15)
        )
    ]
    count, different = find_differences(cells)
    assert count > 100_000
    assert not different, "\n".join(["", *different])


@pytest.mark.parametrize("place", ["eu", "us-ca", "jp", UNKNOWN])
def test_each_attribute_is_revealed_in_the_form_of_its_permitted_use(place: str) -> None:
    """The forms of the decision are checked with the person's bits for each attribute and purpose."""
    persons = [
        (statement, signal, compute_actual(Cell(place, statement, signal)))
        for statement, signal in product(STATEMENTS, SIGNALS)
    ]
    for attribute, purpose in product(SHIPPED.attributes.values(), SHIPPED.purposes.values()):
        node = purpose.key
        uses = [use for use in attribute.uses if f"{use.purpose.key}.".startswith(f"{node}.")]
        token_purposes = frozenset({purpose.key})
        decision = decide_reveal(
            SHIPPED, _build_grant(token_purposes), token_purposes, attribute.category, attribute.uses
        )
        forms = decision.permitted_forms if isinstance(decision, Allow) else ()
        for statement, signal, bits in persons:
            allow = bits.allow
            for kind in attribute.kinds:
                allow &= bits.kinds[SENSITIVE_KINDS.index(kind)]
            shown = {form.form for form in forms if form.mask & allow}
            expected = {
                use.form
                for use in uses
                if _is_permitted_for_kinds(place, statement, signal, use.purpose, attribute.kinds)
            }
            assert shown == expected, (attribute.path, node, statement, signal)


def _is_permitted_for_kinds(
    place: str, statement: str, signal: str, purpose: Purpose, kinds: tuple[str, ...]
) -> bool:
    basis, family = purpose.basis, purpose.family
    return all(
        oracle.is_permitted(place, basis=basis, family=family, statement=statement, signal=signal, kind=kind)
        for kind in kinds or ("",)
    )


def _build_grant(purposes: frozenset[str]) -> Grant:
    return Grant(
        client="c",
        subject="s",
        scopes=frozenset(),
        purposes=purposes,
        categories=None,
        expires=0,
        token_id="t",
    )


def test_the_matrix_has_every_jurisdiction() -> None:
    assert set(LAWBOOK.consent_law.timelines) == {*PLACES, UNKNOWN}
