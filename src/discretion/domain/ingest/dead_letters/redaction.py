"""What may be kept of a refused message: what the catalogue declares, and the protocol's own members. Pure.

Minimisation holds for what is refused as for what is taken in (GDPR Art. 5(1)(c)): what nobody declares is
dropped here and never reaches the disk, not even sealed. An event that nobody declares keeps the properties
that some event declares, so that it has them when the catalogue is mended.

A pruned message is to the validator what the whole one was: the same fact, or refused with the same code at
the same place. So where a value has the wrong shape, an empty one of that shape stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.catalogue.taxonomy import taxonomy
from discretion.domain.ingest.consent_message import CONSENT, updates
from discretion.domain.ingest.event import BESIDE
from discretion.domain.ingest.identifiers import of_a_user
from discretion.domain.ingest.json_path import DEPTH, flat
from discretion.domain.ingest.statement_context import NOTICE, REFERENCE, Method
from discretion.domain.ingest.validation import purposed
from discretion.domain.ingest.value_parsing import WrongType, moment
from discretion.seal.redacted import Shut

Json = dict[str, Any]

_OWN = ("timestamp", "sentAt", "originalTimestamp", "userId", "anonymousId")
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "track": ("event",),
    "group": ("groupId",),
    "alias": ("previousId",),
}
_COUNTRY = "address.country"
"""Read to tell whose national notation a phone number is in, whether it is declared or not."""
_WRONG: Json = {"": None}
"""Consent to a purpose nobody knows that is neither true nor false."""
_NOTICE_FORMS = {name: form for name, form, _ in NOTICE}
_GUARDIAN_FORMS = {"reference": REFERENCE}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a catalogue declares for any channel and any event: mended, it may open it to this one."""

    catalogue: Catalogue
    traits: frozenset[str]
    properties: frozenset[str]
    places: tuple[tuple[str, ...], ...]
    """Of the context, outer ones first."""

    @classmethod
    def of(cls, catalogue: Catalogue) -> Declared:
        """The names in a catalogue."""
        held = [
            *(one.context for one in catalogue.attributes.values()),
            *(one.context for one in catalogue.identifiers.values()),
        ]
        places = {tuple(place.split(".")) for context in held for place in context}
        return cls(
            catalogue,
            frozenset(trait for one in catalogue.attributes.values() for trait in one.traits) | {_COUNTRY},
            frozenset(one.name for event in catalogue.events.values() for one in event.properties),
            tuple(sorted(places, key=len)),
        )


@dataclass(frozen=True, slots=True)
class Pruned:
    """What is kept of a message, and how many values are not."""

    message: Shut[Json]
    dropped: int


def prune(declared: Declared, raw: Mapping[str, Any], name: str) -> Pruned:
    """A message of a known type without what nobody declares; ``name`` is its id, perhaps given by us."""
    kind = raw["type"]
    kept: Json = {"type": kind, "messageId": name}
    kept |= {one: bare(raw[one]) for one in (*_OWN, *_OF_KIND.get(kind, ())) if one in raw}
    said, unknown = _said(declared, raw) if kind == CONSENT else ({}, 0)
    traits, untold = _traits(declared, kind, raw)
    if kind == "identify":
        kept["traits"], traits = traits, None
    happening, undeclared = _happening(declared, kind, raw)
    context, unasked = _context(declared, raw.get("context"), traits)
    kept |= {**said, **happening, "context": context}
    return Pruned(Shut(kept), untold + undeclared + unasked + unknown)


def bare(value: Any) -> Any:
    """A scalar as it is; of an object or a list only that it is one."""
    return {} if isinstance(value, dict) else [] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """A declared value: a scalar, or a list of them."""
    return [bare(one) for one in value] if isinstance(value, list) else bare(value)


def _traits(declared: Declared, kind: str, raw: Mapping[str, Any]) -> tuple[Any, int]:
    """What the message tells of the person: an identify's own traits go before those in the context."""
    context = raw.get("context")
    parts = [context.get("traits") if isinstance(context, dict) else None]
    if kind == "identify":
        parts.append(raw.get("traits"))
    if any(part is not None and not isinstance(part, dict) for part in parts):
        return [], 0
    told = {name: value for part in parts for name, value in (part or {}).items()}
    dropped = sum(
        1 for place, value in dict(flat(told)).items() if value is not None and place not in declared.traits
    )
    return _nested(declared.traits, told) or None, dropped


