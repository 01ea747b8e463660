"""Laws that need no database, and the test that mutants of the code under test break them.

A law is a function of generated input that raises what is wrong, so that it runs as a test and on a mutant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import settings

from tests.fixtures.examples import scale_examples
from tests.properties.settings import PROPERTY_SETTINGS

LAW_SETTINGS = settings(PROPERTY_SETTINGS, max_examples=scale_examples(200), report_multiple_bugs=False)
"""These laws need no database, so they are tried with more examples."""

Mutant = Callable[[pytest.MonkeyPatch], None]
"""Changes the code under test so that it breaks a law; its name says how."""

Law = Callable[[], None]
"""Tries a law on generated examples, and raises if one breaks it."""


def build_mutant_test(mutants: Sequence[tuple[Mutant, Law]]) -> Callable[..., None]:
    """Return the test that each mutant breaks its law."""

    @pytest.mark.parametrize(("mutant", "law"), mutants, ids=lambda item: item.__name__)
    def test_a_mutant_breaks_the_law(mutant: Mutant, law: Law, monkeypatch: pytest.MonkeyPatch) -> None:
        mutant(monkeypatch)
        with pytest.raises(AssertionError):
            law()

    return test_a_mutant_breaks_the_law
