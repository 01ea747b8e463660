"""What is refused is not lost: a message that a mended catalogue may accept is kept for 14 days, as a letter.

A letter is sealed under the key of the day it came and nobody reads it; it is sent again (``replay``), it is
erased with the person it names, or it expires. Its key, outside the database, is destroyed after it, so that
copies of the letter in the oplog and in backups die too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.dead_letters.redaction import Declared, prune
from discretion.domain.ingest.dead_letters.subject_index import marks
from discretion.domain.ingest.message import Refused
from discretion.domain.ingest.message_index import message_mark
from discretion.seal.blind_index import BlindIndex
from discretion.seal.daily_keys import DayKeys
from discretion.seal.dead_letter import bound, shut_letter
from discretion.seal.key_files import NONCE_BYTES
from discretion.store.dead_letters import DeadLetters

KEPT_MS = 14 * 86_400_000
"""How long a letter is kept: time to notice, and to mend a catalogue."""

LOST: Mapping[str, str] = {
    "MESSAGE_INVALID": "It is no object, so nothing in it has a name that could be declared.",
    "MESSAGE_TOO_LARGE": "Limits keep the disk from being filled by whoever holds a write key.",
    "MESSAGE_ID_INVALID": "Sent again it could not be told from itself, and would count twice.",
    "TYPE_UNSUPPORTED": "What its members mean is unknown, so none of them is declared.",
    "NO_USER_ANON_ID": "It names nobody, and no catalogue will say who it was.",
}
"""Codes of refusals of which nothing is kept, and why. What has no write key, is no JSON or a body
beyond the limits is turned away before there is a message: nothing in it can be trusted or read."""


@dataclass(frozen=True, slots=True)
class Letters:
    """Keeps letters. ``keys`` are those of days, ``now_ms`` the clock."""

    store: DeadLetters
    catalogue: Catalogue
    declared: Declared
    keys: DayKeys
    blind: BlindIndex
    entropy: Callable[[int], bytes]
    now_ms: Callable[[], int]

    async def keep(self, source: Source, refused: Sequence[tuple[Any, Refused]], received: int) -> list[int]:
        """Keep what can be kept of refused messages; when this returns, it is durable.

        Returns:
            How many values of each message nobody declares and were dropped.

        Raises:
            Unavailable: the store is away, or the key of the day cannot be kept; asking again changes
                nothing.
        """
        if all(why.code in LOST for _, why in refused):
            return [0] * len(refused)
        key = self.keys.to_seal(received)
        made = [
            None if why.code in LOST else self._letter(source, raw, why, received, key)
            for raw, why in refused
        ]
        # A message that a batch holds twice is one letter, for the later reason.
        letters = {one["_id"]: one for one in made if one is not None}
        if letters:
            await self.store.keep(list(letters.values()), KEPT_MS)
        return [0 if one is None else one["dropped"] for one in made]

    def expire(self) -> None:
        """Destroy the keys that no letter within its time needs."""
        self.keys.destroy(self.now_ms() - KEPT_MS)

    def _letter(
        self, source: Source, raw: Any, why: Refused, received: int, key: bytes
    ) -> dict[str, Any] | None:
        pruned = prune(self.declared, raw, why.message)
        whose = marks(self.catalogue, source, pruned.message.value, self.blind)
        if not whose:  # an erasure would not find it
            return None
        letter = message_mark(source.key, why.message)
        return {
            "_id": letter,
            "source": source.key,
            "code": why.code,
            "place": why.place,
            "received": received,
            "dropped": pruned.dropped,
            "marks": whose,
            "sealed": shut_letter(
                key, bound(letter, source.key, received), self.entropy(NONCE_BYTES), pruned.message.value
            ),
        }
