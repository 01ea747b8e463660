"""Recording of a statement that a customer or a steward makes: in force and on record in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from discretion.domain.consent.source_statements import read_effective_choices
from discretion.domain.consent.statement_writer import (
    CustomerStateBefore,
    CustomerStatement,
    ExtraWrites,
    StatementWriter,
)
from discretion.domain.consent.statements import (
    ConsentAction,
    StatementOccasion,
    StatementSubject,
    build_consent_events,
)
from discretion.domain.consent.terms_registry import TermsRegistry
from discretion.domain.ingest.message import ExplicitChoice
from discretion.domain.ingest.statement_context import StatementContext
from discretion.store.consent_event import ConsentEvent
from discretion.store.consents import build_consent_inserts
from discretion.store.transactions import PendingWrite


@dataclass(frozen=True, slots=True)
class StatementRecorder:
    """Puts statements of customers and stewards in force and on record. ``entropy`` returns random bytes."""

    terms_registry: TermsRegistry
    writer: StatementWriter
    entropy: Callable[[int], bytes] = field(repr=False)

    async def record(
        self,
        customer: bytes,
        action: ConsentAction,
        author: str,
        context: StatementContext,
        choices: Mapping[str, ExplicitChoice],
        *,
        message: bytes | None = None,
        login: bytes | None = None,
        spares_logins: bool = False,
        extra_writes: ExtraWrites = lambda _: (),
    ) -> list[ConsentEvent]:
        """Record a statement and return its events when they are durable.

        Args:
            customer: The customer's id, or a former id.
            action: What the person does.
            author: Who makes the statement, as recorded in ``by``.
            context: How it is made.
            choices: The choices by purpose, as ``resolve_choices`` returned them.
            message: A unique name of the statement; a random one if None. A repetition is a conflict.
            login: Blind index of the identifier under which the person logged in; see ``CustomerStatement``.
            spares_logins: Whether it leaves out what a login of the customer has agreed to.
            extra_writes: Further writes of the same transaction.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``; Conflict: ``DUPLICATE``.
        """
        # Before the events: after a crash in between there are unused terms, and never an event without its
        # terms.
        await self.terms_registry.store_terms()
        message = self.entropy(16) if message is None else message
        last_events = await self._read_last_events(customer, choices)
        recorded_events: list[ConsentEvent] = []

        def build_writes(state_before: CustomerStateBefore) -> Sequence[PendingWrite]:
            occasion = StatementOccasion(message, action, author, context, state_before.at, state_before.at)
            subject = StatementSubject(
                state_before.records,
                state_before.customer,
                state_before.state.laws,
                read_effective_choices(
                    self.terms_registry.catalogue,
                    state_before.choices,
                    state_before.state.statements,
                    state_before.at,
                ),
                last_events,
                state_before.stating,
            )
            # Replaced, not extended: a transaction that runs again calls this function again.
            recorded_events[:] = build_consent_events(
                self.terms_registry.catalogue,
                self.terms_registry.digests,
                occasion,
                subject,
                state_before.choices,
            )
            return [
                *build_consent_inserts(recorded_events),
                *extra_writes(state_before),
            ]

        statement = CustomerStatement(message.hex(), choices, login=login, spares_logins=spares_logins)
        await self.writer.write_statement(customer, statement, build_writes)
        return recorded_events

    async def _read_last_events(
        self, customer: bytes, choices: Mapping[str, ExplicitChoice]
    ) -> dict[str, ConsentEvent]:
        return await self.terms_registry.consents.read_latest(
            await self.terms_registry.consents.list_record_ids(customer), choices
        )
