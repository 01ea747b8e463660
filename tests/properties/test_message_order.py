"""Order does not matter (promise 8): shuffled, repeated, split and interleaved, the same people."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.platform import House, open_house
from tests.properties.message_streams import Sent, streams
from tests.properties.random_population import empty, people, send


def batches(sent: list[Sent]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Neighbours of one source together."""
    made: list[tuple[str, list[dict[str, Any]]]] = []
    for source, message in sent:
        if made and made[-1][0] == source:
            made[-1][1].append(message)
        else:
            made.append((source, [message]))
    return made


def test_any_order_gives_the_same_people(mongo_url: str, tmp_path: Path) -> None:
    """Sent in order; shuffled and repeated in batches; and all at once over eight connections."""

    @given(streams(), st.randoms(use_true_random=False))
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def law(house: House, run: Any, sent: list[Sent], random: Random) -> None:
        again = [*sent, *(one for one in sent if random.random() < 0.4)]
        random.shuffle(again)

        async def compare() -> None:
            await empty(house)
            assert set(await send(house, sent)) == {"accepted"}
            wanted = await people(house)
            await empty(house)
            for source, messages in batches(again):
                await house.tell(source, *messages)
            assert await people(house) == wanted
            await empty(house)
            await asyncio.gather(*(house.tell(source, *messages) for source, messages in batches(again)))
            assert await people(house) == wanted
            assert set(await send(house, again)) == {"duplicate"}
            assert await people(house) == wanted

        run(compare())

    with asyncio.Runner() as runner:
        opened = open_house(mongo_url, tmp_path)
        house = runner.run(opened.__aenter__())
        try:
            law(house, runner.run)
        finally:
            runner.run(opened.__aexit__(None, None, None))
