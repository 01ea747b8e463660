"""Parsing of explicit statements about purposes: a ``consent`` message, or Segment's preference update event.

Preferences in the context of an ordinary message are ambient choices (``validation``); here the statement is
the message. An unknown purpose refuses a consent message: dropping it could lose a refusal. Segment's
categories belong to the consent tool; those that are no purpose of the catalogue are dropped and counted.
"""

from __future__ import annotations

from collections.abc import Mapping

from discretion.catalogue.model import Catalogue, Source
from discretion.catalogue.nearest_name import suggest_name
from discretion.domain.ingest.message import ExplicitChoice
from discretion.domain.ingest.purpose_tree import expand_choice, find_purposes_under, select_askable
from discretion.domain.ingest.rejection import MessageRejected, read_object
from discretion.domain.ingest.shown_notice import FindsNotice, require_shown_notice
from discretion.domain.ingest.statement_context import (
    StatementContext,
    parse_guardian_reference,
    parse_notice_reference,
)
from discretion.domain.ingest.value_parsing import WrongType, parse_timestamp
from discretion.store.consent_event import StatementMethod

CONSENT_TYPE = "consent"
PREFERENCE_UPDATE_EVENT = "Segment Consent Preference Updated"
"""The event that Segment's consent wrappers send when a customer changed their preferences."""

_PREFERENCES_PLACE = "context.consent.categoryPreferences"
MAX_PURPOSES = 100
MAX_PURPOSE_LENGTH = 100

ExplicitStatement = tuple[Mapping[str, ExplicitChoice], StatementContext | None, int]
"""The choices by purpose, the context of the statement, and the number of choices that were dropped."""


def is_preference_update(message_type: object, raw: Mapping[str, object]) -> bool:
    """Return whether a message is Segment's preference update, which is a statement and not an event."""
    return message_type == "track" and raw.get("event") == PREFERENCE_UPDATE_EVENT


def parse_explicit_statement(
    catalogue: Catalogue,
    source: Source,
    message_type: object,
    raw: Mapping[str, object],
    finds_notice: FindsNotice,
) -> ExplicitStatement:
    """Parse the explicit statement of a message; it is empty for a message of another type.

    If a message permits and refuses the same purpose, the refusal counts.

    Raises:
        MessageRejected: ``PURPOSES_MISSING``, ``PURPOSE_UNKNOWN``, ``TYPE_WRONG``, ``VALID_UNTIL_INVALID``,
            ``METHOD_UNKNOWN``, ``NOTICE_INVALID``, ``NOTICE_UNKNOWN``,
            ``GUARDIAN_INVALID``, ``GUARDIAN_NOT_GRANTED``.
    """
    if is_preference_update(message_type, raw):
        consent = read_object(read_object(raw, "context"), "consent")
        preferences = read_object(consent, "categoryPreferences")
        return (
            _parse_explicit_choices(catalogue, preferences, _PREFERENCES_PLACE),
            StatementContext(StatementMethod.SOURCE),
            _count_unaskable(catalogue, preferences),
        )
    if message_type != CONSENT_TYPE:
        return {}, None, 0
    purposes = read_object(raw, "purposes")
    if not 0 < len(purposes) <= MAX_PURPOSES:
        expected = f"It takes from 1 to {MAX_PURPOSES} purposes, each true or false."
        raise MessageRejected("PURPOSES_MISSING", expected, "purposes")
    for purpose_key in purposes:
        if not find_purposes_under(catalogue, purpose_key):
            # The key is cut: the cost of the comparison grows with its length, and the sender chooses it.
            advice = suggest_name(purpose_key[:MAX_PURPOSE_LENGTH], catalogue.purposes)
            raise MessageRejected(
                "PURPOSE_UNKNOWN", f"The catalogue has no such purpose. {advice}", "purposes"
            )
    statement_context = _parse_statement_context(raw)
    if statement_context.guardian is not None and not source.guardians:
        raise MessageRejected(
            "GUARDIAN_NOT_GRANTED", "This source may not report choices of guardians.", "guardian"
        )
    explicit_choices = _parse_explicit_choices(
        catalogue,
        purposes,
        "purposes",
        _parse_valid_until(raw),
        by_guardian=statement_context.guardian is not None,
    )
    statement_context = require_shown_notice(explicit_choices, statement_context, finds_notice)
    return explicit_choices, statement_context, _count_unaskable(catalogue, purposes)


def _parse_explicit_choices(
    catalogue: Catalogue,
    preferences: Mapping[str, object],
    place: str,
    valid_until: int | None = None,
    *,
    by_guardian: bool = False,
) -> dict[str, ExplicitChoice]:
    choices: dict[str, ExplicitChoice] = {}
    for purpose_key, permits in preferences.items():
        if not isinstance(permits, bool):
            raise MessageRejected("TYPE_WRONG", "It takes true or false for each purpose.", place)
        askable_keys = select_askable(catalogue, find_purposes_under(catalogue, purpose_key), purpose_key)
        choice = ExplicitChoice(permits, valid_until if permits else None, by_guardian)
        for key in expand_choice(purpose_key, askable_keys, permits=permits) if askable_keys else ():
            if not permits or key not in choices:
                choices[key] = choice
    return choices


def read_explicit_refusals(catalogue: Catalogue, raw: Mapping[str, object]) -> dict[str, ExplicitChoice]:
    """Return the refusals of known purposes in a statement that is refused otherwise."""
    purposes = raw.get("purposes")
    refusals = {
        purpose_key: False
        for purpose_key, permits in (purposes if isinstance(purposes, dict) else {}).items()
        if permits is False and find_purposes_under(catalogue, purpose_key)
    }
    return _parse_explicit_choices(catalogue, refusals, "purposes")


def _count_unaskable(catalogue: Catalogue, preferences: Mapping[str, object]) -> int:
    """Count the choices about purposes that rest on law or contract, which a customer cannot choose."""
    return sum(
        1
        for purpose_key in preferences
        if not select_askable(catalogue, find_purposes_under(catalogue, purpose_key), purpose_key)
    )


def _parse_statement_context(raw: Mapping[str, object]) -> StatementContext:
    notice_object, guardian_object = read_object(raw, "notice"), read_object(raw, "guardian")
    method = raw.get("method")
    if method is None:
        method = StatementMethod.GUARDIAN if guardian_object else StatementMethod.SOURCE
    if not isinstance(method, str) or method not in set(StatementMethod):
        raise MessageRejected(
            "METHOD_UNKNOWN", f"It is one of {', '.join(sorted(StatementMethod))}.", "method"
        )
    return StatementContext(
        StatementMethod(method),
        parse_notice_reference(notice_object, "notice") if notice_object else None,
        parse_guardian_reference(guardian_object, "guardian") if guardian_object else None,
    )


def _parse_valid_until(raw: Mapping[str, object]) -> int | None:
    raw_value = raw.get("validUntil")
    if raw_value is None:
        return None
    try:
        return parse_timestamp(raw_value)
    except WrongType as type_error:
        raise MessageRejected(
            "VALID_UNTIL_INVALID", f"It takes {type_error.expected}.", "validUntil"
        ) from None
