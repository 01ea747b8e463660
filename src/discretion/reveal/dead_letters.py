"""Decryption of a refused message, for the only permitted reason: to process it again.

The content is shown to nobody, so no disclosure is recorded. Only ``domain.ingest.dead_letters.replay`` may
import this module; an import contract enforces it.
"""

from __future__ import annotations

from discretion.errors import Broken
from discretion.seal.daily_keys import DailyKeys
from discretion.seal.dead_letter import build_associated_data
from discretion.seal.open import decrypt_dead_letter
from discretion.seal.redacted import Redacted
from discretion.store.dead_letters import DeadLetter


def open_dead_letter(keys: DailyKeys, dead_letter: DeadLetter) -> Redacted[dict[str, object]]:
    """Decrypt the message in a stored dead letter.

    Raises:
        Broken: ``KEY_DESTROYED`` if the key of its day has been destroyed; ``SEAL_BROKEN`` if it was altered.
    """
    key = keys.find(dead_letter.received)
    if key is None:
        raise Broken("KEY_DESTROYED", "The key of this dead letter's day has been destroyed.")
    return Redacted(
        decrypt_dead_letter(
            key,
            build_associated_data(dead_letter.id, dead_letter.source, dead_letter.received),
            dead_letter.sealed,
        )
    )
