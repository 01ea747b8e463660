"""Messages about a person during and after their erasure, in any order, store nothing about them again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.properties.erasure.population import build_person, open_population
from tests.properties.erasure.schedules import DumpMoment, draw_schedule, play_round

PEOPLE = 25


@pytest.mark.parametrize(("seed", "dump"), [(1, None), (2, DumpMoment.BEFORE), (3, DumpMoment.DURING)])
async def test_erased_people_stay_erased_in_any_interleaving(
    tmp_path: Path, seed: int, dump: DumpMoment | None
) -> None:
    generator = random.Random(seed)
    async with open_population(tmp_path) as population:
        result = await play_round(
            population,
            [draw_schedule(generator, build_person(number), number) for number in range(PEOPLE)],
            dump,
        )
    assert (result.remaining, result.unjustified) == ({}, ())
    assert result.customers == PEOPLE
    assert result.messages > 10 * PEOPLE
    assert (result.replayed > 0) == (dump is not None)
    assert result.retained > 0 or dump is not None  # a dump from before the erasure has no retained data
