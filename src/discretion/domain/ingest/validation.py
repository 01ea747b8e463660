"""Validation of a tracking message (Segment's HTTP API): the result is a fact or a refusal.

Statements are read first (``message_statements``) and are in force even if the rest is refused. Data that the
catalogue does not declare for the sender's channel are dropped here and counted: data minimisation on
collection (GDPR Art. 5(1)(c)). A declared value that is wrong is left out, with its path and what is
expected; only what makes a message meaningless refuses it: no readable id, an unknown type, an undeclared
event, a missing property that the event needs, an unreadable time. Of the context only declared places are
read; the rest describes the SDK itself and is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.assertion import read_verified_assurance
from discretion.domain.ingest.attributes import AttributeValue, extract_attributes, read_phone_region
from discretion.domain.ingest.consent_message import CONSENT_TYPE
from discretion.domain.ingest.declared_object import DeclaredObject, compile_events
from discretion.domain.ingest.event import parse_event
from discretion.domain.ingest.identifiers import (
    is_blocked,
    parse_context_identifiers,
    parse_external_ids,
    parse_person_identifiers,
    parse_previous_identifiers,
)
from discretion.domain.ingest.json_path import read_flat_traits
from discretion.domain.ingest.message import ExternalIdentifier, Fact, RefusedMessage
from discretion.domain.ingest.message_statements import MessageStatementReader, MessageStatements
from discretion.domain.ingest.rejection import LeftOut, MessageRejected, read_object_or_leave_out
from discretion.domain.ingest.shown_notice import FindsNotice
from discretion.domain.ingest.timestamp import MessageTimes, read_times
from discretion.law.signals.model import SignalMeanings

MAX_MESSAGE_ID = 100
_NO_TYPES: frozenset[str] = frozenset()
MESSAGE_TYPES = ("identify", "track", "page", "screen", "group", "alias", CONSENT_TYPE)


@dataclass(slots=True)
class _NamedIdentifiers:
    """Identifiers of a message, what was left out about them, and how many ids were dropped."""

    identifiers: tuple[ExternalIdentifier, ...]
    left_out: tuple[LeftOut, ...]
    dropped: int


_NO_IDENTIFIERS = _NamedIdentifiers((), (), 0)


# Without slots: ``cached_property`` needs the instance's ``__dict__``.
@dataclass(frozen=True)
class MessageValidator:
    """Validator of messages, for one catalogue.

    Attributes:
        catalogue: What may be collected, and in what form.
        entropy: Random bytes, for the ids of messages that have none.
        signals: The meaning of opt-out signals.
        find_country: IP address → country (ISO 3166-1 alpha-2) or None.
        finds_notice: Whether a privacy notice exists.
    """

    catalogue: Catalogue
    entropy: Callable[[int], bytes]
    signals: SignalMeanings
    find_country: Callable[[object], str | None]
    finds_notice: FindsNotice

    @cached_property
    def _declared_events(self) -> Mapping[str, DeclaredObject]:
        return compile_events(self.catalogue)

    @cached_property
    def _statement_reader(self) -> MessageStatementReader:
        return MessageStatementReader(self.catalogue, self.signals, self.finds_notice)

    def validate(
        self, source: Source, raw: object, received: int, *, gpc: bool = False
    ) -> Fact | RefusedMessage:
        """Validate a message; ``gpc`` says that the request had the header ``Sec-GPC: 1``."""
        if not isinstance(raw, dict):
            return RefusedMessage("", "MESSAGE_INVALID", "A message is a JSON object.")
        statements = self._statement_reader.read(source, raw, gpc=gpc)
        message_id = raw.get("messageId")
        try:
            message_id = self._parse_message_id(message_id)
            return self._build_fact(source, raw, message_id, received, statements)
        except MessageRejected as rejection:
            return self._build_refusal(source, raw, message_id, received, statements, rejection)

    def refuse(
        self, source: Source, raw: object, received: int, rejection: MessageRejected, *, gpc: bool
    ) -> RefusedMessage:
        """Refuse a message for a reason outside its content, such as its size; its statements stand."""
        if not isinstance(raw, dict):
            return RefusedMessage("", rejection.code, rejection.reason)
        statements = self._statement_reader.read(source, raw, gpc=gpc)
        return self._build_refusal(source, raw, raw.get("messageId"), received, statements, rejection)

    def _parse_message_id(self, raw_value: object) -> str:
        if raw_value is None or raw_value == "":
            # A random id recognises no repetition: such a message counts again when it is sent again.
            return self.entropy(12).hex()
        if not isinstance(raw_value, str) or len(raw_value) > MAX_MESSAGE_ID or not raw_value.isprintable():
            raise MessageRejected(
                "MESSAGE_ID_INVALID", f"A messageId has 1 to {MAX_MESSAGE_ID} characters.", "messageId"
            )
        return raw_value

    def _build_refusal(
        self,
        source: Source,
        raw: Mapping[str, object],
        message_id: object,
        received: int,
        statements: MessageStatements,
        rejection: MessageRejected,
    ) -> RefusedMessage:
        shown_id = message_id if isinstance(message_id, str) and len(message_id) <= MAX_MESSAGE_ID else ""
        return RefusedMessage(
            shown_id,
            rejection.code,
            rejection.reason,
            rejection.place,
            self._build_remainder(source, raw, shown_id, received, statements),
        )

    def _build_remainder(
        self,
        source: Source,
        raw: Mapping[str, object],
        shown_id: str,
        received: int,
        statements: MessageStatements,
    ) -> Fact | None:
        """Build the fact of a refused message: its own ids and its statements, if it has both."""
        try:
            message_id = self._parse_message_id(shown_id)
        except MessageRejected:
            message_id = self.entropy(12).hex()
        try:
            times = read_times(raw, received)
        except MessageRejected:
            times = MessageTimes(received)
            statements = statements.keep_refusals()
        if statements.is_empty:
            return None
        try:
            identifiers, _ = parse_person_identifiers(self.catalogue, source, raw)
        except MessageRejected:
            return None
        return Fact(
            source=source,
            message_id=message_id,
            at=times.at,
            received=received,
            identifiers=tuple(identifiers),
            ambient_choices=statements.ambient_choices,
            explicit_choices=statements.explicit_choices,
            statement_context=statements.statement_context,
            signals=statements.signals,
            iab_strings=statements.iab_strings,
            dated_choices=statements.dated_choices,
            dated_at=statements.dated_at,
            claimed_at=times.claimed_at,
            is_remainder=True,
        )

    def _build_fact(
        self,
        source: Source,
        raw: Mapping[str, object],
        message_id: str,
        received: int,
        statements: MessageStatements,
    ) -> Fact:
        message_type = raw.get("type")
        if message_type not in MESSAGE_TYPES:
            raise MessageRejected(
                "TYPE_UNSUPPORTED", f"A message's type is one of {', '.join(MESSAGE_TYPES)}.", "type"
            )
        if statements.rejection is not None:
            raise statements.rejection
        context, context_fault = read_object_or_leave_out(raw, "context")
        times = read_times(raw, received)
        person_ids, id_faults = parse_person_identifiers(self.catalogue, source, raw)
        own_traits, traits_fault = (
            read_object_or_leave_out(raw, "traits") if message_type == "identify" else ({}, None)
        )
        context_traits, context_traits_fault = read_object_or_leave_out(context, "traits", "context.traits")
        traits = {**context_traits, **own_traits} if context_traits else own_traits
        flat_traits = read_flat_traits(traits)
        region = read_phone_region(flat_traits)
        extracted = extract_attributes(
            self.catalogue, source, flat_traits, context, own_traits.keys(), region, received
        )
        named = self._parse_named_identifiers(source, raw, context, flat_traits, region, extracted.values)
        event, event_faults, undeclared_properties = (
            (None, [], 0)
            if statements.statement_context
            else parse_event(self.catalogue, self._declared_events, source, message_type, raw)
        )
        faults = [
            fault
            for fault in (context_fault, times.sent_at_fault, traits_fault, context_traits_fault)
            if fault is not None
        ]
        return Fact(
            source=source,
            message_id=message_id,
            at=times.at,
            received=received,
            identifiers=(*person_ids, *named.identifiers),
            values=tuple([(value.attribute, value.value) for value in extracted.values]),
            ambient_choices=statements.ambient_choices,
            explicit_choices=statements.explicit_choices,
            statement_context=statements.statement_context,
            signals=statements.signals,
            iab_strings=statements.iab_strings,
            dated_choices=statements.dated_choices,
            dated_at=statements.dated_at,
            # Only the country is kept: the address itself is neither stored nor passed on.
            country=self.find_country(context["ip"]) if "ip" in context else None,
            event=event,
            claimed_at=times.claimed_at,
            left_out=(
                *faults,
                *statements.left_out,
                *id_faults,
                *extracted.left_out,
                *named.left_out,
                *event_faults,
            ),
            dropped=statements.dropped + extracted.dropped + undeclared_properties + named.dropped,
            removed_types=_find_removed_types(extracted.values, named.identifiers),
        )

    def _parse_named_identifiers(
        self,
        source: Source,
        raw: Mapping[str, object],
        context: Mapping[str, object],
        flat_traits: Mapping[str, object],
        region: str | None,
        values: Sequence[AttributeValue],
    ) -> _NamedIdentifiers:
        """Parse what a message names beside the person's own ids, and what it asserts about each."""
        is_alias = raw.get("type") == "alias"
        if not (context or values or is_alias):  # as of most events
            return _NO_IDENTIFIERS
        stated = [
            read_verified_assurance(self.catalogue, source, value.identifier, flat_traits)
            for value in values
            if value.identifier is not None
        ]
        external_ids, external_faults, unknown = parse_external_ids(self.catalogue, source, context, region)
        context_ids, context_faults = parse_context_identifiers(self.catalogue, source, context)
        former_ids = parse_previous_identifiers(self.catalogue, source, raw) if is_alias else ()
        return _NamedIdentifiers(
            (
                *(identifier for identifier, _ in stated if not is_blocked(self.catalogue, identifier)),
                *external_ids,
                *context_ids,
                *former_ids,
            ),
            (
                *(left_out for _, left_out in stated if left_out is not None),
                *external_faults,
                *context_faults,
            ),
            unknown,
        )


def _find_removed_types(
    values: Sequence[AttributeValue], identifiers: Iterable[ExternalIdentifier]
) -> frozenset[str]:
    """Return the identifier types whose attribute has a value that links nobody, or none any more."""
    if not values:
        return _NO_TYPES
    types = {value.attribute.identifier for value in values if value.attribute.identifier is not None}
    if not types:
        return _NO_TYPES
    return frozenset(types.difference(identifier.type for identifier in identifiers if identifier.is_stated))
