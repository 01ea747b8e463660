"""The rules of a process as one value: what its catalogue and its laws say, and how two sets of them differ.

All processes on one database must have the same rules. A rule set is stored when it is put in force, so that
a process with other rules knows that it differs, and the operator sees in what.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum

from discretion.catalogue.attribute_register import (
    RegisterConflict,
    RegisteredAttribute,
    find_register_conflicts,
)
from discretion.catalogue.model import Attribute, Catalogue, EventType, Purpose, Use
from discretion.law.jurisdiction import Lawbook
from discretion.purpose.permission_engine import VERSION_LENGTH, PermissionEngine

Facts = Mapping[str, str]
"""What is said of one entry, each by its name. ``other`` is a digest of what has no name of its own."""

Sections = Mapping[str, Mapping[str, Facts]]
"""Facts by the kind of entry (``attribute``, ``purpose``, ``law``, …) and its key."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of a process.

    Attributes:
        version: Digest of everything below.
        permissions: Version of the rules that permissions are computed with; customers store it.
        purposes: For each purpose, a digest of everything that determines its permission.
        sections: What the catalogue and the laws say.
    """

    version: str
    permissions: str
    purposes: Mapping[str, str]
    sections: Sections

    @property
    def register(self) -> dict[int, RegisteredAttribute]:
        """The attributes by their numbers."""
        attributes = (
            RegisteredAttribute(int(facts["number"]), path, facts["type"], facts["sealed"] == "yes")
            for path, facts in self.sections["attribute"].items()
        )
        return {attribute.number: attribute for attribute in attributes}


@dataclass(frozen=True, slots=True)
class RuleChange:
    """An entry that two rule sets say different things of; None where one of them does not have it."""

    section: str
    key: str
    before: Facts | None
    after: Facts | None

    def list_differing_facts(self) -> list[tuple[str, str, str]]:
        """Return name, earlier and later value of each fact that changed; none if an entry came or went."""
        if self.before is None or self.after is None:
            return []
        names = sorted(self.before.keys() | self.after.keys())
        pairs = [(name, self.before.get(name, ""), self.after.get(name, "")) for name in names]
        return [(name, before, after) for name, before, after in pairs if before != after]


def describe_rules(catalogue: Catalogue, lawbook: Lawbook, engine: PermissionEngine) -> RuleSet:
    """Return the rules of a catalogue and the laws."""
    sections: Sections = {
        "attribute": {path: _describe_attribute(entry) for path, entry in catalogue.attributes.items()},
        "purpose": {key: _describe_purpose(entry) for key, entry in catalogue.purposes.items()},
        "event": {key: _describe_event(entry) for key, entry in catalogue.events.items()},
        "source": _describe_by_digest(catalogue.sources),
        "identifier": _describe_by_digest(catalogue.identifiers),
        "recipient": _describe_by_digest(catalogue.recipients),
        # Whatever else the digest of the catalogue covers.
        "catalogue": {"all": {"controller": catalogue.controller, "other": catalogue.version}},
        "law": _describe_by_digest(lawbook.jurisdictions),
    }
    version = _compute_digest([engine.version, sections])
    return RuleSet(version, engine.version, dict(engine.purposes), sections)


def compare_rule_sets(before: RuleSet, after: RuleSet) -> list[RuleChange]:
    """Return the entries that differ, by section and key."""
    changes = []
    for section in before.sections.keys() | after.sections.keys():
        old, new = before.sections.get(section, {}), after.sections.get(section, {})
        changes += [
            RuleChange(section, key, old.get(key), new.get(key))
            for key in old.keys() | new.keys()
            if old.get(key) != new.get(key)
        ]
    return sorted(changes, key=lambda change: (change.section, change.key))


def find_rule_conflicts(before: RuleSet, after: RuleSet) -> list[RegisterConflict]:
    """Return every number that would get another path, type or seal than its stored values have.

    A path may get another number: that is how an attribute gets another type. The values under its former
    number stay as they are, and are read no more.
    """
    declared = after.register
    retired = {
        number: replace(attribute, retired=True)
        for number, attribute in before.register.items()
        if number not in declared
    }
    return find_register_conflicts(before.register, {**retired, **declared})


def render_sections(sections: Sections) -> str:
    """Return sections as text, to be stored."""
    return json.dumps(sections, sort_keys=True, separators=(",", ":"))


def parse_sections(text: str) -> Sections:
    """Return the sections that ``render_sections`` wrote."""
    sections: Sections = json.loads(text)
    return sections


def _describe_attribute(attribute: Attribute) -> Facts:
    registered = attribute.registered
    return {
        "number": str(attribute.number),
        "type": registered.type,
        "sealed": "yes" if attribute.sealed else "no",
        "category": attribute.category,
        "retention": attribute.retention,
        "uses": _describe_uses(attribute.uses),
        "other": _compute_digest(replace(attribute, uses=(), retention="", category="")),
    }


def _describe_purpose(purpose: Purpose) -> Facts:
    return {
        "bit": str(purpose.bit),
        "basis": purpose.basis.value,
        "family": purpose.family.value,
        "lasts": purpose.lasts,
        "retention": purpose.retention,
        "other": _compute_digest([purpose.label, purpose.description, purpose.meaning]),
    }


def _describe_event(event: EventType) -> Facts:
    return {
        "category": event.category,
        "retention": event.retention,
        "uses": _describe_uses(event.uses),
        "other": _compute_digest(replace(event, uses=(), retention="", category="")),
    }


def _describe_uses(uses: Iterable[Use]) -> str:
    return ", ".join(sorted(f"{use.purpose.key} ({use.form.value})" for use in uses))


def _describe_by_digest(entries: Mapping[str, object]) -> dict[str, Facts]:
    return {key: {"other": _compute_digest(entry)} for key, entry in entries.items()}


def _compute_digest(value: object) -> str:
    return hashlib.sha256(json.dumps(_canonicalise(value)).encode()).hexdigest()[:VERSION_LENGTH]


def _canonicalise(value: object) -> object:
    """Return a value that is the same text in every process; the order of sets and mappings has no effect."""
    if is_dataclass(value) and not isinstance(value, type):
        return [[item.name, _canonicalise(getattr(value, item.name))] for item in fields(value)]
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Mapping):
        pairs = [[_canonicalise(key), _canonicalise(item)] for key, item in value.items()]
        return sorted(pairs, key=json.dumps)
    if isinstance(value, set | frozenset):
        return sorted((_canonicalise(item) for item in value), key=json.dumps)
    if isinstance(value, list | tuple):
        return [_canonicalise(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
