"""Protection of erasures against late messages. Pure functions.

A tombstone marks an erased *name*: the digest of a source record, an identifier or a message. Messages about
an erased customer are not stored. The sender gets the same response as for any other message, because write
keys are public and a response must not reveal who was erased. A message is blocked if

* its source record was erased, or does not exist and the message names an erased identifier;
* its source record is known only by a browser, device or card id, and the message links it to an erased
  identifier;
* its own digest is erased, which means that it was received before.

A message of an existing account is stored without the erased identifier and without values of that
identifier's type.

An erased customer comes back through an event whose type ``enrols``, or through explicit consent, if it
happened after the erasure. From then on the names in that message, and in later messages of that record, are
stored again. What happened earlier stays out, in whichever order messages arrive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from discretion.domain.identity.unit_of_work import StampedMessage
from discretion.domain.ingest.message import Fact
from discretion.store.tombstones import Tombstone


@dataclass(frozen=True, slots=True)
class AdmittedMessages:
    """The result of the guard.

    Attributes:
        messages: The messages to store, in their original order, some without erased names.
        blocked_digests: Digests of the messages that are not stored.
        lifted_names: Names that are no longer blocked, each with the time (ms) from which messages may
            contain it again.
    """

    messages: Sequence[StampedMessage]
    blocked_digests: Sequence[bytes]
    lifted_names: Mapping[bytes, int]


def list_erasable_names(message: StampedMessage) -> list[bytes]:
    """Return the names in a message that may have a tombstone: its record, identifiers and own digest."""
    return [
        message.index.record,
        *(mention.entry for mention in message.index.mentions),
        message.index.message_digest,
    ]


def is_enrolment(fact: Fact) -> bool:
    """Return whether a fact makes somebody a customer: an enrolling event, or explicit consent."""
    is_enrolling_event = fact.event is not None and fact.event.type.enrols
    return is_enrolling_event or any(choice.permits for choice in fact.explicit_choices.values())


def admit_messages(
    messages: Sequence[StampedMessage],
    tombstones: Mapping[bytes, Tombstone],
    enrolled_at: Mapping[bytes, int],
) -> AdmittedMessages:
    """Decide which of some new messages are stored, and what of them.

    Args:
        messages: Messages that are not on record.
        tombstones: Tombstones of names in them, by name.
        enrolled_at: For each existing source record that they address, when it last enrolled (ms; 0: never).
    """
    active_tombstones, living_records = dict(tombstones), dict(enrolled_at)
    admitted: dict[bytes, StampedMessage] = {}
    blocked_digests: list[bytes] = []
    lifted_names: dict[bytes, int] = {}
    # In the order of time: an enrolment lifts names for later messages, but never for earlier ones.
    for message in sorted(
        messages, key=lambda candidate: (candidate.fact.earliest_at, candidate.index.message_digest)
    ):
        digest, record, at = message.index.message_digest, message.index.record, message.fact.earliest_at
        # An enrolment covers its own message and, for an existing record, those that happen after it.
        enrolled_since = at if is_enrolment(message.fact) else living_records.get(record, 0)
        for name in _names_to_lift(message, active_tombstones, enrolled_since):
            # Later messages of this batch must see the readmission too. The store has
            # it only after the transaction.
            lifted_names[name] = at
            active_tombstones[name] = Tombstone(active_tombstones[name].erased_at, at)
        erased_names = {
            name
            for name in list_erasable_names(message)
            if name in active_tombstones and active_tombstones[name].blocks(at)
        }
        remaining = (
            message
            if not erased_names
            else _without_erased_names(message, erased_names, is_known=record in living_records)
        )
        if remaining is None:
            blocked_digests.append(digest)
            continue
        admitted[digest] = remaining
        # The message creates its record if there was none: later messages of the
        # batch address an existing one.
        living_records[record] = max(living_records.get(record, 0), at if is_enrolment(message.fact) else 0)
    return AdmittedMessages(
        [
            admitted[message.index.message_digest]
            for message in messages
            if message.index.message_digest in admitted
        ],
        blocked_digests,
        lifted_names,
    )


def _names_to_lift(
    message: StampedMessage, active_tombstones: Mapping[bytes, Tombstone], enrolled_since: int
) -> list[bytes]:
    """Return the names that a message of a customer who enrolled at ``enrolled_since`` (ms) lifts.

    The earlier of both times of the message counts, so that a false claim of a recent time lifts nothing.
    """
    at = message.fact.earliest_at
    return [
        name
        for name in (message.index.record, *(mention.entry for mention in message.index.mentions))
        if name in active_tombstones
        and active_tombstones[name].erased_at < min(at, enrolled_since)
        and active_tombstones[name].blocks(at)
    ]


def _without_erased_names(
    message: StampedMessage, erased_names: set[bytes], *, is_known: bool
) -> StampedMessage | None:
    """Return a message without erased names and their values; None if the whole message is blocked."""
    fact, index = message.fact, message.index
    # The first mention is the id by which the source knows the person (`index_message`).
    own_entry = next((mention.entry for mention in index.mentions), None)
    if not is_known or not erased_names.isdisjoint((index.record, own_entry, index.message_digest)):
        return None
    # A record without an account id (browser, device, card) that names an erased customer is taken for
    # theirs.
    if fact.identifiers and fact.identifiers[0].type != fact.source.user_id:
        return None
    erased_types = {mention.identifier_type for mention in index.mentions if mention.entry in erased_names}
    values = tuple(
        (attribute, value) for attribute, value in fact.values if attribute.identifier not in erased_types
    )
    mentions = tuple(mention for mention in index.mentions if mention.entry not in erased_names)
    return StampedMessage(replace(fact, values=values), replace(index, mentions=mentions))
