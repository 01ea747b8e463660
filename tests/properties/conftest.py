"""Fixtures of the property tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.properties.settings import LoopRunner


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopRunner]:
    """One event loop for a module, which is closed after the tests."""
    with asyncio.Runner() as runner:
        yield LoopRunner(runner)
