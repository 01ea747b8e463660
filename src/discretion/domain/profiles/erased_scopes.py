"""Partial erasures: which data a scope covers, and how erased data are kept from coming back. No I/O.

Each source record of the customer stores the erased scope and the time of the erasure. Data of a message that
fall under the scope and happened before that time are dropped, however late the message arrives. Newer data
are collected again, because they did not exist at the time of the erasure; a customer prevents their
collection by a refusal or an objection.

Identifiers and statements belong to no scope: they determine who the customer is and what they permit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from discretion.catalogue.computation import Computation
from discretion.catalogue.model import (
    NON_REFUSABLE_BASES,
    Attribute,
    Catalogue,
    EventProperty,
    EventType,
    Use,
)
from discretion.catalogue.nearest_name import suggest_name
from discretion.catalogue.taxonomy import load_taxonomy
from discretion.domain.ingest.message import Fact
from discretion.domain.profiles.removed_birth_date import is_child_marker
from discretion.errors import BadRequest
from discretion.seal.nested_members import MemberName, leave_out_members
from discretion.seal.redacted import Redacted
from discretion.store.source_record import ErasedPart, SourceRecord
from discretion.store.subject_request import RequestScope


@dataclass(frozen=True, slots=True)
class ErasureScope:
    """The scope of a partial erasure: a channel, a data category or a purpose.

    A category or a purpose includes its descendants. A purpose covers data that serve no other purpose;
    purposes that the law demands of all data are ignored.
    """

    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"

    def covers_channel(self, channel: str) -> bool:
        """Return whether the scope covers all data of a channel."""
        return self.kind == "channel" and self.key == channel

    def covers_attribute(self, attribute: Attribute) -> bool:
        """Return whether the scope covers an attribute, whatever source supplied it."""
        return self._covers(attribute.category, attribute.uses)

    def covers_event(self, event: EventType) -> bool:
        """Return whether the scope covers an event type, whatever channel sent the event."""
        return self._covers(event.category, event.uses)

    def find_covered_members(self, event: EventType) -> frozenset[MemberName]:
        """Return the properties, and members of objects in them, of an event it does not cover as a whole."""
        return frozenset(
            (declared.name, "" if member is declared else member.name)
            for declared in event.properties
            for member in (declared, *declared.members)
            if self._covers_property(member)
        )

    def _covers_property(self, event_property: EventProperty) -> bool:
        if self.kind == "category":
            return _is_under(self.key, event_property.category)
        return bool(event_property.uses) and self._covers(event_property.category, event_property.uses)

    def _covers(self, category: str, uses: Iterable[Use]) -> bool:
        if self.kind == "category":
            return _is_under(self.key, category)
        purposes = [use.purpose for use in uses if use.purpose.basis not in NON_REFUSABLE_BASES]
        return (
            self.kind == "purpose"
            and bool(purposes)
            and all(_is_under(self.key, purpose.key) for purpose in purposes)
        )


def read_erasure_scope(requested: RequestScope, catalogue: Catalogue) -> ErasureScope | None:
    """Return the scope of an erasure request; None means all data of the customer.

    Raises:
        BadRequest: ``SCOPE_INVALID``; the request names more than one scope, or one that does not exist.
    """
    parts = {"channel": requested.channel, "category": requested.category, "purpose": requested.purpose}
    named_scopes = [(kind, key) for kind, key in parts.items() if key is not None]
    if not named_scopes:
        return None
    if len(named_scopes) > 1:
        raise BadRequest("SCOPE_INVALID", "An erasure is of one part.", "Ask for each part by itself.")
    kind, key = named_scopes[0]
    known_keys = {
        "channel": {declaration.channel.value for declaration in catalogue.sources.values()},
        "category": set(load_taxonomy().categories),
        "purpose": {
            ancestor for declaration in catalogue.purposes for ancestor in _list_ancestors(declaration)
        },
    }[kind]
    if key not in known_keys:
        raise BadRequest("SCOPE_INVALID", f"There is no such {kind}.", suggest_name(key[:100], known_keys))
    return ErasureScope(kind, key)


def read_erased_scopes(record: SourceRecord) -> list[tuple[ErasureScope, int]]:
    """Return the erased scopes of a source record, each with the time of its erasure (ms)."""
    return [(ErasureScope(*part.scope.split(":", 1)), part.at) for part in record.erased_parts]


def add_erased_scope(record: SourceRecord, scope: ErasureScope, at: int) -> tuple[ErasedPart, ...]:
    """Return the erased parts of a record after an erasure at ``at``; one for each scope."""
    other_parts = [part for part in record.erased_parts if part.scope != str(scope)]
    return tuple(sorted([*other_parts, ErasedPart(str(scope), at)], key=lambda part: part.scope))


def find_erased_keys(scope: ErasureScope, catalogue: Catalogue, record: SourceRecord) -> frozenset[str]:
    """Return the keys of a record's cells and totals that a scope covers, without markers of a child."""
    cells = {key for key, cell in record.cells.items() if not is_child_marker(cell)}
    keys = {*cells, *record.totals}
    source = catalogue.sources.get(record.source)
    if source is not None and scope.covers_channel(source.channel):
        return frozenset(keys)
    # By path: values under a former number of an attribute are values of the attribute, too.
    return frozenset(
        key
        for key in keys
        if (attribute := catalogue.attributes.get(catalogue.find_path(key))) is not None
        and scope.covers_attribute(attribute)
    )


