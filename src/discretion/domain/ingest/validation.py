"""Validation of a tracking message (Segment's HTTP API): the result is a fact or a refusal.

Data that the catalogue does not declare for the sender's channel are dropped here and counted: data
minimisation on collection (GDPR Art. 5(1)(c)). A declared value that is wrong refuses the message, with its
path and what is expected. Of the context only declared places are read; the rest describes the SDK itself and
is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.assertion import read_verified_assurance
from discretion.domain.ingest.attributes import AttributeValue, extract_attributes, read_phone_region
from discretion.domain.ingest.consent_message import CONSENT_TYPE, parse_explicit_statement
from discretion.domain.ingest.event import parse_event
from discretion.domain.ingest.identifiers import (
    is_blocked,
    parse_context_identifiers,
    parse_external_ids,
    parse_person_identifiers,
    parse_previous_identifiers,
)
from discretion.domain.ingest.message import ExternalIdentifier, Fact, LeftOut, RefusedMessage
from discretion.domain.ingest.rejection import MessageRejected, read_object
from discretion.domain.ingest.shown_notice import FindsNotice
from discretion.domain.ingest.timestamp import correct_timestamp, read_claimed_timestamp
from discretion.law.signals.gpc import GPC_HEADER
from discretion.law.signals.model import SignalMeanings
from discretion.law.signals.read_signals import (
    GPC_MEMBER,
    GPP_STRING_MEMBER,
    NO_SIGNAL,
    PrivacySignal,
    read_signals,
)

MAX_MESSAGE_ID = 100
UNREADABLE_SIGNAL = "unread"
_NO_OPT_OUTS: frozenset[str] = frozenset()
MESSAGE_TYPES = ("identify", "track", "page", "screen", "group", "alias", CONSENT_TYPE)


@dataclass(frozen=True, slots=True)
class _NamedIdentifiers:
    """Identifiers of a message, what was left out of the assertions about them, and how many were dropped."""

    identifiers: tuple[ExternalIdentifier, ...]
    left_out: tuple[LeftOut, ...]
    dropped: int


@dataclass(frozen=True, slots=True)
class MessageValidator:
    """Validator of messages, for one catalogue.

    Attributes:
        catalogue: What may be collected, and in what form.
        entropy: Random bytes, for the ids of messages that have none.
        signals: The meaning of opt-out signals.
        find_country: IP address → country (ISO 3166-1 alpha-2) or None.
        finds_notice: Whether the notice that a statement refers to exists.
    """

    catalogue: Catalogue
    entropy: Callable[[int], bytes]
    signals: SignalMeanings
    find_country: Callable[[object], str | None]
    finds_notice: FindsNotice

    def validate(
        self, source: Source, raw: object, received: int, *, gpc: bool = False
    ) -> Fact | RefusedMessage:
        """Validate a message; ``gpc`` says that the request had the header ``Sec-GPC: 1``."""
        message_id = raw.get("messageId") if isinstance(raw, dict) else None
        try:
            if not isinstance(raw, dict):
                raise MessageRejected("MESSAGE_INVALID", "A message is a JSON object.")
            message_id = self._parse_message_id(message_id)
            return self._build_fact(source, raw, message_id, received, gpc=gpc)
        except MessageRejected as rejection:
            shown_id = message_id if isinstance(message_id, str) and len(message_id) <= MAX_MESSAGE_ID else ""
            return RefusedMessage(shown_id, rejection.code, rejection.reason, rejection.place)

    def _parse_message_id(self, raw_value: object) -> str:
        if raw_value is None or raw_value == "":
            # A random id recognises no repetition: such a message counts again when it is sent again.
            return self.entropy(12).hex()
        if not isinstance(raw_value, str) or len(raw_value) > MAX_MESSAGE_ID or not raw_value.isprintable():
            raise MessageRejected(
                "MESSAGE_ID_INVALID", f"A messageId has 1 to {MAX_MESSAGE_ID} characters.", "messageId"
            )
        return raw_value

    def _build_fact(
        self, source: Source, raw: Mapping[str, object], message_id: str, received: int, *, gpc: bool
    ) -> Fact:
        message_type = raw.get("type")
        if message_type not in MESSAGE_TYPES:
            raise MessageRejected(
                "TYPE_UNSUPPORTED", f"A message's type is one of {', '.join(MESSAGE_TYPES)}.", "type"
            )
        context = read_object(raw, "context")
        at = correct_timestamp(raw, received)
        person_ids = list(parse_person_identifiers(self.catalogue, source, raw))
        traits = {
            **read_object(context, "traits"),
            **(read_object(raw, "traits") if message_type == "identify" else {}),
        }
        values, dropped = extract_attributes(self.catalogue, source, traits, context)
        named = self._parse_named_identifiers(source, raw, context, traits, values)
        explicit_choices, statement_context, unaskable = parse_explicit_statement(
            self.catalogue, source, message_type, raw, self.finds_notice
        )
        event, undeclared_properties = (
            (None, 0) if statement_context else parse_event(self.catalogue, source, message_type, raw)
        )
        ambient_choices, unknown_purposes = (
            ({}, 0) if statement_context else self._parse_ambient_choices(context)
        )
        signal = read_signals(self.signals, gpc, context)
        if signal is not NO_SIGNAL:
            # A consent string and a preference of the same message may differ: the refusal counts.
            ambient_choices = merge_strictest(ambient_choices, signal.tcf_choices)
        return Fact(
            source=source,
            message_id=message_id,
            at=at,
            received=received,
            identifiers=(*person_ids, *named.identifiers),
            values=tuple((value.attribute, value.value) for value in values),
            ambient_choices=ambient_choices,
            explicit_choices=explicit_choices,
            statement_context=statement_context,
            signals=collect_opt_outs(signal),
            iab_strings=" ".join(signal.raw.values()),
            # Only the country is kept: the address itself is neither stored nor passed on.
            country=self.find_country(context["ip"]) if "ip" in context else None,
            event=event,
            claimed_at=read_claimed_timestamp(raw),
            left_out=named.left_out,
            dropped=dropped + undeclared_properties + unknown_purposes + unaskable + named.dropped,
        )

    def _parse_named_identifiers(
        self,
        source: Source,
        raw: Mapping[str, object],
        context: Mapping[str, object],
        traits: Mapping[str, object],
        values: Iterable[AttributeValue],
    ) -> _NamedIdentifiers:
        """Parse what a message names beside the person's own ids, and what it asserts about each."""
        stated = [
            read_verified_assurance(self.catalogue, source, value.identifier, traits)
            for value in values
            if value.identifier is not None
        ]
        external_ids, lowered, unknown = parse_external_ids(
            self.catalogue, source, context, read_phone_region(traits)
        )
        context_ids, misfits = parse_context_identifiers(self.catalogue, source, context)
        is_alias = raw.get("type") == "alias"
        former_ids = parse_previous_identifiers(self.catalogue, source, raw) if is_alias else ()
        identifiers = (*(identifier for identifier, _ in stated), *external_ids, *context_ids, *former_ids)
        return _NamedIdentifiers(
            tuple(identifier for identifier in identifiers if not is_blocked(self.catalogue, identifier)),
            (*(left_out for _, left_out in stated if left_out is not None), *lowered),
            unknown + misfits,
        )

    def _parse_ambient_choices(self, context: Mapping[str, object]) -> tuple[dict[str, bool], int]:
        """Parse Segment's consent object; a choice about an unknown purpose is dropped and counted."""
        preferences = read_object(read_object(context, "consent"), "categoryPreferences")
        choices: dict[str, bool] = {}
        for purpose, permits in preferences.items():
            if not isinstance(permits, bool):
                place = "context.consent.categoryPreferences"
                raise MessageRejected("TYPE_WRONG", "It takes true or false for each purpose.", place)
            if is_known_purpose(self.catalogue, purpose):
                choices[purpose] = permits
        return choices, len(preferences) - len(choices)


def merge_strictest(choices: Mapping[str, bool], other_choices: Mapping[str, bool]) -> dict[str, bool]:
    """Merge two mappings of purpose → permitted; if one of them refuses, the result refuses."""
    return {
        **choices,
        **{purpose: permits and choices.get(purpose, True) for purpose, permits in other_choices.items()},
    }


def collect_opt_outs(signal: PrivacySignal) -> frozenset[str]:
    """Return the senders of opt-out signals; GPC is one sender, as header or as property.

    An unreadable GPP string may contain an opt-out, so it counts as one.
    """
    if signal is NO_SIGNAL:
        return _NO_OPT_OUTS
    unreadable = {
        UNREADABLE_SIGNAL for problem in signal.problems if problem.place.startswith(GPP_STRING_MEMBER)
    }
    if not signal.has_opt_out:
        return frozenset(unreadable)
    return frozenset(
        unreadable.union(GPC_MEMBER if sender == GPC_HEADER else sender for sender in signal.sources)
    )


def is_known_purpose(catalogue: Catalogue, purpose: str) -> bool:
    """Return whether a purpose is a node of the catalogue's tree of purposes."""
    return any(key == purpose or key.startswith(purpose + ".") for key in catalogue.purposes)
