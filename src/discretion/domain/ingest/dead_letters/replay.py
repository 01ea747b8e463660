"""Replay of dead letters, after the catalogue was corrected.

A dead letter is validated and ingested as a new message is, with its original time of receipt, so that the
correction of the sender's clock is the same. It is deleted after it was ingested. If the process ends between
the two, the next replay ingests it again, recognises it as a duplicate and deletes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from discretion.catalogue.model import Catalogue
from discretion.domain.ingest.message import Fact, IngestStatus, RefusedMessage
from discretion.domain.ingest.queue import ProcessFacts
from discretion.domain.ingest.validation import MessageValidator
from discretion.errors import Broken
from discretion.reveal.dead_letters import open_dead_letter
from discretion.seal.daily_keys import DailyKeys
from discretion.store.dead_letters import DeadLetter, DeadLetterFilter, DeadLetterStore

BATCH_SIZE = 100
"""Dead letters that are opened and ingested together."""


@dataclass(slots=True)
class ReplayTally:
    """Counts of processed dead letters; ``refused`` and ``unreadable`` are by error code."""

    processed: int = 0
    accepted: int = 0
    duplicate: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class DeadLetterReplay:
    """Replay of dead letters; ``process_facts`` ingests facts, as it does for new messages."""

    store: DeadLetterStore
    catalogue: Catalogue
    keys: DailyKeys
    validator: MessageValidator
    process_facts: ProcessFacts

    async def count_waiting(self, selection: DeadLetterFilter) -> int:
        """Return how many dead letters a filter selects."""
        return await self.store.count(selection)

    async def run(
        self,
        selection: DeadLetterFilter,
        report_progress: Callable[[ReplayTally], None],
        *,
        dry: bool = False,
    ) -> ReplayTally:
        """Replay the dead letters that a filter selects.

        Args:
            selection: The filter.
            report_progress: Called after each batch with the counts so far.
            dry: Validate only. Nothing is ingested, relabelled or deleted, and duplicates are counted as
                accepted.

        Raises:
            Unavailable: the database is unavailable; another run continues with the remaining letters.
        """
        tally, after = ReplayTally(), b""
        while page := await self.store.list_page(selection, after, BATCH_SIZE):
            after = page[-1].id
            await self._replay_page(page, tally, dry=dry)
            report_progress(tally)
        return tally

    async def _replay_page(self, page: Sequence[DeadLetter], tally: ReplayTally, *, dry: bool) -> None:
        facts: dict[bytes, Fact] = {}
        new_refusals: dict[bytes, tuple[str, str]] = {}
        for dead_letter in page:
            tally.processed += 1
            try:
                validated = self._validate_dead_letter(dead_letter)
            except Broken as error:
                tally.unreadable[error.code] += 1
                continue
            if isinstance(validated, Fact):
                facts[dead_letter.id] = validated
                continue
            tally.refused[validated.code] += 1
            if (validated.code, validated.place) != (dead_letter.code, dead_letter.place):
                new_refusals[dead_letter.id] = validated.code, validated.place
        if dry:
            tally.accepted += len(facts)
            return
        for outcome in await self.process_facts(list(facts.values())):
            is_duplicate = outcome.status is IngestStatus.DUPLICATE
            tally.duplicate += is_duplicate
            tally.accepted += not is_duplicate
        # Deleted only after ingestion: a crash before this line leaves a duplicate, never a loss.
        await self.store.remove(list(facts))
        await self.store.set_reasons(new_refusals)

    def _validate_dead_letter(self, dead_letter: DeadLetter) -> Fact | RefusedMessage:
        source = self.catalogue.sources.get(dead_letter.source)
        if source is None:
            return RefusedMessage("", "SOURCE_UNKNOWN", "The catalogue has no such source any more.", "")
        return self.validator.validate(
            source, open_dead_letter(self.keys, dead_letter).value, dead_letter.received
        )
