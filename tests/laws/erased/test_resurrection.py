"""Whatever is told of somebody while and after they are erased, in whatever order, they stay gone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.laws.erased.schedules import play, schedule
from tests.laws.erased.town import person, town

PEOPLE = 40


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_erased_stay_gone_in_any_interleaving(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    async with town(tmp_path) as here:
        done = await play(here, [schedule(dice, person(number), number) for number in range(PEOPLE)])
    assert done.left == {}
    assert done.messages > 10 * PEOPLE
