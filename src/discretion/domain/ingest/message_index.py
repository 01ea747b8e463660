"""Blind indexes of a message: of its source record, its identifiers, and the message itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from discretion.domain.ingest.consent_message import CONSENT_TYPE
from discretion.domain.ingest.event_digests import index_event
from discretion.domain.ingest.mention import Mention
from discretion.domain.ingest.message import Fact
from discretion.seal.blind_index import BlindIndex
from discretion.seal.redacted import Redacted

REMAINDER = "statements"
"""Distinguishes the statements of a refused message from the message itself."""


# Not frozen: every message makes some, and a frozen object takes three times as long to make.
@dataclass(slots=True)
class MessageIndex:
    """The indexes of one message.

    Attributes:
        record: The id of the source record.
        mentions: The identifiers that the record names by this message; the first is its own.
        message_digest: Recognises a repetition, for as long as anything of the message is stored.
        identifier_values: Blind index → identifier, for each mention.
        event_digests: What recognises the event of the message if it is sent again; empty without an event.
    """

    record: bytes
    mentions: tuple[Mention, ...]
    message_digest: bytes
    identifier_values: Mapping[bytes, Redacted[str]]
    event_digests: Mapping[str, bytes] = field(default_factory=dict)


def index_message(fact: Fact, blind_index: BlindIndex) -> MessageIndex:
    """Compute the indexes of a message with a keyed hash; they cannot be inverted."""
    own_identifier = fact.identifiers[0]
    record = blind_index.index("record", fact.source.key, own_identifier.type, own_identifier.value.value)
    # A message may name one identifier several times, with different assurance.
    entries = [blind_index.index(each.type, each.value.value) for each in fact.identifiers]
    mentions = tuple(
        Mention(
            record,
            identifier.type,
            entry,
            fact.source.key,
            fact.at,
            identifier.assurance,
            entry == entries[0],
            identifier.is_stated,
        )
        for identifier, entry in zip(fact.identifiers, entries, strict=True)
    )
    values = {entry: identifier.value for identifier, entry in zip(fact.identifiers, entries, strict=True)}
    # Statements have their own digests: otherwise a refusal that reuses the id of an ordinary message would
    # be dropped as a repetition of it.
    # A message that is refused apart from its statements has one, too: once mended, it is sent again with the
    # same id.
    kind = REMAINDER if fact.is_remainder else CONSENT_TYPE if fact.statement_context is not None else None
    message_name = fact.message_id if kind is None else f"{kind}\0{fact.message_id}"
    message_digest = digest_message_id(fact.source.key, message_name)
    event_digests = {} if fact.event is None else index_event(fact.event, message_digest, blind_index)
    return MessageIndex(record, mentions, message_digest, values, event_digests)


def digest_message_id(source: str, message_id: str) -> bytes:
    """Return the first 16 bytes of SHA-256 over the source's key and the message id."""
    return hashlib.sha256(f"{source}\0{message_id}".encode()).digest()[:16]
