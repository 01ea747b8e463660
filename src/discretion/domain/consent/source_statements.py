"""Recording of statements that sources report, in the same transaction as the messages that contain them.

Ambient choices, which a source repeats in every message, are recorded only when they change, and those of a
TC string also when it was updated. An opt-out
signal is recorded once for each source record, when it is first received: a browser sends it with every
page view, and the repetitions state nothing new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from discretion.catalogue.model import Catalogue
from discretion.domain.consent.statement_writer import CustomerStateBefore
from discretion.domain.consent.statements import (
    ConsentAction,
    StatementOccasion,
    StatementSubject,
    build_consent_events,
    list_sharing_purposes,
)
from discretion.domain.consent.terms_registry import TermsRegistry
from discretion.domain.identity.statement_observer import ObservedStatement
from discretion.domain.ingest.message import ExplicitChoice, Fact
from discretion.domain.ingest.purpose_tree import find_purposes_under, select_askable
from discretion.domain.ingest.statement_context import StatementContext
from discretion.domain.profiles.choice_fold import fold_ambient_choice, fold_dated_choice
from discretion.domain.profiles.person_state import LIMIT_SIGNAL, read_record_statements
from discretion.domain.profiles.source_record import select_choices
from discretion.purpose.effective_choice import compute_effective_choice
from discretion.purpose.statements import AmbientChoice, RecordStatements
from discretion.store.consent_event import ConsentEvent, StatementMethod
from discretion.store.consents import build_consent_inserts, build_terms_upserts
from discretion.store.source_record import SourceRecord
from discretion.store.transactions import PendingWrite, Session

REFUSAL = ExplicitChoice(False)


@dataclass(frozen=True, slots=True)
class NewStatement:
    """Choices that change what a source record states, with the occasion on which they were made."""

    observed: ObservedStatement
    occasion: StatementOccasion
    choices: Mapping[str, ExplicitChoice] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SourceStatementRecorder:
    """Records every statement that changes what a source record states; a late one may change nothing."""

    terms_registry: TermsRegistry

    async def record(self, session: Session, observed: Sequence[ObservedStatement]) -> None:
        """Put choices and signals on record within a transaction."""
        new_statements = list(self._find_new_statements(observed))
        if not new_statements:
            return
        await self.terms_registry.store_terms()
        laws = await self.terms_registry.consents.read_jurisdictions(
            {statement.observed.customer for statement in new_statements}, session
        )
        latest = await self.terms_registry.consents.read_latest_by_record(
            {statement.observed.record for statement in new_statements},
            {purpose for statement in new_statements for purpose in statement.choices},
            session,
        )
        recorded_events: list[ConsentEvent] = []
        for statement in new_statements:
            record = statement.observed.record
            last_events = {
                purpose: latest[record, purpose]
                for purpose in statement.choices
                if (record, purpose) in latest
            }
            choices_before = read_effective_choices(
                self.terms_registry.catalogue,
                statement.choices,
                _parse_record_statements(statement.observed),
                statement.occasion.received,
            )
            subject = StatementSubject(
                (record,),
                statement.observed.customer,
                laws[statement.observed.customer],
                choices_before,
                last_events,
            )
            events = list(
                build_consent_events(
                    self.terms_registry.catalogue,
                    self.terms_registry.digests,
                    statement.occasion,
                    subject,
                    statement.choices,
                )
            )
            # Those of this transaction are not in the store yet.
            latest |= {(record, event.purpose): event for event in events}
            recorded_events += events
        await self.terms_registry.consents.add(recorded_events, session)

    def build_signal_writes(self, state_before: CustomerStateBefore) -> Sequence[PendingWrite]:
        """Build the writes that put the signal of a customer's own browser on record, unless one is there."""
        if any(statements.opted_out_at is not None for statements in state_before.state.statements):
            return []
        choices = dict.fromkeys(list_sharing_purposes(self.terms_registry.catalogue), REFUSAL)
        message = b"".join((state_before.customer, StatementMethod.GPC.encode(), state_before.at.to_bytes(8)))
        occasion = StatementOccasion(
            message, ConsentAction.OPT_OUT, "self:browser", _GPC_CONTEXT, state_before.at, state_before.at
        )
        choices_before = read_effective_choices(
            self.terms_registry.catalogue, choices, state_before.state.statements, state_before.at
        )
        subject = StatementSubject(
            state_before.records, state_before.customer, state_before.state.laws, choices_before
        )
        events = list(
            build_consent_events(
                self.terms_registry.catalogue, self.terms_registry.digests, occasion, subject, choices
            )
        )
        # This function cannot await ``store_terms``: the terms are part of the transaction instead.
        terms = {event.terms: self.terms_registry.terms[event.terms] for event in events}
        return [
            *build_terms_upserts(terms),
            *build_consent_inserts(events),
        ]

    def _find_new_statements(self, observed: Sequence[ObservedStatement]) -> Iterator[NewStatement]:
        """Yield the statements that change something, in the order of time."""
        # ``record_before`` is the state before the whole batch: these two hold what earlier messages of it
        # changed.
        signalled: set[tuple[bytes, str]] = set()
        ambient_states: dict[tuple[bytes, str], AmbientChoice | None] = {}
        for statement in sorted(observed, key=lambda statement: (statement.fact.at, statement.mark)):
            record_before = statement.record_before
            known_signals = set(record_before.signals) if record_before is not None else set()
            for name in sorted(statement.fact.signals - known_signals - {LIMIT_SIGNAL}):
                if (statement.record, name) not in signalled:
                    signalled.add((statement.record, name))
                    # A message may contain a signal, ambient and explicit choices about the same purpose. The
                    # id of an event is derived from its message, so the three get different message ids.
                    iab_context = StatementContext(
                        _parse_signal_method(name), signal=statement.fact.iab_strings or None
                    )
                    context = _GPC_CONTEXT if name == StatementMethod.GPC else iab_context
                    occasion = _build_occasion(
                        statement.fact, statement.mark + name.encode(), ConsentAction.OPT_OUT, context
                    )
                    yield NewStatement(
                        statement,
                        occasion,
                        dict.fromkeys(list_sharing_purposes(self.terms_registry.catalogue), REFUSAL),
                    )
            yield from self._find_new_ambient(statement, ambient_states)
            choices = {
                key: choice
                for key, choice in statement.fact.explicit_choices.items()
                if _is_newer(record_before, statement.fact, key, choice)
            }
            if choices:
                context = statement.fact.statement_context or StatementContext(StatementMethod.SOURCE)
                yield NewStatement(
                    statement,
                    _build_occasion(statement.fact, statement.mark, ConsentAction.CHOOSE, context),
                    choices,
                )

    def _find_new_ambient(
        self, statement: ObservedStatement, states: dict[tuple[bytes, str], AmbientChoice | None]
    ) -> Iterator[NewStatement]:
        """Yield the ambient choices that change what is stored; ``states`` follows the batch."""
        fact = statement.fact
        stamps = dict(self._find_changed_stamps(statement, fact.ambient_choices, fact.at, states))
        if stamps:
            context = StatementContext(StatementMethod.SOURCE, signal=fact.iab_strings or None)
            occasion = _build_occasion(fact, statement.mark + b"stamp", ConsentAction.CHOOSE, context)
            yield NewStatement(statement, occasion, stamps)
        if fact.dated_at is None:
            return
        dated_at = min(fact.dated_at, fact.at)
        if dated := dict(self._find_changed_stamps(statement, fact.dated_choices, dated_at, states)):
            context = StatementContext(StatementMethod.TCF, signal=fact.iab_strings or None)
            occasion = _build_occasion(fact, statement.mark + b"dated", ConsentAction.CHOOSE, context)
            yield NewStatement(statement, replace(occasion, at=dated_at), dated)

    def _find_changed_stamps(
        self,
        statement: ObservedStatement,
        choices: Mapping[str, bool],
        at: int,
        states: dict[tuple[bytes, str], AmbientChoice | None],
    ) -> Iterator[tuple[str, ExplicitChoice]]:
        """Yield the choices that differ from what is in force; ``states`` collects what they change."""
        fact, record_before = statement.fact, statement.record_before
        for node, is_given in sorted(choices.items()):
            stored = None if record_before is None else record_before.ambient_choices.get(node)
            before = states.get((statement.record, node), stored)
            if choices is fact.dated_choices and fact.dated_at is not None:
                after = fold_dated_choice(before, fact.dated_at, fact.at, permits=is_given)
                is_renewed = is_given and before is not None and after.dated != before.dated
            else:
                after, is_renewed = fold_ambient_choice(before, at, permits=is_given), False
            states[statement.record, node] = after
            was_given = None if before is None else before.is_accepted
            # A late message (older than what is stored) states nothing that is in force.
            if after.is_accepted is not is_given or (was_given is is_given and not is_renewed):
                continue
            covered = find_purposes_under(self.terms_registry.catalogue, node)
            for purpose in select_askable(self.terms_registry.catalogue, covered, node):
                yield purpose, ExplicitChoice(is_given)


