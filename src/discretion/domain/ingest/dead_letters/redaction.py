"""Redaction of a refused message to what the catalogue declares and the members of the protocol. No I/O.

Data minimisation applies to refused messages as to accepted ones (GDPR Art. 5(1)(c)): undeclared values are
dropped here and never reach the disk, not even sealed. An undeclared event keeps the properties that any
event declares, so that they are available once the catalogue declares the event.

The validator must treat a redacted message as the whole one: the same fact, or a refusal with the same code
at the same place. So a value of the wrong shape is replaced by an empty value of that shape. Statements that
are in force already are no part of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from discretion.catalogue.taxonomy import load_taxonomy
from discretion.domain.ingest.attributes import COUNTRY_TRAITS
from discretion.domain.ingest.consent_message import CONSENT_TYPE, is_preference_update
from discretion.domain.ingest.event import PAGE_MEMBERS
from discretion.domain.ingest.identifiers import is_plain_user_id
from discretion.domain.ingest.json_path import MAX_TRAIT_DEPTH, flatten_traits
from discretion.domain.ingest.message_statements import is_known_purpose
from discretion.domain.ingest.statement_context import NOTICE_MEMBERS, REFERENCE_PATTERN
from discretion.domain.ingest.value_parsing import WrongType, parse_timestamp
from discretion.seal.redacted import Redacted
from discretion.store.consent_event import StatementMethod

JsonObject = dict[str, object]

_COMMON_MEMBERS = ("timestamp", "sentAt", "originalTimestamp", "userId", "anonymousId")
_MEMBERS_BY_TYPE: Mapping[str, tuple[str, ...]] = {
    "track": ("event",),
    "group": ("groupId",),
    "alias": ("previousId",),
}
_NOTICE_FORMS = {name: form for name, form, _ in NOTICE_MEMBERS}
_GUARDIAN_FORMS = {"reference": REFERENCE_PATTERN}


@dataclass(frozen=True, slots=True)
class DeclaredNames:
    """The names that a catalogue declares for any channel and any event.

    A name that is declared elsewhere may be declared for this channel or event when the catalogue is
    corrected.
    """

    catalogue: Catalogue
    traits: frozenset[str]
    properties: Mapping[str, frozenset[str]]
    """The names and aliases of properties, each with those of the members of the objects in it."""
    context_paths: tuple[tuple[str, ...], ...]
    """Paths into the context, shorter ones first, so that an object exists before its members are copied."""

    @classmethod
    def from_catalogue(cls, catalogue: Catalogue) -> DeclaredNames:
        """Collect the names that a catalogue declares."""
        place_groups = [
            *(declaration.context for declaration in catalogue.attributes.values()),
            *(declaration.context for declaration in catalogue.identifiers.values()),
        ]
        context_paths = {tuple(place.split(".")) for group in place_groups for place in group}
        return cls(
            catalogue,
            frozenset(trait for declaration in catalogue.attributes.values() for trait in declaration.traits)
            | set(COUNTRY_TRAITS),  # read whether they are declared or not
            {
                name: frozenset(
                    inner for member in declaration.members for inner in (member.name, *member.aliases)
                )
                for event in catalogue.events.values()
                for declaration in event.properties
                for name in (declaration.name, *declaration.aliases)
            },
            tuple(sorted(context_paths, key=len)),
        )


@dataclass(frozen=True, slots=True)
class PrunedMessage:
    """A redacted message, and the number of values that were dropped."""

    message: Redacted[JsonObject]
    dropped: int


def prune_message(
    declared: DeclaredNames,
    raw: Mapping[str, object],
    message_id: str,
    *,
    has_stated: bool = False,
) -> PrunedMessage:
    """Remove undeclared data from a message of a known type.

    Args:
        declared: What is declared.
        raw: The message.
        message_id: Its own id, or the one the validator generated for a message without one.
        has_stated: Whether its ambient choices are in force already.
    """
    message_type = str(raw["type"])
    members: JsonObject = {"type": message_type, "messageId": message_id}
    members |= {
        member: strip_nested(raw[member])
        for member in (*_COMMON_MEMBERS, *_MEMBERS_BY_TYPE.get(message_type, ()))
        if member in raw
    }
    statement, unknown_purposes = (
        _prune_consent_message(declared, raw) if message_type == CONSENT_TYPE else ({}, 0)
    )
    traits, undeclared_traits = _prune_traits(declared, message_type, raw)
    if message_type == "identify":
        members["traits"], traits = traits, None
    event_members, undeclared_properties = _prune_properties(declared, message_type, raw)
    context, unknown_preferences = _prune_context(declared, raw.get("context"), traits)
    if message_type == CONSENT_TYPE:
        unknown_preferences = 0  # its statement is in ``purposes``; the validator reads and counts no others
    if has_stated and isinstance(context, dict) and not is_preference_update(message_type, raw):
        context.pop("consent", None)
    members |= {**statement, **event_members, "context": context}
    return PrunedMessage(
        Redacted(members), undeclared_traits + undeclared_properties + unknown_preferences + unknown_purposes
    )


def strip_nested(value: object) -> object:
    """Return a scalar unchanged, and an object or a list without its content."""
    return {} if isinstance(value, dict) else [] if isinstance(value, list) else value


def strip_value(value: object) -> object:
    """Return a declared value: a scalar, or a list of scalars."""
    return [strip_nested(item) for item in value] if isinstance(value, list) else strip_nested(value)


def _prune_objects(members: frozenset[str], value: object) -> object:
    """Return a declared value; of the objects in a list, the declared members."""
    if isinstance(value, list):
        return [_prune_objects(members, item) for item in value] if members else strip_value(value)
    if members and isinstance(value, dict):
        return {name: strip_value(inner) for name, inner in value.items() if name in members}
    return strip_nested(value)


def _prune_traits(
    declared: DeclaredNames, message_type: str, raw: Mapping[str, object]
) -> tuple[object, int]:
    """Redact the traits; those of an identify message take precedence over those in the context."""
    context = raw.get("context")
    parts = [context.get("traits") if isinstance(context, dict) else None]
    if message_type == "identify":
        parts.append(raw.get("traits"))
    merged = {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}
    dropped = sum(
        1
        for place, value in dict(flatten_traits(merged)).items()
        if value is not None and place not in declared.traits
    )
    return _prune_nested(declared.traits, merged) or None, dropped


def _prune_nested(
    names: frozenset[str], traits: Mapping[str, object], prefix: str = "", depth: int = 0
) -> JsonObject:
    members: JsonObject = {}
    for name, value in traits.items():
        place = f"{prefix}{name}"
        # As deep as `flatten_traits`, so that the validator finds the same paths in the redacted message.
        if isinstance(value, dict) and depth < MAX_TRAIT_DEPTH:
            if inner := _prune_nested(names, value, f"{place}.", depth + 1):
                members[name] = inner
        elif place in names or (value is None and _has_name_below(names, place)):
            members[name] = strip_value(value)
    return members


def _has_name_below(names: frozenset[str], place: str) -> bool:
    return any(name.startswith(f"{place}.") for name in names)


def _prune_properties(
    declared: DeclaredNames, message_type: str, raw: Mapping[str, object]
) -> tuple[JsonObject, int]:
    """Redact the properties of an event; statements, identify and alias messages have none."""
    if message_type in ("identify", "alias", CONSENT_TYPE) or is_preference_update(message_type, raw):
        return {}, 0
    place = "traits" if message_type == "group" else "properties"
    raw_properties = raw.get(place)
    properties = dict(raw_properties) if isinstance(raw_properties, dict) else {}
    if message_type == "group":
        properties.pop("groupId", None)
    elif message_type != "track":
        properties |= {
            member: raw[member] for member in PAGE_MEMBERS if properties.get(member) is None and member in raw
        }
    declared_properties = {
        name: _prune_objects(declared.properties[name], value)
        for name, value in properties.items()
        if name in declared.properties
    }
    dropped = sum(
        1 for name, value in properties.items() if value is not None and name not in declared_properties
    )
    return {place: declared_properties}, dropped


def _prune_context(declared: DeclaredNames, raw_context: object, traits: object) -> tuple[object, int]:
    """Redact the context; ``traits`` replaces its own traits."""
    if not isinstance(raw_context, dict):
        return None if raw_context is None else [], 0
    members: JsonObject = {} if traits is None else {"traits": traits}
    dropped = 0
    if (external_ids := raw_context.get("externalIds")) is not None:
        members["externalIds"] = (
            [_prune_external_id(declared, external_id) for external_id in external_ids]
            if isinstance(external_ids, list)
            else {}
        )
    if (raw_consent := raw_context.get("consent")) is not None:
        members["consent"], dropped = _prune_preferences(declared, raw_consent)
    for path in declared.context_paths:
        _copy_place(members, path, raw_context)
    return members, dropped


def _prune_external_id(declared: DeclaredNames, external_id: object) -> object:
    """Redact an id of another system; one of an undeclared type becomes ``{}``, so that positions stay."""
    if not isinstance(external_id, dict):
        return []
    identifier_type = external_id.get("type")
    if (
        not isinstance(identifier_type, str)
        or identifier_type not in declared.catalogue.identifiers
        or not is_plain_user_id(external_id)
    ):
        return {}
    return {"type": identifier_type, "id": strip_nested(external_id.get("id"))}


def _prune_preferences(declared: DeclaredNames, raw_consent: object) -> tuple[object, int]:
    """Redact Segment's consent object; choices about unknown purposes are dropped and counted."""
    preferences = raw_consent.get("categoryPreferences") if isinstance(raw_consent, dict) else raw_consent
    if preferences is None:
        return {}, 0
    if not isinstance(preferences, dict):
        return {"categoryPreferences": []} if isinstance(raw_consent, dict) else [], 0
    known_preferences = {
        purpose_key: strip_value(permits)
        for purpose_key, permits in preferences.items()
        if is_known_purpose(declared.catalogue, purpose_key)
    }
    return {"categoryPreferences": known_preferences}, len(preferences) - len(known_preferences)


