"""Random interleavings of erasure with late, duplicate, merged and replayed messages, restarts and restores.

Each person has their own schedule: the messages about them before, during and after their erasure, in any
order and often twice. Many people share a round, so one round tests many interleavings, one for each person.
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
from discretion.domain.backup.dump import write_dump
from discretion.store.dump import DumpStore
from tests.fixtures.platform import read_shipped_lawbook
from tests.properties.erasure.population import ErasurePopulation, Person, SourcedMessage, assign_message_ids
from tests.properties.erasure.retained_data import list_unjustified

LARGE_BATCH, SMALL_BATCH = 500, 10

PHASES = ("before", "while", "after", "again")
"""When a message is sent; only the messages of ``before`` are stored when the erasure is requested."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The messages about a person in each phase."""

    person: Person
    phases: Mapping[str, tuple[SourcedMessage, ...]]


def draw_schedule(generator: random.Random, person: Person, number: int) -> Schedule:
    """Draw a schedule: each message in some phases. Messages that link identifiers precede the erasure."""
    phases: dict[str, list[SourcedMessage]] = {phase: [] for phase in PHASES}
    phases["before"] += [
        sourced_message for sourced_message in person.messages if sourced_message[1]["type"] == "identify"
    ]
    for message in person.messages:
        for phase in PHASES:
            if generator.random() < 0.5:
                phases[phase].append(message)
    for phase in PHASES[1:]:  # the same content under other message ids, as if a source replays its own log
        if generator.random() < 0.5:
            resent = assign_message_ids(person.messages, f"{phase}{number}")
            phases[phase] += generator.sample(resent, generator.randint(1, len(resent)))
    if generator.random() < 0.3:  # a new device of the person sends their e-mail address
        _, body = next(
            sourced_message for sourced_message in person.messages if sourced_message[0] == "ios-app"
        )
        device = {**body, "messageId": f"new{number}", "anonymousId": f"new-{person.name}"}
        phases[generator.choice(PHASES[1:])].append(("ios-app", device))
    for phase_messages in phases.values():
        generator.shuffle(phase_messages)
    return Schedule(person, {phase: tuple(phase_messages) for phase, phase_messages in phases.items()})


def batch_by_source(schedules: Sequence[Schedule], phase: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the messages of a phase in batches of one source."""
    batches: dict[str, list[dict[str, Any]]] = {}
    for schedule in schedules:
        for source, message in schedule.phases[phase]:
            batches.setdefault(source, []).append(message)
    yield from batches.items()


LIVING_COLLECTIONS = (
    "customers",
    "source_records",
    "identifiers",
    "events",
    "messages",
    "dead_letters",
    "consents",
)
"""Collections that are empty after everybody was erased."""


class DumpMoment(Enum):
    """When the dump is made that is restored after the erasure."""

    BEFORE = "before"
    DURING = "during"


@dataclass(frozen=True, slots=True)
class RoundResult:
    """The result of a round.

    Attributes:
        messages: Number of messages that were sent.
        customers: Number of customers that were erased.
        remaining: Number of documents by collection, for collections that should be empty.
        retained: Number of documents that are retained of erased people.
        unjustified: Names of what these contain that no law requires.
        replayed: Number of erasures that were replayed after the restore.
    """

    messages: int
    customers: int
    remaining: Mapping[str, int]
    retained: int
    unjustified: tuple[str, ...]
    replayed: int = 0


async def play_round(
    population: ErasurePopulation,
    schedules: Sequence[Schedule],
    dump: DumpMoment | None = None,
    report_erased: Callable[[int], None] = lambda _: None,
) -> RoundResult:
    """Send messages before, during and after an erasure and after a restart; return what remains stored.

    Args:
        population: A population without people.
        schedules: One schedule for each person.
        dump: When the dump is made that is restored before the last messages; None for no dump.
        report_erased: Receives the number of erased customers.
    """
    messages, replayed = await _send_phase(population, schedules, "before", LARGE_BATCH), 0
    customers = [
        customer["_id"]
        for customer in await population.platform.internals.database.find("customers", {}, {"_id": 1})
    ]
    target = population.folder / f"dump-{len(list(population.folder.glob('dump-*')))}"
    if dump is DumpMoment.BEFORE:
        await _write_dump(population, target)
    _, sent_count = await asyncio.gather(
        _erase(population, customers, report_erased, target if dump is DumpMoment.DURING else None),
        _send_phase(population, schedules, "while", SMALL_BATCH),
    )
    messages += sent_count + await _send_phase(population, schedules, "after", LARGE_BATCH)
    await population.restart()
    if dump is not None:
        restore = await population.platform.internals.backup_restore.run(
            target, lambda _name, _more: None, replace=True
        )
        replayed = restore.replayed_erasures
        await population.restart()
        await population.platform.internals.erasure_log.check_replayed()
        await _end_leases(population)
        await population.run_until_finished()
    messages += await _send_phase(population, schedules, "again", LARGE_BATCH)
    await population.restart()
    database = population.platform.internals.database
    remaining = {name: await database.count(name, {}) for name in LIVING_COLLECTIONS}
    retained, unjustified = await _inspect_retained(population)
    return RoundResult(
        messages,
        len(customers),
        {name: count for name, count in remaining.items() if count},
        retained,
        unjustified,
        replayed,
    )


async def _send_phase(
    population: ErasurePopulation, schedules: Sequence[Schedule], phase: str, batch_size: int
) -> int:
    sent_count = 0
    for source, batch in batch_by_source(schedules, phase):
        for start in range(0, len(batch), batch_size):
            await population.platform.send_messages(source, *batch[start : start + batch_size])
            sent_count += len(batch[start : start + batch_size])
    return sent_count


async def _erase(
    population: ErasurePopulation,
    customers: Sequence[bytes],
    report_erased: Callable[[int], None],
    target: Path | None,
) -> None:
    """Erase customers. A dump into ``target`` begins when half of them are erased, before the others are."""
    half = len(customers) // 2
    await population.erase(customers[:half], report_erased)
    began = asyncio.Event()

    async def erase_others() -> None:
        if target is not None:
            await began.wait()
        await population.erase(customers[half:], lambda erased: report_erased(half + erased))

    async def write_dump_meanwhile() -> None:
        if target is not None:
            await _write_dump(population, target, began.set)

    await asyncio.gather(erase_others(), write_dump_meanwhile())


async def _write_dump(
    population: ErasurePopulation, target: Path, report_began: Callable[[], None] = lambda: None
) -> None:
    internals = population.platform.internals
    versions = ("0", internals.catalogue.version)
    await write_dump(
        DumpStore(internals.database), target, now_ms(), versions, lambda _name, _more: report_began()
    )


async def _end_leases(population: ErasurePopulation) -> None:
    """End the leases in the restored dump, whose holders are gone; the test need not wait for their end."""
    database = population.platform.internals.database
    for request in await database.find("requests", {"until": {"$gt": 0}}):
        await database.update_one("requests", {"_id": request["_id"]}, {"$set": {"until": 0}})


async def _inspect_retained(population: ErasurePopulation) -> tuple[int, tuple[str, ...]]:
    """Return the number of retained documents, and their content that no law requires."""
    buckets, unjustified = population.platform.internals.discloser.revealer.buckets, set[str]()
    documents = await population.platform.internals.database.find("held", {})
    for document in documents:
        data_key = buckets.unwrap(document["_id"], document["key"])
        unjustified |= set(list_unjustified(document, data_key, read_shipped_lawbook(), now_ms()))
    return len(documents), tuple(sorted(unjustified))
