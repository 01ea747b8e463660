"""A withdrawal is in effect in every process once it is answered, under a load of concurrent reads."""

from __future__ import annotations

from pathlib import Path

from tests.bench.withdrawal import prepare_trials

TRIALS = 400
SECONDS = 12
MIN_TRIALS = 30
"""Number of trials below which the test would prove nothing."""


async def test_reads_after_a_withdrawal_reveal_nothing_and_reads_after_a_consent_reveal(
    tmp_path: Path,
) -> None:
    """Four server processes; statements and reads go through any of them."""
    async with prepare_trials(tmp_path, seed=1) as installation:
        result = await installation.run(TRIALS, SECONDS)
    assert result.leaks == []
    assert (result.revealed, result.hidden) == (result.trials, 0)
    assert result.trials >= MIN_TRIALS
    assert result.reads_after == 2 * result.trials
    assert result.list_reads > result.trials
