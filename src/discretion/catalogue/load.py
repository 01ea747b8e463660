"""``schema/catalogue/*.yaml`` -> ``Catalogue``, or everything that is wrong with it at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from discretion.catalogue.check.cross import check
from discretion.catalogue.check.sources import traits_of
from discretion.catalogue.correction_authority import Correctable
from discretion.catalogue.entry import (
    AttributeEntry,
    ComputedEntry,
    EventEntry,
    IdentifierEntry,
    PurposeEntry,
    RecipientEntry,
    Uses,
)
from discretion.catalogue.model import (
    Attribute,
    Catalogue,
    Channel,
    Computed,
    EventType,
    Group,
    IdentifierType,
    Property,
    Purpose,
    Sensitivity,
    Source,
    Use,
)
from discretion.catalogue.parsed_file import Shaped, Whole, shape
from discretion.catalogue.problem import Problem
from discretion.catalogue.recipient import Recipient
from discretion.catalogue.yaml_file import read
from discretion.errors import Misconfigured

VERSION_LENGTH = 16
"""Hexadecimal digits of SHA-256 in a version: enough to tell catalogues apart."""


def load(folder: Path | None = None) -> Catalogue:
    """The catalogue in ``folder``, or the one that is shipped.

    Raises:
        Misconfigured: ``CATALOGUE_INVALID``; the message has one line for each problem, as
            ``file:line: what is wrong. What would be right``.
    """
    files, problems = read(shipped() if folder is None else folder)
    readable = not problems
    parts: list[Shaped] = []
    for file in files:
        part, misshapen = shape(file)
        parts.append(part)
        problems += misshapen
    if readable:  # what an unreadable file declares would seem to be missing
        problems += check(parts)
    if problems:
        raise _invalid(problems)
    return _catalogue(Whole(parts))


def shipped() -> Path:
    """The catalogue of this version: inside the installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_schema" / "catalogue"
    return installed if installed.is_dir() else package.parents[1] / "schema" / "catalogue"


def _invalid(problems: Sequence[Problem]) -> Misconfigured:
    lines = [str(problem) for problem in sorted(set(problems))]
    return Misconfigured("CATALOGUE_INVALID", "\n".join(["The catalogue does not hold:", *lines]))


def _catalogue(whole: Whole) -> Catalogue:
    purposes = {key: _purpose(key, entry) for _, key, entry in whole.each("purposes")}
    properties = {
        name: Property(name=name, **entry.model_dump()) for _, name, entry in whole.each("properties")
    }
    always = [part.entries.always for part in whole.parts]
    attributes = {
        path: _attribute(
            path, entry, _uses([entry.uses or {}, *always], purposes), whole.kinds(entry.category)
        )
        for _, path, entry in whole.completed("attributes")
    }
    groups = {key: Group(key, description) for _, key, description in whole.each("groups")}
    sections: dict[str, Mapping[str, Any]] = {
        "purposes": purposes,
        "groups": groups,
        "attributes": {
            path: one for group in groups for path, one in attributes.items() if one.group == group
        },
        "identifiers": {key: _identifier(key, entry) for _, key, entry in whole.each("identifiers")},
        "sources": {key: Source(key=key, **entry.model_dump()) for _, key, entry in whole.each("sources")},
        "events": {
            key: replace(
                _event(key, entry, _uses([entry.uses or {}, *always], purposes), properties),
                kinds=whole.kinds(entry.category),
            )
            for _, key, entry in whole.completed("events")
        },
        "objects": {path: description for _, path, description in whole.each("objects")},
        "recipients": {key: _recipient(key, entry) for _, key, entry in whole.each("recipients")},
        "sensitive": {kind: tuple(tops) for _, kind, tops in whole.each("sensitive")},
    }
    controller = next(part.entries.controller or "" for part in whole.parts if part.entries.controller)
    frozen = {name: MappingProxyType(section) for name, section in sections.items()}
    return Catalogue(version=_version(controller, sections), controller=controller, **frozen)


def _purpose(key: str, entry: PurposeEntry) -> Purpose:
    durations = {"lasts": entry.lasts or "", "retention": entry.retention or ""}
    return Purpose(key=key, **{**entry.model_dump(), **durations})


def _uses(all_uses: Sequence[Uses], purposes: Mapping[str, Purpose]) -> tuple[Use, ...]:
    """In the order of bits; what an entry says of a purpose goes before what is said of all."""
    forms = {key: form for uses in reversed(all_uses) for form, keys in uses.items() for key in keys}
    found = (Use(purposes[key], form) for key, form in forms.items())
    return tuple(sorted(found, key=lambda use: use.purpose.bit))


def _attribute(path: str, entry: AttributeEntry, uses: tuple[Use, ...], kinds: tuple[str, ...]) -> Attribute:
    computed = _computed(entry.computed) if entry.computed else None
    only = [computed.channel] if computed and computed.channel else entry.channels
    return Attribute(
        path=path,
        type=entry.type,
        category=entry.category,
        description=entry.description,
        uses=uses,
        retention=entry.retention or "",
        sealed=entry.sealed is not False,
        many=entry.many,
        sensitivity=entry.sensitivity or Sensitivity.MEDIUM,
        identifier=entry.identifier,
        channels=frozenset(only or Channel),
        controller=entry.controller or "",
        traits=traits_of(path, entry),
        context=tuple(entry.context),
        values=tuple(entry.values),
        ordered=entry.ordered,
        precedence=tuple(entry.precedence),
        computed=computed,
        kinds=kinds,
        correctable=Correctable.NEVER if computed else entry.correctable or Correctable.EVIDENCE,
    )


def _identifier(key: str, entry: IdentifierEntry) -> IdentifierType:
    lists = {"blocked": tuple(entry.blocked), "context": tuple(entry.context)}
    return IdentifierType(key=key, **{**entry.model_dump(), **lists})


def _recipient(key: str, entry: RecipientEntry) -> Recipient:
    lists = {"purposes": tuple(entry.purposes), "clients": tuple(entry.clients)}
    return Recipient(key=key, **{**entry.model_dump(), **lists})


def _computed(entry: ComputedEntry) -> Computed:
    return Computed(entry.fold, tuple(entry.events), entry.property or "", entry.channel)


def _event(
    key: str, entry: EventEntry, uses: tuple[Use, ...], properties: Mapping[str, Property]
) -> EventType:
    needed = [_required(properties[name]) for name in entry.required]
    return EventType(
        key=key,
        description=entry.description,
        category=entry.category,
        uses=uses,
        retention=entry.retention or "",
        channels=frozenset(entry.channels or Channel),
        properties=(*needed, *(properties[name] for name in entry.properties)),
        enrols=entry.enrols,
    )


def _required(one: Property) -> Property:
    return Property(one.name, one.type, one.description, one.category, required=True, many=one.many)


def _version(controller: str, sections: Mapping[str, Mapping[str, Any]]) -> str:
    meaning = {
        name: {key: one if isinstance(one, str | tuple) else asdict(one) for key, one in section.items()}
        for name, section in sections.items()
    }
    canonical = json.dumps([controller, meaning], sort_keys=True, separators=(",", ":"), default=sorted)
    return hashlib.sha256(canonical.encode()).hexdigest()[:VERSION_LENGTH]
