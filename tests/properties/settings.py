"""Hypothesis settings of the property tests, and one event loop for each module."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.fixtures.examples import scale_examples

PROPERTY_SETTINGS = settings(
    max_examples=scale_examples(60),
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)


def seeded_randoms() -> st.SearchStrategy[Random]:
    """Draw generators of chance that are complete before the test runs.

    Those of ``st.randoms`` draw from Hypothesis while the test runs. On a busy machine, an example that takes
    another course the second time then fails as inconsistent, and what went wrong is not shown.
    """
    return st.integers(0, 2**32 - 1).map(Random)


@dataclass(frozen=True)
class LoopRunner:
    """An event loop for tests that Hypothesis calls as synchronous functions."""

    runner: asyncio.Runner

    def run(self, work: Any) -> Any:
        """Run a coroutine and return its result."""
        return self.runner.run(work)

    def enter(self, context: AbstractAsyncContextManager[Any]) -> Iterator[Any]:
        """Yield the value of a context, and exit the context when the generator is closed."""
        value = self.run(context.__aenter__())
        try:
            yield value
        finally:
            self.run(context.__aexit__(None, None, None))
