"""Blind marks of a message: the record it speaks to, what that record thereby names, and itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from discretion.domain.ingest.consent_message import CONSENT
from discretion.domain.ingest.mention import Mention, Voice
from discretion.domain.ingest.message import Fact
from discretion.seal.blind_index import BlindIndex
from discretion.seal.redacted import Shut


@dataclass(frozen=True, slots=True)
class Marks:
    """``message`` is what a repetition is known by, for as long as anything is kept of it.

    ``values`` has the identifier behind each mention's entry.
    """

    record: bytes
    mentions: tuple[Mention, ...]
    message: bytes
    values: Mapping[bytes, Shut[str]]


def marks_of(fact: Fact, blind: BlindIndex) -> Marks:
    """The marks of a message; nothing in them can be read back."""
    person = fact.identifiers[0]
    record = blind.of("record", fact.source.key, person.type, person.value.value)
    voices = {person: Voice.OWN}
    voices |= {one: Voice.ALIAS for one in fact.aliases if one not in voices}
    voices |= {one: Voice.SAID for one in fact.identifiers if one not in voices}
    entries = {one: blind.of(one.type, one.value.value) for one in voices}
    mentions = tuple(
        Mention(record, one.type, entries[one], fact.source.key, fact.at, voice)
        for one, voice in voices.items()
    )
    values = {entry: one.value for one, entry in entries.items()}
    # Consent is counted by itself: a no is not lost under the name of a message about something else.
    name = fact.message if fact.saying is None else f"{CONSENT}\0{fact.message}"
    return Marks(record, mentions, message_mark(fact.source.key, name), values)


def message_mark(source: str, message: str) -> bytes:
    """16 bytes that tell one message of one source from every other."""
    return hashlib.sha256(f"{source}\0{message}".encode()).digest()[:16]
