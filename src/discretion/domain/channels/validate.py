"""A tracking message (Segment's HTTP API) -> a fact in the catalogue's terms, or a refusal.

What the catalogue does not declare for the sender's channel is dropped here and counted: data
minimisation at the door (GDPR Art. 5(1)(c)). What it declares and the message gets wrong refuses
the message, with the place and what would be right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Attribute, Catalogue, EventType, Source
from discretion.domain.channels.fact import Fact, Happening, Identifier, Refused
from discretion.domain.channels.value import WrongType, moment, store
from discretion.seal.normalise import RULES
from discretion.seal.shut import Shut

MAX_ID = 254
MAX_MESSAGE_ID = 100
KINDS = ("identify", "track", "page", "screen")


class _No(Exception):
    def __init__(self, code: str, reason: str, place: str = "") -> None:
        super().__init__(code)
        self.code, self.reason, self.place = code, reason, place


@dataclass(frozen=True, slots=True)
class Validator:
    """Validates messages of one installation. ``entropy`` names messages that came without an id."""

    catalogue: Catalogue
    entropy: Callable[[int], bytes]

    def fact(self, source: Source, raw: Any, received: int) -> Fact | Refused:
        """What a message says, or why it is refused."""
        name = raw.get("messageId") if isinstance(raw, dict) else None
        try:
            if not isinstance(raw, dict):
                raise _No("MESSAGE_INVALID", "A message is a JSON object.")
            name = self._message_id(name)
            return self._read(source, raw, name, received)
        except _No as no:
            shown = name if isinstance(name, str) and len(name) <= MAX_MESSAGE_ID else ""
            return Refused(shown, no.code, no.reason, no.place)

    def _message_id(self, given: Any) -> str:
        if given is None or given == "":
            return self.entropy(12).hex()
        if not isinstance(given, str) or len(given) > MAX_MESSAGE_ID or not given.isprintable():
            raise _No("MESSAGE_ID_INVALID", f"A messageId has 1 to {MAX_MESSAGE_ID} characters.", "messageId")
        return given

    def _read(self, source: Source, raw: Mapping[str, Any], name: str, received: int) -> Fact:
        kind = raw.get("type")
        if kind not in KINDS:
            raise _No("TYPE_UNSUPPORTED", f"A message's type is one of {', '.join(KINDS)}.", "type")
        context = _object(raw, "context")
        at = self._time(raw, received)
        ids = list(self._person(source, raw))
        traits = {**_object(context, "traits"), **(_object(raw, "traits") if kind == "identify" else {})}
        values, dropped = self._values(source, traits)
        event, more_dropped = self._event(source, kind, raw)
        choices, unknown = self._choices(context)
        region = _region(traits)
        kept: list[tuple[Attribute, Shut[Any]]] = []
        for attribute, value in values:
            if attribute.identifier is None:
                kept.append((attribute, Shut(value)))
                continue
            identifier = self._identifier(attribute.identifier, value, region, attribute.path)
            if not self._nobodys(identifier):
                ids.append(identifier)
            # A phone number is kept in E.164, an address as its owner spells it.
            rule = self.catalogue.identifiers[attribute.identifier].normalise
            kept.append((attribute, identifier.value if rule == "e164" else Shut(value)))
        return Fact(
            source=source,
            message=name,
            at=at,
            received=received,
            identifiers=tuple(ids),
            values=tuple(kept),
            choices=choices,
            event=event,
            dropped=dropped + more_dropped + unknown,
        )

    def _time(self, raw: Mapping[str, Any], received: int) -> int:
        """When it happened; a clock that runs ahead does not make the future."""
        given = raw.get("timestamp", raw.get("originalTimestamp"))
        if given is None:
            return received
        try:
            return min(moment(given), received)
        except WrongType as wrong:
            raise _No("TIMESTAMP_INVALID", f"It takes {wrong.wanted}.", "timestamp") from None

    def _person(self, source: Source, raw: Mapping[str, Any]) -> Iterator[Identifier]:
        found = blocked = False
        for member, kind in (("userId", source.user_id), ("anonymousId", source.anonymous_id)):
            given = raw.get(member)
            if given is None or given == "":
                continue
            text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
            if not isinstance(text, str) or len(text) > MAX_ID:
                raise _No("ID_INVALID", f"It takes text of at most {MAX_ID} characters.", member)
            identifier = self._identifier(kind, text, None, member)
            if self._nobodys(identifier):
                blocked = True
                continue
            found = True
            yield identifier
        if blocked and not found:
            raise _No("IDENTIFIER_BLOCKED", "The catalogue blocks this id: it is nobody's.", "userId")
        if not found:
            raise _No("NO_USER_ANON_ID", "A message names a person by userId, anonymousId or both.", "userId")

    def _identifier(self, kind: str, text: Any, region: str | None, place: str) -> Identifier:
        rule = self.catalogue.identifiers[kind].normalise
        spelled = RULES[rule](text, region) if isinstance(text, str) else None
        if spelled is None:
            raise _No("IDENTIFIER_INVALID", f"It is not a valid {kind}.", place)
        return Identifier(kind, Shut(spelled))

    def _nobodys(self, identifier: Identifier) -> bool:
        blocked = self.catalogue.identifiers[identifier.type].never
        return blocked.fullmatch(identifier.value.value) is not None

    def _values(self, source: Source, traits: dict[str, Any]) -> tuple[list[tuple[Attribute, Any]], int]:
        left = dict(_flat(traits))
        values: list[tuple[Attribute, Any]] = []
        for attribute in self.catalogue.attributes.values():
            if attribute.computed is not None or source.channel not in attribute.channels:
                continue
            place = next((trait for trait in attribute.traits if trait in left), None)
            if place is None:
                continue
            given = left.pop(place)
            if given is None:
                continue
            values.append((attribute, _stored(attribute, given, f"traits.{place}")))
        return values, sum(1 for value in left.values() if value is not None)

    def _event(self, source: Source, kind: str, raw: Mapping[str, Any]) -> tuple[Happening | None, int]:
        if kind == "identify":
            return None, 0
        name = raw.get("event") if kind == "track" else kind
        declared = self.catalogue.events.get(name) if isinstance(name, str) else None
        if declared is None or source.channel not in declared.channels:
            raise _No("EVENT_UNDECLARED", "The catalogue declares no such event for this channel.", "event")
        given = dict(_object(raw, "properties"))
        if kind != "track" and raw.get("name") is not None:
            given.setdefault("name", raw["name"])
        return self._happening(declared, given)

    def _happening(self, declared: EventType, given: dict[str, Any]) -> tuple[Happening, int]:
        kept: dict[str, Any] = {}
        for one in declared.properties:
            value = given.pop(one.name, None)
            place = f"properties.{one.name}"
            if value is None:
                if one.required:
                    raise _No("PROPERTY_MISSING", f"{declared.key} needs it.", place)
                continue
            try:
                kept[one.name] = store(one.type, value, many=one.many)
            except WrongType as wrong:
                raise _No("TYPE_WRONG", f"It takes {wrong.wanted}.", place) from None
        return Happening(declared, Shut(kept)), len(given)

    def _choices(self, context: Mapping[str, Any]) -> tuple[dict[str, bool], int]:
        """Segment's consent object; an unknown purpose is nobody's yes, so it is dropped."""
        preferences = _object(_object(context, "consent"), "categoryPreferences")
        known: dict[str, bool] = {}
        for purpose, given in preferences.items():
            if not isinstance(given, bool):
                place = "context.consent.categoryPreferences"
                raise _No("TYPE_WRONG", "It takes true or false for each purpose.", place)
            if any(key == purpose or key.startswith(purpose + ".") for key in self.catalogue.purposes):
                known[purpose] = given
        return known, len(preferences) - len(known)


def _stored(attribute: Attribute, given: Any, place: str) -> Any:
    try:
        value = store(attribute.type, given, many=attribute.many)
    except WrongType as wrong:
        raise _No("TYPE_WRONG", f"It takes {wrong.wanted}.", place) from None
    if attribute.values:
        for one in value if attribute.many else [value]:
            if one not in attribute.values:
                raise _No("VALUE_UNDECLARED", f"It is one of {', '.join(attribute.values)}.", place)
    return value


def _object(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given = parent.get(name)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise _No("TYPE_WRONG", "It takes a JSON object.", name)
    return given


def _flat(traits: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Nested traits as dotted places: ``address.city``."""
    for name, value in traits.items():
        place = f"{prefix}{name}"
        if isinstance(value, dict) and depth < 4:
            yield from _flat(value, f"{place}.", depth + 1)
        else:
            yield place, value


def _region(traits: Mapping[str, Any]) -> str | None:
    address = traits.get("address")
    country = address.get("country") if isinstance(address, dict) else None
    return country if isinstance(country, str) and len(country) == 2 else None
