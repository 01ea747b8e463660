"""The violations of one message: what was refused, left out or dropped, by event and place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue, EventProperty, Source
from discretion.domain.ingest.event import PAGE_MEMBERS
from discretion.domain.ingest.json_path import flatten_traits
from discretion.domain.ingest.message import Fact, RefusedMessage
from discretion.domain.ingest.tracking_plan.event_name import read_event_name
from discretion.domain.ingest.tracking_plan.showable_name import is_showable_name
from discretion.domain.ingest.tracking_plan.value_shape import describe_shape

UNDECLARED = "UNDECLARED"
"""The reason of a value that is dropped because the catalogue does not declare it for the channel."""

EVENT_UNDECLARED = "EVENT_UNDECLARED"
EVENT_PLACE = "event"
"""The code and the place of a refused message whose event the catalogue does not declare."""

_POSITION = re.compile(r"\.\d+(?=\.|$)")
MAX_NAMES_OF_MESSAGE = 50
"""The most undeclared names of one message that are counted apart; the others are not counted."""


@dataclass(frozen=True, slots=True)
class PlanViolation:
    """One thing that is wrong with a message.

    Attributes:
        reason: The code of the refusal, or ``UNDECLARED``.
        event: The name of the event; empty if it is none, or must not be shown.
        place: Where in the message; empty if that must not be shown.
        shape: The shape of the value there.
        is_declared: Whether event and place are names of the catalogue, which are no secret.
    """

    reason: str
    event: str = ""
    place: str = ""
    shape: str = ""
    is_declared: bool = True


def find_violations(
    catalogue: Catalogue, source: Source, raw: object, result: Fact | RefusedMessage
) -> Iterator[PlanViolation]:
    """Yield what is wrong with a message, given what became of it by the validator."""
    if not isinstance(raw, dict):
        if isinstance(result, RefusedMessage):
            yield PlanViolation(result.code)
        return
    event, is_declared = read_event_name(catalogue, source, raw)
    if isinstance(result, RefusedMessage):
        # An undeclared event is no event of the catalogue, whatever its name is.
        shape = "" if result.code == EVENT_UNDECLARED else _describe_place(raw, result.place)
        yield PlanViolation(result.code, event, _generalise(result.place), shape, is_declared)
    else:
        for left_out in result.left_out:
            shape = _describe_place(raw, left_out.place)
            yield PlanViolation(left_out.code, event, _generalise(left_out.place), shape, is_declared)
    if isinstance(result, RefusedMessage) or result.dropped:
        names = _list_undeclared(catalogue, source, raw, event if is_declared else "")
        for _, (place, value) in zip(range(MAX_NAMES_OF_MESSAGE), names, strict=False):
            shown_place = place if is_showable_name(place.partition(".")[2].replace("*", "")) else ""
            yield PlanViolation(UNDECLARED, event, shown_place, describe_shape(value), is_declared=False)


def _list_undeclared(
    catalogue: Catalogue, source: Source, raw: Mapping[str, object], event: str
) -> Iterator[tuple[str, object]]:
    """Yield the places of traits and properties that the catalogue does not declare, with their values."""
    context, message_type = raw.get("context"), raw.get("type")
    supplied = catalogue.supply_by_channel[source.channel].by_trait
    trait_parts = [context.get("traits") if isinstance(context, dict) else None]
    if message_type == "identify":
        trait_parts.append(raw.get("traits"))
    for traits in trait_parts:
        if isinstance(traits, dict):
            for trait, value in flatten_traits(traits):
                if value is not None and trait not in supplied:
                    yield f"traits.{trait}", value
    member = "traits" if message_type == "group" else "properties"
    properties = raw.get(member)
    declared = catalogue.events.get(event)
    if declared is None or not isinstance(properties, dict):
        return
    by_name = {name: each for each in declared.properties for name in (each.name, *each.aliases)}
    for name, value in properties.items():
        if value is not None and name not in by_name and name not in PAGE_MEMBERS:
            yield f"{member}.{name}", value
        elif name in by_name and by_name[name].members:
            items = value if isinstance(value, list) else [value]
            place = f"{member}.{name}.*" if isinstance(value, list) else f"{member}.{name}"
            yield from _list_undeclared_members(by_name[name], place, items)


def _list_undeclared_members(
    declared: EventProperty, place: str, objects: list[object]
) -> Iterator[tuple[str, object]]:
    names = {name for each in declared.members for name in (each.name, *each.aliases)}
    for item in objects:
        for name, value in item.items() if isinstance(item, dict) else ():
            if value is not None and name not in names:
                yield f"{place}.{name}", value


def _generalise(place: str) -> str:
    """Return the place without positions in lists, so that those of one list are counted together."""
    general = _POSITION.sub(".*", place)
    return general if is_showable_name(general.replace("*", "")) else ""


def _describe_place(raw: Mapping[str, object], place: str) -> str:
    """Return the shape of the value at a place of a message; empty if there is none."""
    value: object = raw
    for step in place.split("."):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ""
    return describe_shape(value)
