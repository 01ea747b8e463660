"""What happened: the event of a track, page, screen or group call, as the tracking plan declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discretion.catalogue.model import Catalogue, EventType, Source
from discretion.domain.ingest.message import Happening
from discretion.domain.ingest.rejection import No, mapping
from discretion.domain.ingest.value_parsing import WrongType, store
from discretion.seal.redacted import Shut

MAX_GROUP_ID = 500
BESIDE = ("name", "category")
"""What page and screen calls carry beside their properties."""


def happening(
    catalogue: Catalogue, source: Source, kind: str, raw: Mapping[str, Any]
) -> tuple[Happening | None, int]:
    """The event and how many properties nobody declared; ``None`` for an identify or alias.

    Raises:
        No: ``EVENT_UNDECLARED``, ``PROPERTY_MISSING``, ``TYPE_WRONG``, ``GROUP_ID_INVALID``.
    """
    if kind in ("identify", "alias"):
        return None, 0
    name = raw.get("event") if kind == "track" else kind
    declared = catalogue.events.get(name) if isinstance(name, str) else None
    if declared is None or source.channel not in declared.channels:
        raise No("EVENT_UNDECLARED", "The catalogue declares no such event for this channel.", "event")
    if kind == "group":
        return _kept(declared, {**mapping(raw, "traits"), "groupId": _group_id(raw)}, "traits")
    given = dict(mapping(raw, "properties"))
    if kind != "track":
        for one in BESIDE:
            if given.get(one) is None:
                given[one] = raw.get(one)
    return _kept(declared, given, "properties")


def _group_id(raw: Mapping[str, Any]) -> str:
    given = raw.get("groupId")
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_GROUP_ID:
        raise No("GROUP_ID_INVALID", f"It takes text of 1 to {MAX_GROUP_ID} characters.", "groupId")
    return text


def _kept(declared: EventType, given: dict[str, Any], where: str) -> tuple[Happening, int]:
    kept: dict[str, Any] = {}
    for one in declared.properties:
        value = given.pop(one.name, None)
        place = f"{where}.{one.name}"
        if value is None:
            if one.required:
                raise No("PROPERTY_MISSING", f"{declared.key} needs it.", place)
            continue
        try:
            kept[one.name] = store(one.type, value, many=one.many)
        except WrongType as wrong:
            raise No("TYPE_WRONG", f"It takes {wrong.wanted}.", place) from None
    return Happening(declared, Shut(kept)), sum(1 for value in given.values() if value is not None)
