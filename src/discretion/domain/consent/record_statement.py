"""Saying something about purposes: in force and on record together, and a receipt for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.domain.consent.source_statements import stands
from discretion.domain.consent.statement_record import ConsentEvent, event
from discretion.domain.consent.statement_writer import Also, Before, Speak, Utterance
from discretion.domain.consent.statements import Act, Occasion, Subject, events
from discretion.domain.consent.terms_registry import Agreed
from discretion.domain.ingest.message import Said
from discretion.domain.ingest.statement_context import Saying
from discretion.store.consents import recorded
from discretion.store.driver.database import Operation


@dataclass(frozen=True, slots=True)
class Say:
    """Puts what is said in force and on record."""

    agreed: Agreed
    speak: Speak
    entropy: Callable[[int], bytes] = field(repr=False)

    async def __call__(
        self,
        customer: bytes,
        act: Act,
        by: str,
        saying: Saying,
        words: Mapping[str, Said],
        *,
        message: bytes | None = None,
        beside: Also = lambda _: (),
    ) -> list[ConsentEvent]:
        """Tell all records of a customer; the events, when they are durable.

        Args:
            customer: Their id, or an older one of theirs.
            act: What they do.
            by: Who speaks, as it stands on record.
            saying: How it is said.
            words: What is said of each purpose.
            message: Tells it from every other word; said again under the same it is a Conflict.
            beside: What is written in the same transaction.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``; Conflict: ``DUPLICATE``.
        """
        await self.agreed.keep()
        message = self.entropy(16) if message is None else message
        told = {key: event(one) for key, one in (await self._last(customer, words)).items()}
        made: list[ConsentEvent] = []

        def also(before: Before) -> Sequence[tuple[str, Operation]]:
            occasion = Occasion(message, act, by, saying, before.at, before.at)
            subject = Subject(
                before.records,
                before.customer,
                before.state.laws,
                stands(self.agreed.catalogue, words, before.state.heard, before.at),
                told,
            )
            made[:] = events(self.agreed.catalogue, self.agreed.digests, occasion, subject, words)
            return [*recorded([one.document() for one in made]), *beside(before)]

        await self.speak.say(customer, Utterance(message.hex(), words), also)
        return made

    async def _last(self, customer: bytes, words: Mapping[str, Said]) -> dict[str, dict[str, Any]]:
        return await self.agreed.consents.latest(await self.agreed.consents.records(customer), words)
