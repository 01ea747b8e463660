"""What the laws share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.properties.settings import Loop


@pytest.fixture(scope="module")
def run() -> Iterator[Loop]:
    """Runs coroutines, in one loop that leaves nothing behind."""
    with asyncio.Runner() as runner:
        yield Loop(runner)
