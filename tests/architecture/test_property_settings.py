"""Property tests do not measure their inputs by the wall clock: a busy machine must not fail a right test."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

HYPOTHESIS_LIMIT_S = 0.2
"""How long an input may take unless the settings say otherwise."""


def test_an_input_may_take_any_time() -> None:
    @given(st.booleans())
    @settings(max_examples=2, database=None)
    def wait(_: bool) -> None:
        time.sleep(HYPOTHESIS_LIMIT_S * 1.5)

    wait()
