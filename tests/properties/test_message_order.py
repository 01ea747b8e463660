"""Message order does not matter (promise 8): shuffled, repeated and interleaved, same customers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings

from tests.fixtures.examples import scale_examples
from tests.fixtures.platform import PlatformUnderTest, open_platform
from tests.properties.message_streams import SentMessage, message_streams
from tests.properties.random_population import delete_everything, read_people, send_one_by_one
from tests.properties.settings import seeded_randoms


def batch_neighbours(sent: list[SentMessage]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Join consecutive messages of one source into batches."""
    batches: list[tuple[str, list[dict[str, Any]]]] = []
    for source, message in sent:
        if batches and batches[-1][0] == source:
            batches[-1][1].append(message)
        else:
            batches.append((source, [message]))
    return batches


def test_any_message_order_gives_the_same_customers(mongo_url: str, tmp_path: Path) -> None:
    """The messages are sent in order; then shuffled and repeated in batches; then concurrently."""

    @given(message_streams(), seeded_randoms())
    @settings(
        max_examples=scale_examples(15),
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    def check_order(platform: PlatformUnderTest, run: Any, sent: list[SentMessage], random: Random) -> None:
        resent = [*sent, *(message for message in sent if random.random() < 0.4)]
        random.shuffle(resent)

        async def compare() -> None:
            await delete_everything(platform)
            assert set(await send_one_by_one(platform, sent)) == {"accepted"}
            expected = await read_people(platform)
            await delete_everything(platform)
            for source, messages in batch_neighbours(resent):
                await platform.send_messages(source, *messages)
            assert await read_people(platform) == expected
            await delete_everything(platform)
            await asyncio.gather(
                *(platform.send_messages(source, *messages) for source, messages in batch_neighbours(resent))
            )
            assert await read_people(platform) == expected
            assert set(await send_one_by_one(platform, resent)) == {"duplicate"}
            assert await read_people(platform) == expected

        run(compare())

    with asyncio.Runner() as runner:
        open_context = open_platform(mongo_url, tmp_path)
        platform = runner.run(open_context.__aenter__())
        try:
            check_order(platform, runner.run)
        finally:
            runner.run(open_context.__aexit__(None, None, None))
