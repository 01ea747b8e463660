"""Where what takes messages in is put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from discretion.domain.channels.locate import Locator
from discretion.domain.channels.validate import Validator
from discretion.domain.ingest.flow import Flow
from discretion.domain.ingest.intake import Intake
from discretion.domain.letters.keep import Letters
from discretion.domain.letters.prune import Declared
from discretion.domain.letters.replay import Replay
from discretion.domain.profiles.unify import MAX_TOGETHER, Unify
from discretion.domain.profiles.witness import Witness
from discretion.domain.profiles.write import Workshop
from discretion.domain.retention.arrive import Arrivals
from discretion.law.signals.load import load as load_signals
from discretion.seal.blind import BlindIndex
from discretion.seal.daily import DayKeys
from discretion.settings import Settings
from discretion.store.driver import Database
from discretion.store.letters import DeadLetters
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
