"""Runs many attacks and counts what they took: ``python -m tests.properties.attack --runs 10000``."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from discretion.store.embedded import mongo_server as embedded
from tests.fixtures.platform import open_platform
from tests.properties.attack.outcome import run_attacks
from tests.properties.attack.world import Action, actions

BATCH = 50
MAX_ACTIONS = 16
KINDS = ("takeover", "eviction", "overwritten", "widened", "wrong person")


def draw_attacks(count: int, chance: int) -> list[list[Action]]:
    """Draw attacks; the same arguments give the same ones."""
    drawn: list[list[Action]] = []

    @seed(chance)
    @settings(
        max_examples=count,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(actions(), min_size=1, max_size=MAX_ACTIONS))
    def collect(attack: list[Action]) -> None:
        drawn.append(attack)

    collect()
    return drawn[:count]


async def run(console: Console, runs: int, chance: int) -> int:
    """Run attacks, print a table of what they took, and return how many took something."""
    attacks = draw_attacks(runs, chance)
    counts: Counter[str] = Counter()
    action_counts = Counter(action.name for attack in attacks for action in attack)
    succeeded = 0
    with (
        tempfile.TemporaryDirectory(prefix="discretion-attack-") as folder,
        Progress(console=console) as progress,
    ):
        task = progress.add_task("Attacking", total=len(attacks))
        async with (
            embedded.run_embedded_mongo(Path(folder) / "mongo") as mongo,
            open_platform(mongo.url, Path(folder) / "data") as platform,
        ):
            for start in range(0, len(attacks), BATCH):
                batch = dict(enumerate(attacks[start : start + BATCH], start))
                for number, changes in (await run_attacks(platform, batch)).items():
                    succeeded += bool(changes)
                    counts.update(change.partition(":")[0] for change in changes)
                    if changes:
                        console.print(
                            f"attack {number}: {[action.name for action in batch[number]]}: {changes}"
                        )
                progress.advance(task, len(batch))
    table = Table(title=f"{len(attacks):,} attacks, {sum(action_counts.values()):,} actions")
    table.add_column("what it took")
    table.add_column("attacks", justify="right")
    for kind in KINDS:
        table.add_row(kind, f"{counts[kind]:,}")
    console.print(table)
    return succeeded


def main(
    runs: Annotated[int, typer.Option(help="Attacks, each on a population of its own.", min=1)] = 10_000,
    chance: Annotated[int, typer.Option("--seed", help="Another seed draws other attacks.")] = 1,
) -> None:
    """Attack a platform as a stranger with an account, a card, a recycled address and shared devices.

    Ends with 1 if an attack took anything from anybody.
    """
    raise typer.Exit(1 if asyncio.run(run(Console(), runs, chance)) else 0)


if __name__ == "__main__":
    typer.run(main)
