"""A sample of the mutants of the map is noticed; ``python -m tests.store.places`` runs all of them."""

from __future__ import annotations

from pathlib import Path

from tests.fixtures.platform import PlatformUnderTest
from tests.store.places.mutants import Installation, find_notice, generate_mutants, has_own_rule

SAMPLED_EVERY = 16


async def test_a_weaker_or_stronger_map_is_noticed(
    platform: PlatformUnderTest, tmp_path: Path, mongo_url: str
) -> None:
    mutants = list(generate_mutants())
    assert len(mutants) > 200
    sample = [mutant for mutant in mutants if has_own_rule(mutant)][::SAMPLED_EVERY]
    assert len(sample) >= 5
    at = Installation(platform, tmp_path, mongo_url)
    notices = {mutant.name: await find_notice(mutant, at) for mutant in sample}
    assert [name for name, notice in notices.items() if notice is None] == []
