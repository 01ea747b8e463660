"""Where what takes messages in is put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from discretion.domain.identity.statement_observer import Witness
from discretion.domain.identity.unification import MAX_TOGETHER, Unify
from discretion.domain.identity.unit_of_work import Workshop
from discretion.domain.ingest.dead_letters.redaction import Declared
from discretion.domain.ingest.dead_letters.replay import Replay
from discretion.domain.ingest.dead_letters.retention import Letters
from discretion.domain.ingest.intake import Intake
from discretion.domain.ingest.ip_country import Locator
from discretion.domain.ingest.queue import Flow
from discretion.domain.ingest.validation import Validator
from discretion.domain.retention.intake_filter import Arrivals
from discretion.law.signals.load import load as load_signals
from discretion.seal.blind_index import BlindIndex
from discretion.seal.daily_keys import DayKeys
from discretion.settings import Settings
from discretion.store.dead_letters import DeadLetters
from discretion.store.driver.database import Database
from discretion.store.tombstones import Tombstones


@dataclass(frozen=True, slots=True)
class Receiving:
    """Taking messages in, and what becomes of those that are refused."""

    intake: Intake
    letters: Letters
    replay: Replay
    stored: DeadLetters


def receiving(
    settings: Settings,
    database: Database,
    catalogue: Catalogue,
    workshop: Callable[[], Workshop],
    witness: Witness,
    tombstones: Tombstones,
    blind: BlindIndex,
    root: bytes,
    clock: Callable[[], int],
    entropy: Callable[[int], bytes],
) -> Receiving:
    """Put the parts together."""
    unify = Unify(database, blind, workshop, witness, tombstones)
    take = Arrivals(catalogue, unify.take, clock).take
    validator = Validator(catalogue, entropy, load_signals(catalogue), Locator(settings.places_file).country)
    stored = DeadLetters(database, tombstones)
    days = DayKeys(settings.data_dir / "keys" / "letters", root, entropy)
    letters = Letters(stored, catalogue, Declared.of(catalogue), days, blind, entropy, clock)
    return Receiving(
        Intake(validator, Flow(take, MAX_TOGETHER), letters, clock),
        letters,
        Replay(stored, catalogue, days, validator, take),
        stored,
    )
