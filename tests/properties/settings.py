"""How the laws are run: one event loop for a module, and so many examples."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, settings

LAW = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)


@dataclass(frozen=True)
class Loop:
    """One event loop for tests that Hypothesis calls as plain functions."""

    runner: asyncio.Runner

    def __call__(self, work: Any) -> Any:
        """Run a coroutine."""
        return self.runner.run(work)

    def enter(self, context: AbstractAsyncContextManager[Any]) -> Iterator[Any]:
        """What the context gives, and its end when the generator is closed."""
        value = self(context.__aenter__())
        try:
            yield value
        finally:
            self(context.__aexit__(None, None, None))
