"""Random interleavings of erasure with late, duplicate, merged and replayed messages, restarts and restores.

Everybody has a schedule of their own: what is told of them before they are erased, while, and after, in any
order and often twice. Many people share a round, so one round is many interleavings: each is one person's.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.laws.erased.town import Person, Told, Town, renamed

BATCH, FEW = 500, 10

PHASES = ("before", "while", "after", "again")
"""When a message comes; only what comes ``before`` is known when the erasure is asked for."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is told of somebody in each phase."""

    person: Person
    phases: Mapping[str, tuple[Told, ...]]


def schedule(dice: random.Random, person: Person, number: int) -> Schedule:
    """A schedule: every message in some phases; before the erasure all that links the person is known."""
    phases: dict[str, list[Told]] = {phase: [] for phase in PHASES}
    phases["before"] += [one for one in person.messages if one[1]["type"] == "identify"]
    for message in person.messages:
        for phase in PHASES:
            if dice.random() < 0.5:
                phases[phase].append(message)
    for phase in PHASES[1:]:  # the same things again under other ids, as a replay of a source's own log would
        if dice.random() < 0.5:
            fresh = renamed(person.messages, f"{phase}{number}")
            phases[phase] += dice.sample(fresh, dice.randint(1, len(fresh)))
    if dice.random() < 0.3:  # a new device of theirs says their address
        _, told = next(one for one in person.messages if one[0] == "ios-app")
        device = {**told, "messageId": f"new{number}", "anonymousId": f"new-{person.name}"}
        phases[dice.choice(PHASES[1:])].append(("ios-app", device))
    for told_of in phases.values():
        dice.shuffle(told_of)
    return Schedule(person, {phase: tuple(told_of) for phase, told_of in phases.items()})


def by_source(schedules: Sequence[Schedule], phase: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Everything of a phase, in batches of one source."""
    batches: dict[str, list[dict[str, Any]]] = {}
    for one in schedules:
        for source, message in one.phases[phase]:
            batches.setdefault(source, []).append(message)
    yield from batches.items()


LIVING = ("customers", "source_records", "identifiers", "events", "messages", "dead_letters", "consents")
"""Collections that are empty where everybody was erased."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to: documents that are left by collection, and how many messages there were."""

    left: Mapping[str, int]
    messages: int


async def play(town: Town, schedules: Sequence[Schedule]) -> Round:
    """Tell, erase while telling, tell again, and again after a restart; what is left of everybody."""
    messages = 0
    house = town.house
    for source, batch in by_source(schedules, "before"):
        messages += len(batch)
        for start in range(0, len(batch), BATCH):
            await house.tell(source, *batch[start : start + BATCH])
    customers = [one["_id"] for one in await house.platform.database.find("customers", {}, {"_id": 1})]

    async def during() -> int:
        sent = 0
        for source, batch in by_source(schedules, "while"):
            for start in range(0, len(batch), FEW):
                await house.tell(source, *batch[start : start + FEW])
                sent += len(batch[start : start + FEW])
        return sent

    _, sent = await asyncio.gather(town.erase(customers, lambda _: None), during())
    messages += sent
    for phase in ("after", "again"):
        for source, batch in by_source(schedules, phase):
            messages += len(batch)
            for start in range(0, len(batch), BATCH):
                await town.house.tell(source, *batch[start : start + BATCH])
        await town.restart()
    left = {one: await town.house.platform.database.count(one, {}) for one in LIVING}
    return Round({name: number for name, number in left.items() if number}, messages)