def _prune_consent_message(declared: DeclaredNames, raw: Mapping[str, object]) -> tuple[JsonObject, int]:
    """Redact the statement of a consent message.

    A purpose of the Fideslang taxonomy is kept, since a corrected catalogue may declare it. Any other purpose
    key is text of the sender and is replaced by a number.
    """
    members: JsonObject = {
        member: _prune_method_or_time(member, raw[member])
        for member in ("method", "validUntil")
        if member in raw
    }
    for name, forms in (("notice", _NOTICE_FORMS), ("guardian", _GUARDIAN_FORMS)):
        if name in raw:
            members[name] = _prune_members(raw[name], forms)
    if "purposes" not in raw:
        return members, 0
    purposes = raw["purposes"]
    if not isinstance(purposes, dict):
        return {**members, "purposes": strip_nested(purposes)}, 0
    choices: JsonObject = {}
    unknown_count = 0
    for purpose_key, permits in purposes.items():
        is_known = is_known_purpose(declared.catalogue, purpose_key) or purpose_key in load_taxonomy().uses
        unknown_count += not is_known
        choices[purpose_key if is_known else f"?{unknown_count}"] = (
            permits if isinstance(permits, bool) else {}
        )
    return {**members, "purposes": choices}, unknown_count


def _prune_method_or_time(member: str, raw_value: object) -> object:
    """Return a valid method or time unchanged, and an empty text for anything else."""
    if raw_value is None or (
        isinstance(raw_value, str) and member == "method" and raw_value in set(StatementMethod)
    ):
        return raw_value
    try:
        return raw_value if member == "validUntil" and parse_timestamp(raw_value) >= 0 else ""
    except WrongType:
        return ""


def _prune_members(raw_object: object, forms: Mapping[str, re.Pattern[str]]) -> object:
    """Keep the members that have patterns; a value that does not match its pattern becomes empty text."""
    if not isinstance(raw_object, dict) or not raw_object:
        return strip_nested(raw_object)
    members = {name: raw_object.get(name) for name in forms}
    return {
        name: value if isinstance(value, str) and forms[name].fullmatch(value) else ""
        for name, value in members.items()
    }


def _copy_place(members: JsonObject, path: tuple[str, ...], context: Mapping[str, object]) -> None:
    """Copy the value at one path of the context to the same path of ``members``."""
    for step in path[:-1]:
        inner = context.get(step)
        if not isinstance(inner, dict):
            return
        context = inner
    if (value := context.get(path[-1])) is None:
        return
    for step in path[:-1]:
        copied = members.setdefault(step, {})
        assert isinstance(copied, dict)  # an object in the context is one in its copy
        members = copied
    if isinstance(value, dict):
        members.setdefault(path[-1], {})
    else:
        members[path[-1]] = strip_value(value)