_GPC_CONTEXT = StatementContext(StatementMethod.GPC, signal="Sec-GPC: 1")


def read_effective_choices(
    catalogue: Catalogue,
    choices: Mapping[str, ExplicitChoice],
    record_statements: Sequence[RecordStatements],
    now_ms: int,
) -> dict[str, bool | None]:
    """Return the choice in effect for each purpose among ``choices``; None if there is none."""
    return {
        key: compute_effective_choice(purpose, record_statements, now_ms).accepted
        for key, purpose in catalogue.purposes.items()
        if key in choices
    }


def _parse_record_statements(observed: ObservedStatement) -> list[RecordStatements]:
    return [] if observed.record_before is None else [read_record_statements(observed.record_before)]


def _parse_signal_method(signal: str) -> StatementMethod:
    """Return the method of a signal. A signal that could not be read counts as an opt-out by GPP string."""
    return StatementMethod(signal) if signal in set(StatementMethod) else StatementMethod.GPP


def _build_occasion(
    fact: Fact, message: bytes, action: ConsentAction, context: StatementContext
) -> StatementOccasion:
    author = f"source:{fact.source.key}"
    return StatementOccasion(message, action, author, context, fact.at, fact.received, fact.source.channel)


def _is_newer(record_before: SourceRecord | None, fact: Fact, purpose: str, choice: ExplicitChoice) -> bool:
    """Return whether a choice is not older than the stored one of its kind (own or a guardian's).

    A message that was refused and is sent again mended makes its refusals a second time.
    """
    if record_before is None:
        return True
    stored_choice = select_choices(record_before, fact, choice).get(purpose)
    return stored_choice is None or (stored_choice.at <= fact.at and stored_choice.message != fact.message_id)
