"""Attacks in several processes, each with a platform and a MongoDB of its own."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty

from discretion.serve import GC_THRESHOLD
from discretion.store.embedded import mongo_server as embedded
from tests.fixtures.platform import open_platform
from tests.properties.attack.outcome import run_attacks
from tests.properties.attack.world import Action

BATCH = 200
"""Attacks side by side: their messages share requests and transactions."""

POLL_S = 1.0

Attacks = Mapping[int, Sequence[Action]]
"""Attacks by the number of their population."""

Changes = Mapping[int, Sequence[str]]
"""What attacks took, by the number of their population."""


async def run_share(attacks: Attacks, report: Callable[[Changes], None]) -> None:
    """Run attacks on a platform with a MongoDB of its own, and report what each batch took."""
    numbers = list(attacks)
    with tempfile.TemporaryDirectory(prefix="discretion-attack-") as folder:
        async with (
            embedded.run_embedded_mongo(Path(folder) / "mongo") as mongo,
            open_platform(mongo.url, Path(folder) / "data") as platform,
        ):
            collect_rarely()
            for start in range(0, len(numbers), BATCH):
                batch = {number: attacks[number] for number in numbers[start : start + BATCH]}
                report(await run_attacks(platform, batch))


def run_share_as_process(attacks: Attacks, reports: Queue[Changes]) -> None:
    """Run attacks in a process of their own."""
    asyncio.run(run_share(attacks, reports.put))


def collect_rarely() -> None:
    """Let the garbage collector skip what lives as long as the process, as a server does."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 20)


def run_processes(attacks: Attacks, processes: int) -> Iterator[Changes]:
    """Run attacks in several processes, and yield what each batch took.

    Raises:
        RuntimeError: A process ended early.
    """
    context = multiprocessing.get_context("spawn")
    reports: Queue[Changes] = context.Queue()
    shares = [dict(list(attacks.items())[first::processes]) for first in range(processes)]
    workers = [
        context.Process(target=run_share_as_process, args=(share, reports)) for share in shares if share
    ]
    for worker in workers:
        worker.start()
    waiting = len(attacks)
    while waiting:
        try:
            changes = reports.get(timeout=POLL_S)
        except Empty:
            if any(worker.exitcode for worker in workers):
                raise RuntimeError("A process ended early.") from None
            continue
        waiting -= len(changes)
        yield changes
    for worker in workers:
        worker.join()
