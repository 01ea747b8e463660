"""Runs many attacks and counts what they took: ``python -m tests.properties.attack --runs 10000``."""

from __future__ import annotations

import time
from collections import Counter
from typing import Annotated

import typer
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.properties.attack.processes import run_processes
from tests.properties.attack.world import Action, actions

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


def run(console: Console, runs: int, chance: int, processes: int) -> int:
    """Run attacks, print a table of what they took, and return how many took something."""
    attacks = dict(enumerate(draw_attacks(runs, chance)))
    counts: Counter[str] = Counter()
    succeeded = 0
    started = time.monotonic()
    with Progress(console=console) as progress:
        task = progress.add_task("Attacking", total=len(attacks))
        for batch in run_processes(attacks, processes):
            for number, changes in batch.items():
                succeeded += bool(changes)
                counts.update(change.partition(":")[0] for change in changes)
                if changes:
                    names = [action.name for action in attacks[number]]
                    console.print(f"attack {number}: {names}: {changes}")
            progress.advance(task, len(batch))
    rate = len(attacks) / (time.monotonic() - started)
    actions_count = sum(len(attack) for attack in attacks.values())
    table = Table(title=f"{len(attacks):,} attacks, {actions_count:,} actions, {rate:.1f} attacks per second")
    table.add_column("what it took")
    table.add_column("attacks", justify="right")
    for kind in KINDS:
        table.add_row(kind, f"{counts[kind]:,}")
    console.print(table)
    return succeeded


def main(
    runs: Annotated[int, typer.Option(help="Attacks, each on a population of its own.", min=1)] = 10_000,
    chance: Annotated[int, typer.Option("--seed", help="Another seed draws other attacks.")] = 1,
    processes: Annotated[
        int, typer.Option(help="Processes, each with a platform and a MongoDB of its own.", min=1)
    ] = 1,
) -> None:
    """Attack a platform as a stranger with an account, a card, a recycled address and shared devices.

    Ends with 1 if an attack took anything from anybody.
    """
    raise typer.Exit(1 if run(Console(), runs, chance, processes) else 0)


if __name__ == "__main__":
    typer.run(main)
