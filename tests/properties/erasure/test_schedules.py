"""Whatever is told of somebody while and after they are erased, in whatever order, they stay gone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.properties.erasure.population import person, town
from tests.properties.erasure.schedules import Moment, play, schedule

PEOPLE = 25


@pytest.mark.parametrize(("seed", "dump"), [(1, None), (2, Moment.BEFORE), (3, Moment.DURING)])
async def test_the_erased_stay_gone_in_any_interleaving(
    tmp_path: Path, seed: int, dump: Moment | None
) -> None:
    dice = random.Random(seed)
    async with town(tmp_path) as here:
        done = await play(here, [schedule(dice, person(number), number) for number in range(PEOPLE)], dump)
    assert (done.left, done.astray) == ({}, ())
    assert done.asked == PEOPLE
    assert done.messages > 10 * PEOPLE
    assert (done.replayed > 0) == (dump is not None)
    assert done.held > 0 or dump is not None  # a dump from before has nothing that was kept since