# Not frozen: every message makes some, and a frozen object takes three times as long to make.
@dataclass(slots=True)
class RemainingFact:
    """A fact without erased data, and the keys of computed attributes that its event must not change."""

    fact: Fact
    uncounted: frozenset[str] = frozenset()


def remove_erased_data(
    fact: Fact, erased_scopes: Iterable[tuple[ErasureScope, int]], catalogue: Catalogue
) -> RemainingFact:
    """Remove from a fact the data that were erased after it happened."""
    # The earlier of both times of the message counts: a sender cannot make erased data new by a later time.
    scopes = [scope for scope, erased_at in erased_scopes if fact.earliest_at <= erased_at]
    if not scopes:
        return RemainingFact(fact)
    channel = fact.source.channel
    if any(scope.covers_channel(channel) for scope in scopes):
        return RemainingFact(replace(fact, values=(), event=None))
    values = tuple(
        (attribute, value)
        for attribute, value in fact.values
        if not any(scope.covers_attribute(attribute) for scope in scopes)
    )
    event = fact.event
    if event is None or any(scope.covers_event(event.type) for scope in scopes):
        return RemainingFact(replace(fact, values=values, event=None))
    erased_members = {name for scope in scopes for name in scope.find_covered_members(event.type)}
    properties = leave_out_members(event.properties.value, erased_members)
    erased_properties = {name for name, inner in erased_members if not inner}
    # The event itself is stored, but a total that used an erased property must not be rebuilt from it.
    uncounted = frozenset(
        key
        for key, rule in catalogue.list_computations(event.type.key, channel)
        if not erased_properties.isdisjoint(_list_read_properties(rule, event.type))
        or any(scope.covers_attribute(catalogue.attributes_by_key[key]) for scope in scopes)
    )
    return RemainingFact(
        replace(fact, values=values, event=replace(event, properties=Redacted(properties))), uncounted
    )


def _list_read_properties(rule: Computation, event_type: EventType) -> list[str]:
    """Return the properties of an event that a computed attribute reads."""
    recognised_by = () if rule.key or not rule.is_distinct else event_type.distinct_by
    return [rule.property, rule.key, *(name for names in recognised_by for name in names)]


def _is_under(ancestor: str, key: str) -> bool:
    return key == ancestor or key.startswith(f"{ancestor}.")


def _list_ancestors(key: str) -> list[str]:
    steps = key.split(".")
    return [".".join(steps[: index + 1]) for index in range(len(steps))]
