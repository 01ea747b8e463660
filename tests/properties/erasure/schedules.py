"""Random interleavings of erasure with late, duplicate, merged and replayed messages, restarts and restores.

Everybody has a schedule of their own: what is told of them before they are erased, while, and after, in any
order and often twice. Many people share a round, so one round is many interleavings: each is one person's.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from discretion.app.clock import now_ms
from discretion.domain.backup.dump import backup
from tests.fixtures.platform import shipped_law
from tests.properties.erasure.population import Person, Told, Town, renamed
from tests.properties.erasure.retained_data import astray

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


class Moment(Enum):
    """When a dump is made that is restored after the erasure."""

    BEFORE = "before"
    DURING = "during"


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to.

    ``asked`` customers were erased, ``left`` are documents of the living by collection. ``held`` is how many
    documents are kept of the erased, ``astray`` what in those no law orders kept.
    """

    messages: int
    asked: int
    left: Mapping[str, int]
    held: int
    astray: tuple[str, ...]
    replayed: int = 0


async def play(
    town: Town,
    schedules: Sequence[Schedule],
    dump: Moment | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Round:
    """Tell, erase while telling, tell again, and again after a restart; what is left of everybody.

    Args:
        town: Where nobody lives yet.
        schedules: One for each person.
        dump: When a dump is made that is restored before the last messages; None if none is.
        told: Told how many are erased.
    """
    messages, replayed = await _tell(town, schedules, "before", BATCH), 0
    customers = [one["_id"] for one in await town.house.platform.database.find("customers", {}, {"_id": 1})]
    target = town.folder / f"dump-{len(list(town.folder.glob('dump-*')))}"
    if dump is Moment.BEFORE:
        await _dump(town, target)
    half = asyncio.Event()

    def heard(erased: int) -> None:
        told(erased)
        if 2 * erased >= len(customers):
            half.set()

    _, sent, _ = await asyncio.gather(
        town.erase(customers, heard),
        _tell(town, schedules, "while", FEW),
        _dump_after(town, target, half, wanted=dump is Moment.DURING),
    )
    messages += sent + await _tell(town, schedules, "after", BATCH)
    await town.restart()
    if dump is not None:
        restored = await town.house.platform.restore(target, lambda _name, _more: None, replace=True)
        replayed = restored.replayed
        await town.restart()
        await town.house.platform.remember.check()
        await _leases_are_over(town)
        await town.finish()
    messages += await _tell(town, schedules, "again", BATCH)
    await town.restart()
    left = {one: await town.house.platform.database.count(one, {}) for one in LIVING}
    held, wrong = await _held(town)
    return Round(
        messages, len(customers), {name: many for name, many in left.items() if many}, held, wrong, replayed
    )


async def _tell(town: Town, schedules: Sequence[Schedule], phase: str, together: int) -> int:
    sent = 0
    for source, batch in by_source(schedules, phase):
        for start in range(0, len(batch), together):
            await town.house.tell(source, *batch[start : start + together])
            sent += len(batch[start : start + together])
    return sent


async def _dump(town: Town, target: Path) -> None:
    platform = town.house.platform
    versions = ("0", platform.catalogue.version)
    await backup(platform.database, target, now_ms(), versions, lambda _name, _more: None)


async def _dump_after(town: Town, target: Path, half: asyncio.Event, *, wanted: bool) -> None:
    """A dump when half are erased."""
    if wanted:
        await half.wait()
        await _dump(town, target)


async def _leases_are_over(town: Town) -> None:
    """Who held a request when the dump was made is gone; nobody waits here until that shows."""
    requests = town.house.platform.rights.requests
    for one in await requests.find({"until": {"$gt": 0}}, [("_id", 1)], 0):
        await requests.save(one["_id"], one["fence"], {"until": 0})


async def _held(town: Town) -> tuple[int, tuple[str, ...]]:
    """How many documents are held, and what in them no law orders kept."""
    buckets, found = town.house.platform.conductor.revealer.buckets, set[str]()
    held = await town.house.platform.database.find("held", {})
    for one in held:
        found |= set(astray(one, buckets.unwrap(one["_id"], one["key"]), shipped_law(), now_ms()))
    return len(held), tuple(sorted(found))