def _nested(names: frozenset[str], given: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Json:
    kept: Json = {}
    for name, value in given.items():
        place = f"{prefix}{name}"
        if isinstance(value, dict) and depth < DEPTH:
            if inner := _nested(names, value, f"{place}.", depth + 1):
                kept[name] = inner
        elif place in names:
            kept[name] = plain(value)
    return kept


def _happening(declared: Declared, kind: str, raw: Mapping[str, Any]) -> tuple[Json, int]:
    """The properties of an event, where its kind of message has them."""
    if kind in ("identify", "alias", CONSENT) or updates(kind, raw):
        return {}, 0
    place = "traits" if kind == "group" else "properties"
    given = raw.get(place)
    if given is not None and not isinstance(given, dict):
        return {place: []}, 0
    properties = dict(given or {})
    if kind == "group":
        properties.pop("groupId", None)
    elif kind != "track":
        properties |= {one: raw[one] for one in BESIDE if properties.get(one) is None and one in raw}
    kept = {name: plain(value) for name, value in properties.items() if name in declared.properties}
    dropped = sum(1 for name, value in properties.items() if value is not None and name not in kept)
    return {place: kept}, dropped


def _context(declared: Declared, given: Any, traits: Any) -> tuple[Any, int]:
    """What the context says, with ``traits`` in the place of its own."""
    if not isinstance(given, dict):
        return None if given is None else [], 0
    kept: Json = {} if traits is None else {"traits": traits}
    dropped = 0
    if (external := given.get("externalIds")) is not None:
        kept["externalIds"] = (
            [_external(declared, one) for one in external] if isinstance(external, list) else {}
        )
    if (consent := given.get("consent")) is not None:
        kept["consent"], dropped = _consent(declared, consent)
    for steps in declared.places:
        _put(kept, steps, given)
    return kept, dropped


def _external(declared: Declared, given: Any) -> Any:
    """An id of another system; one of a type nobody declares leaves its place empty."""
    if not isinstance(given, dict):
        return []
    kind = given.get("type")
    if not isinstance(kind, str) or kind not in declared.catalogue.identifiers or not of_a_user(given):
        return {}
    return {"type": kind, "id": bare(given.get("id"))}


def _consent(declared: Declared, given: Any) -> tuple[Any, int]:
    """Segment's consent object; a yes or no to a purpose nobody knows is nobody's."""
    preferences = given.get("categoryPreferences") if isinstance(given, dict) else given
    if preferences is None:
        return {}, 0
    if not isinstance(preferences, dict):
        return {"categoryPreferences": []} if isinstance(given, dict) else [], 0
    known = {one: plain(said) for one, said in preferences.items() if purposed(declared.catalogue, one)}
    unknown = [said for one, said in preferences.items() if one not in known]
    wrong = {} if all(isinstance(said, bool) for said in unknown) else _WRONG
    return {"categoryPreferences": {**known, **wrong}}, len(unknown)


def _said(declared: Declared, raw: Mapping[str, Any]) -> tuple[Json, int]:
    """What a consent message says. A purpose that the taxonomy has may be in the mended catalogue."""
    kept: Json = {one: _method_or_time(one, raw[one]) for one in ("method", "validUntil") if one in raw}
    for name, forms in (("notice", _NOTICE_FORMS), ("guardian", _GUARDIAN_FORMS)):
        if name in raw:
            kept[name] = _formed(raw[name], forms)
    if "purposes" not in raw:
        return kept, 0
    purposes = raw["purposes"]
    if not isinstance(purposes, dict):
        return {**kept, "purposes": bare(purposes)}, 0
    told: Json = {}
    unknown = 0
    for node, said in purposes.items():
        known = purposed(declared.catalogue, node) or node in taxonomy().uses
        unknown += not known
        told[node if known else f"?{unknown}"] = said if isinstance(said, bool) else {}
    return {**kept, "purposes": told}, unknown


def _method_or_time(name: str, given: Any) -> Any:
    """A method or a time as it is; anything else as something that is neither."""
    if given is None or (isinstance(given, str) and name == "method" and given in set(Method)):
        return given
    try:
        return given if name == "validUntil" and moment(given) >= 0 else ""
    except WrongType:
        return ""


def _formed(given: Any, forms: Mapping[str, re.Pattern[str]]) -> Any:
    """An object's members of a form; one that has another form is empty."""
    if not isinstance(given, dict) or not given:
        return bare(given)
    found = {name: given.get(name) for name in forms}
    return {
        name: value if isinstance(value, str) and forms[name].fullmatch(value) else ""
        for name, value in found.items()
    }


def _put(kept: Json, steps: tuple[str, ...], context: Any) -> None:
    """Keep what one place of the context holds, where it stands."""
    for step in steps[:-1]:
        context = context.get(step)
        if not isinstance(context, dict):
            return
    if (held := context.get(steps[-1])) is None:
        return
    for step in steps[:-1]:
        kept = kept.setdefault(step, {})
    if isinstance(held, dict):
        kept.setdefault(steps[-1], {})
    else:
        kept[steps[-1]] = plain(held)
