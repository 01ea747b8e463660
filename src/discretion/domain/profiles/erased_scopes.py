"""A part of somebody's data that they had erased: what belongs to it, and how it stays away. Pure.

Each of their source records carries a mark, ``{s, t}``: what was erased, and when (ms). What a message tells
of before then and belongs to it is left out when it comes, however late, for whichever of their records.
Newer data are taken in again: they were not there to be erased, and a consent or an objection is how somebody
keeps them from being collected.

Names and words about purposes are no part of a part: they say who somebody is and what they allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from discretion.catalogue.model import DEMANDED, Attribute, Catalogue, EventType, Property, Use
from discretion.catalogue.nearest_name import nearest
from discretion.catalogue.taxonomy import taxonomy
from discretion.domain.ingest.message import Fact
from discretion.errors import BadRequest
from discretion.seal.redacted import Shut

KINDS = ("channel", "category", "purpose")


@dataclass(frozen=True, slots=True)
class Scope:
    """A channel, a data category or a purpose, by its key; of the last two what is below them too.

    A purpose covers what serves nothing else; what the law itself demands of all data does not count.
    """

    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"

    def source(self, channel: str) -> bool:
        """Whether everything of a channel belongs to it."""
        return self.kind == "channel" and self.key == channel

    def attribute(self, attribute: Attribute) -> bool:
        """Whether the attribute belongs to it, whoever told it."""
        return self._covers(attribute.category, attribute.uses)

    def event(self, event: EventType) -> bool:
        """Whether the event belongs to it, whatever channel it came in."""
        return self._covers(event.category, event.uses)

    def property(self, one: Property) -> bool:
        """Whether a property belongs to it although its event does not."""
        return self.kind == "category" and _below(self.key, one.category)

    def _covers(self, category: str, uses: Iterable[Use]) -> bool:
        if self.kind == "category":
            return _below(self.key, category)
        own = [use.purpose for use in uses if use.purpose.basis not in DEMANDED]
        return self.kind == "purpose" and bool(own) and all(_below(self.key, one.key) for one in own)


def scope_of(asked: Mapping[str, Any], catalogue: Catalogue) -> Scope | None:
    """What a request's scope says; None is everything.

    Raises:
        BadRequest: ``SCOPE_INVALID``; it names two things, or one there is not.
    """
    given = [(kind, asked[kind]) for kind in KINDS if asked.get(kind) is not None]
    if not given:
        return None
    if len(given) > 1:
        raise BadRequest("SCOPE_INVALID", "An erasure is of one part.", "Ask for each part by itself.")
    kind, key = given[0]
    known = {
        "channel": {one.channel.value for one in catalogue.sources.values()},
        "category": set(taxonomy().categories),
        "purpose": {node for one in catalogue.purposes for node in _upwards(one)},
    }[kind]
    if key not in known:
        raise BadRequest("SCOPE_INVALID", f"There is no such {kind}.", nearest(str(key)[:100], known))
    return Scope(kind, key)


def told(record: Mapping[str, Any]) -> list[tuple[Scope, int]]:
    """The marks of a source record."""
    return [(Scope(*one["s"].split(":", 1)), one["t"]) for one in record.get("without", ())]


def marked(record: Mapping[str, Any], scope: Scope, at: int) -> list[dict[str, Any]]:
    """The marks of a record from which something was erased at ``at``, the latest of each scope."""
    others = [one for one in record.get("without", ()) if one["s"] != str(scope)]
    return sorted([*others, {"s": str(scope), "t": at}], key=lambda one: str(one["s"]))


def erased_of(scope: Scope, catalogue: Catalogue, record: Mapping[str, Any]) -> frozenset[str]:
    """Keys of the cells and totals of a record that belong to what is erased."""
    keys = {*record["cells"], *record["folds"]}
    source = catalogue.sources.get(record["source"])
    if source is not None and scope.source(source.channel):
        return frozenset(keys)
    return frozenset(
        key for key in keys if (one := catalogue.by_key.get(key)) is not None and scope.attribute(one)
    )


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a fact, and keys of totals that it does not count for."""

    fact: Fact
    uncounted: frozenset[str] = frozenset()


def without(fact: Fact, marks: Iterable[tuple[Scope, int]], catalogue: Catalogue) -> Left:
    """A fact without what had been erased when it happened."""
    scopes = [scope for scope, at in marks if fact.earliest <= at]
    if not scopes:
        return Left(fact)
    channel = fact.source.channel
    if any(one.source(channel) for one in scopes):
        return Left(replace(fact, values=(), event=None))
    values = tuple(one for one in fact.values if not any(scope.attribute(one[0]) for scope in scopes))
    event = fact.event
    if event is None or any(scope.event(event.type) for scope in scopes):
        return Left(replace(fact, values=values, event=None))
    gone = {one.name for one in event.type.properties if any(scope.property(one) for scope in scopes)}
    kept = {name: value for name, value in event.properties.value.items() if name not in gone}
    uncounted = frozenset(
        key
        for key, rule in catalogue.computed_from(event.type.key, channel)
        if rule.property in gone or any(scope.attribute(catalogue.by_key[key]) for scope in scopes)
    )
    return Left(replace(fact, values=values, event=replace(event, properties=Shut(kept))), uncounted)


def _below(node: str, key: str) -> bool:
    return key == node or key.startswith(f"{node}.")


def _upwards(key: str) -> list[str]:
    steps = key.split(".")
    return [".".join(steps[: one + 1]) for one in range(len(steps))]
