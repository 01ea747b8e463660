"""Sending refused messages again, after the catalogue was mended.

A letter goes the way of a message at the door, with the time it came then, so that a wrong clock is corrected
alike. It is deleted once it is taken in. Cut short between the two, it is sent once more, recognised as a
repetition, and deleted then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.ingest.message import Fact, Outcome, Refused, Status
from discretion.domain.ingest.validation import Validator
from discretion.errors import Broken
from discretion.reveal.dead_letters import opened
from discretion.seal.daily_keys import DayKeys
from discretion.store.dead_letters import DeadLetters, Wanted

TOGETHER = 100
"""Letters that are opened, and taken in, at once."""


@dataclass(slots=True)
class Tally:
    """What became of letters so far; ``refused`` and ``unreadable`` by code."""

    met: int = 0
    taken: int = 0
    duplicate: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Replay:
    """Sends letters again; ``take`` is the way of every fact."""

    store: DeadLetters
    catalogue: Catalogue
    keys: DayKeys
    validator: Validator
    take: Callable[[Sequence[Fact]], Awaitable[list[Outcome]]]

    async def waiting(self, wanted: Wanted) -> int:
        """How many letters are wanted."""
        return await self.store.count(wanted)

    async def run(self, wanted: Wanted, told: Callable[[Tally], None], *, dry: bool = False) -> Tally:
        """Send the letters that are wanted.

        Args:
            wanted: Which.
            told: Is told how far it is.
            dry: Validate only: nothing is taken in, relabelled or deleted, and repetitions are not told
                from what is new.

        Raises:
            Unavailable: the store is away; running again goes on from there.
        """
        tally, after = Tally(), b""
        while page := await self.store.page(wanted, after, TOGETHER):
            after = page[-1]["_id"]
            await self._send(page, tally, dry=dry)
            told(tally)
        return tally

    async def _send(self, page: list[dict[str, Any]], tally: Tally, *, dry: bool) -> None:
        facts: dict[bytes, Fact] = {}
        reasons: dict[bytes, tuple[str, str]] = {}
        for letter in page:
            tally.met += 1
            try:
                read = self._read(letter)
            except Broken as broken:
                tally.unreadable[broken.code] += 1
                continue
            if isinstance(read, Fact):
                facts[letter["_id"]] = read
                continue
            tally.refused[read.code] += 1
            if (read.code, read.place) != (letter["code"], letter["place"]):
                reasons[letter["_id"]] = read.code, read.place
        if dry:
            tally.taken += len(facts)
            return
        for outcome in await self.take(list(facts.values())):
            again = outcome.status is Status.DUPLICATE
            tally.duplicate += again
            tally.taken += not again
        await self.store.remove(list(facts))
        await self.store.relabel(reasons)

    def _read(self, letter: Mapping[str, Any]) -> Fact | Refused:
        source = self.catalogue.sources.get(letter["source"])
        if source is None:
            return Refused("", "SOURCE_UNKNOWN", "The catalogue has no such source any more.", "")
        return self.validator.fact(source, opened(self.keys, letter).value, letter["received"])
