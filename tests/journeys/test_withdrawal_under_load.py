"""A withdrawal is in force in every process once it is answered, however much is read meanwhile."""

from __future__ import annotations

from pathlib import Path

from tests.bench.withdrawal import prepared

TRIALS = 400
SECONDS = 12
LEAST = 30
"""Trials below which nothing would have been put to the test."""


async def test_no_read_begun_after_a_withdrawal_reveals_and_after_a_yes_each_does(tmp_path: Path) -> None:
    """Four processes; what people say and what is read goes through any of them."""
    async with prepared(tmp_path, seed=1) as ready:
        found = await ready.run(TRIALS, SECONDS)
    assert found.leaks == []
    assert (found.revealed, found.hidden) == (found.trials, 0)
    assert found.trials >= LEAST
    assert found.after == 2 * found.trials
    assert found.watched > found.trials
