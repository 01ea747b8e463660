"""Builds the components that ingest messages and store those that are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from discretion.app.wiring.context import WiringContext
from discretion.catalogue.model import Catalogue
from discretion.domain.identity.statement_observer import StatementObserver
from discretion.domain.identity.unification import MAX_FACTS_PER_TRANSACTION, ProfileUnifier
from discretion.domain.ingest.dead_letters.redaction import DeclaredNames
from discretion.domain.ingest.dead_letters.replay import DeadLetterReplay
from discretion.domain.ingest.dead_letters.retention import DeadLetterRecorder
from discretion.domain.ingest.file_import.file_import import FileImporter, accept_past_notice
from discretion.domain.ingest.intake import Intake
from discretion.domain.ingest.ip_country import CountryLocator
from discretion.domain.ingest.outcome_feed.outcome_feed import OutcomeFeed
from discretion.domain.ingest.queue import IngestQueue
from discretion.domain.ingest.shown_notice import FindsNotice
from discretion.domain.ingest.tracking_plan.counted_violations import CountedViolations
from discretion.domain.ingest.tracking_plan.violation_recorder import ViolationRecorder
from discretion.domain.ingest.validation import MessageValidator
from discretion.domain.ingest.write_keys import WriteKeys
from discretion.domain.retention.intake_filter import IntakeFilter
from discretion.law.signals.load import load_signals
from discretion.seal.daily_keys import DailyKeys
from discretion.settings import Settings
from discretion.store.dead_letters import DeadLetterStore
from discretion.store.imports import ImportStore
from discretion.store.ingest_outcomes import IngestOutcomeStore
from discretion.store.tracking_plan_violations import TrackingPlanViolationStore
from discretion.store.write_keys import WriteKeyStore


@dataclass(frozen=True, slots=True)
class IngestComponents:
    """The intake of messages, the write keys of their senders, and the dead letters."""

    intake: Intake
    write_keys: WriteKeys
    dead_letter_recorder: DeadLetterRecorder
    dead_letter_replay: DeadLetterReplay
    dead_letters: DeadLetterStore
    file_importer: FileImporter
    tracking_plan: CountedViolations
    outcome_feed: OutcomeFeed


def build_ingest(
    context: WiringContext, statement_observer: StatementObserver, finds_notice: FindsNotice
) -> IngestComponents:
    """Build the components of ingest.

    Args:
        context: What all packages share.
        statement_observer: Puts the statements of messages on record.
        finds_notice: Whether the notice that a statement refers to exists.
    """
    settings, database, catalogue = context.settings, context.database, context.catalogue
    clock, entropy = context.clock, context.entropy
    unifier = ProfileUnifier(
        rewriter=context.rewriter,
        blind_index=context.blind_index,
        observer=statement_observer,
        tombstones=context.tombstones,
    )
    process_facts = IntakeFilter(catalogue=catalogue, process_facts=unifier.apply_facts, now_ms=clock).process
    validator = build_message_validator(settings, catalogue, entropy, finds_notice)
    dead_letters = DeadLetterStore(database=database, tombstones=context.tombstones)
    daily_keys = DailyKeys(folder=settings.data_dir / "keys" / "letters", root=context.root, entropy=entropy)
    recorder = DeadLetterRecorder(
        store=dead_letters,
        catalogue=catalogue,
        declared_names=DeclaredNames.from_catalogue(catalogue),
        keys=daily_keys,
        blind_index=context.blind_index,
        entropy=entropy,
        now_ms=clock,
    )
    violation_store = TrackingPlanViolationStore(database)
    violations = ViolationRecorder(
        catalogue=catalogue, store=violation_store, blind_index=context.blind_index, now_ms=clock
    )
    feed = OutcomeFeed(catalogue, IngestOutcomeStore(database), clock, entropy, violations)
    return IngestComponents(
        intake=Intake(
            validator=validator,
            queue=IngestQueue(process_facts=process_facts, batch_size=MAX_FACTS_PER_TRANSACTION),
            dead_letters=recorder,
            violations=violations,
            feed=feed,
            now_ms=clock,
        ),
        write_keys=WriteKeys(
            store=WriteKeyStore(database), catalogue=catalogue, entropy=entropy, now_ms=clock
        ),
        dead_letter_recorder=recorder,
        dead_letter_replay=DeadLetterReplay(
            store=dead_letters,
            catalogue=catalogue,
            keys=daily_keys,
            validator=validator,
            process_facts=process_facts,
        ),
        dead_letters=dead_letters,
        file_importer=FileImporter(
            catalogue=catalogue,
            validator=replace(validator, finds_notice=accept_past_notice),
            blind_index=context.blind_index,
            process_facts=process_facts,
            imports=ImportStore(database),
            now_ms=clock,
        ),
        tracking_plan=CountedViolations(recorder=violations, store=violation_store),
        outcome_feed=feed,
    )


def build_message_validator(
    settings: Settings, catalogue: Catalogue, entropy: Callable[[int], bytes], finds_notice: FindsNotice
) -> MessageValidator:
    """Build the validator of messages; ``finds_notice`` as for ``build_ingest``."""
    return MessageValidator(
        catalogue=catalogue,
        entropy=entropy,
        signals=load_signals(catalogue),
        find_country=CountryLocator(settings.places_file).find_country,
        finds_notice=finds_notice,
    )
