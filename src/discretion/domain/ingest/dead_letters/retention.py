"""Storage of dead letters: a refused message that a corrected catalogue may accept is kept for 14 days.

Its statements are in force at once, so only the rest waits.

A dead letter is encrypted under the key of the day it came, and no API shows it. It is replayed (``replay``),
erased with the person it names, or it expires. The day's key is stored outside the database and destroyed
after 14 days, so that copies of the letter in the oplog and in backups become unreadable too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.dead_letters.redaction import DeclaredNames, prune_message
from discretion.domain.ingest.dead_letters.subject_index import index_subjects
from discretion.domain.ingest.message import RefusedMessage
from discretion.domain.ingest.message_index import digest_message_id
from discretion.seal.blind_index import BlindIndex
from discretion.seal.daily_keys import DailyKeys
from discretion.seal.dead_letter import build_associated_data, encrypt_dead_letter
from discretion.seal.key_files import NONCE_BYTES
from discretion.store.dead_letters import DeadLetter, DeadLetterStore

DEAD_LETTER_RETENTION_MS = 14 * 86_400_000
"""How long a dead letter is kept: time to notice a refusal and to correct the catalogue."""

DISCARDED_CODES: Mapping[str, str] = {
    "MESSAGE_INVALID": "It is no JSON object, so it has no member that could be declared.",
    "MESSAGE_TOO_LARGE": "The limit keeps the holder of a write key from filling the disk.",
    "MESSAGE_ID_INVALID": "Without a valid id a repetition cannot be recognised and would count twice.",
    "TYPE_UNSUPPORTED": "The meaning of its members is unknown, so none of them is declared.",
    "NO_USER_ANON_ID": "It identifies no person, and a corrected catalogue cannot change that.",
}
"""Refusal codes of messages that are not kept, each with the reason.

A request without a valid write key, without valid JSON or beyond the size limits is rejected before it is
split into messages, so nothing of it is kept either.
"""


@dataclass(frozen=True, slots=True)
class DeadLetterRecorder:
    """Writer of dead letters; ``keys`` are the daily keys, ``now_ms`` is the clock."""

    store: DeadLetterStore
    catalogue: Catalogue
    declared_names: DeclaredNames
    keys: DailyKeys
    blind_index: BlindIndex
    entropy: Callable[[int], bytes]
    now_ms: Callable[[], int]

    async def record(
        self, source: Source, refused: Sequence[tuple[object, RefusedMessage]], received: int
    ) -> list[int]:
        """Store dead letters for refused messages; on return they are durable.

        Args:
            source: The sender of all messages.
            refused: Raw messages with their refusals.
            received: When they came (ms since 1970).

        Returns:
            For each message, how many undeclared values its dead letter does not keep; 0 without a letter.

        Raises:
            Unavailable: the database is unavailable, or the day's key cannot be stored. A retry is safe: the
                id of a dead letter is derived from the message.
        """
        if all(refusal.code in DISCARDED_CODES for _, refusal in refused):
            return [0] * len(refused)
        # The key is stored before the letter: without its key a letter could never be opened.
        day_key = self.keys.get_or_create(received)
        built_dead_letters = [
            None
            if refusal.code in DISCARDED_CODES or not isinstance(raw, dict)
            else self._build_dead_letter(source, raw, refusal, received, day_key)
            for raw, refusal in refused
        ]
        # A message that is twice in a batch becomes one dead letter, with the later reason.
        dead_letters = {
            dead_letter.id: dead_letter for dead_letter in built_dead_letters if dead_letter is not None
        }
        if dead_letters:
            await self.store.save(list(dead_letters.values()))
        return [0 if dead_letter is None else dead_letter.dropped for dead_letter in built_dead_letters]

    def destroy_expired_keys(self) -> None:
        """Destroy the daily keys of days whose dead letters have all expired."""
        self.keys.destroy_before(self.now_ms() - DEAD_LETTER_RETENTION_MS)

    def _build_dead_letter(
        self,
        source: Source,
        raw: Mapping[str, object],
        refusal: RefusedMessage,
        received: int,
        day_key: bytes,
    ) -> DeadLetter | None:
        has_stated = refusal.statements is not None
        pruned = prune_message(self.declared_names, raw, refusal.message_id, has_stated=has_stated)
        subjects = index_subjects(self.catalogue, source, pruned.message.value, self.blind_index)
        if not subjects:  # an erasure of the person could not find the letter
            return None
        dead_letter_id = digest_message_id(source.key, refusal.message_id)
        return DeadLetter(
            id=dead_letter_id,
            source=source.key,
            code=refusal.code,
            place=refusal.place,
            received=received,
            expires=received + DEAD_LETTER_RETENTION_MS,
            dropped=pruned.dropped,
            marks=tuple(subjects),
            sealed=encrypt_dead_letter(
                day_key,
                build_associated_data(dead_letter_id, source.key, received),
                self.entropy(NONCE_BYTES),
                pruned.message.value,
            ),
        )
