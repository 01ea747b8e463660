"""``schema/jurisdictions/*.yaml`` -> ``Lawbook``, or everything that is wrong with it at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from discretion.catalogue.load import VERSION_LENGTH
from discretion.catalogue.model import Catalogue
from discretion.catalogue.problem import Problem
from discretion.catalogue.yaml_file import read
from discretion.errors import Misconfigured
from discretion.law.build_jurisdiction import jurisdiction
from discretion.law.check import check, strictest
from discretion.law.jurisdiction import Lawbook
from discretion.law.model import Edition, Law, Rules, Timeline
from discretion.law.parse_file import Shaped, shape
from discretion.law.place_index import Atlas, Territory, atlas

SENSITIVE = (
    *("belief", "biometric", "children", "communications", "criminal", "ethnicity", "financial_account"),
    *("genetic", "government_id", "health", "immigration", "precise_location", "sexuality"),
)
"""Kinds of data that the shipped jurisdictions protect; a test compares with the shipped catalogue."""


def load(folder: Path | None, catalogue: Catalogue, editions: tuple[Edition, ...] = ()) -> Lawbook:
    """The jurisdictions in ``folder``, or those that are shipped.

    What is shipped also protects kinds of data that a catalogue of the user's may not know of.

    Raises:
        Misconfigured: ``JURISDICTIONS_INVALID``; the message has one line for each problem, as
            ``file:line: what is wrong. What would be right``.
    """
    kinds = {*catalogue.sensitive, *(SENSITIVE if folder is None else ())}
    files, problems = read(shipped() if folder is None else folder)
    readable = not problems
    unread = {problem.path for problem in problems}
    parts: list[Shaped] = []
    for file in files:
        if file.path in unread and not file.data:  # it would seem to lack everything
            continue
        part, misshapen = shape(file)
        parts += [part] if part else []
        problems += misshapen
    if readable:
        problems += check(parts, kinds, whole=not problems)
    if problems:
        raise _invalid(problems)
    found = {part.key: jurisdiction(part) for part in parts}
    if laxer := list(strictest(parts, found)):
        raise _invalid(laxer)
    timelines = MappingProxyType({key: one.timeline for key, one in found.items()})
    where = atlas(map(_territory, parts))
    law = Law(_version(timelines, editions), timelines, editions, _places(where))
    return Lawbook(MappingProxyType(found), law, where)


def shipped() -> Path:
    """The jurisdictions of this version: inside the installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_schema" / "jurisdictions"
    return installed if installed.is_dir() else package.parents[1] / "schema" / "jurisdictions"


def _territory(part: Shaped) -> Territory:
    called = {code: tuple(names) for code, names in part.head.called.items()}
    return Territory(part.key, tuple(part.head.places), tuple(part.head.without), called)


def _invalid(problems: Sequence[Problem]) -> Misconfigured:
    lines = [str(problem) for problem in sorted(set(problems))]
    return Misconfigured("JURISDICTIONS_INVALID", "\n".join(["The jurisdictions do not hold:", *lines]))


def _version(timelines: Mapping[str, Timeline], editions: Sequence[Edition]) -> str:
    """A digest of what people are judged by: another label or source changes nothing for them."""
    meaning: list[Any] = [
        {
            key: [one.zone, [[period.start, _meaning(period.rules)] for period in one.periods]]
            for key, one in timelines.items()
        },
        [[one.start, sorted(one.purposes)] for one in editions],
    ]
    return _digest(meaning)


def _places(where: Atlas) -> str:
    regions = sorted([*place, code] for place, code in where.regions.items())
    return _digest([dict(where.keys), dict(where.countries), regions])


def _digest(meaning: Any) -> str:
    canonical = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:VERSION_LENGTH]


def _meaning(rules: Rules) -> list[Any]:
    ages = sorted([one.below, one.needs, sorted(one.families)] for one in rules.ages)
    return [dict(rules.models), dict(rules.sensitive), ages, rules.signals, rules.renewal]
