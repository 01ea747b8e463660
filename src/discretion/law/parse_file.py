"""Files as read -> rules of the right shape, each with its place in the file.

What is misshapen is reported and left out, so that everything else is still checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError

from discretion.catalogue.parsed_file import told
from discretion.catalogue.problem import Problem
from discretion.catalogue.yaml_file import File, Place
from discretion.law.entry import JurisdictionFile, RuleEntry

SECTIONS = ("consent", "sensitive", "ages", "signals", "renewal", "rights", "deadlines", "keeping")
"""Sections that are lists of rules."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule, and where it stands."""

    place: Place
    rule: Any  # the entry of its section


@dataclass(frozen=True, slots=True)
class Shaped:
    """One jurisdiction's file. ``head`` has everything but the rules."""

    file: File
    head: JurisdictionFile
    rules: dict[str, tuple[Placed, ...]]

    @property
    def key(self) -> str:
        """What the jurisdiction is called by: the file's name."""
        return self.file.path.stem

    def each(self) -> Iterator[tuple[str, Placed]]:
        """Every rule, with the section it stands in."""
        for section, placed in self.rules.items():
            for one in placed:
                yield section, one

    def problem(self, one: Placed, wrong: str, right: str, *inner: str | int) -> Problem:
        """Something wrong with a rule, or at a place inside it."""
        return self.file.problem((*one.place, *inner), wrong, right)


def shape(file: File) -> tuple[Shaped | None, list[Problem]]:
    """A file's head and rules, and what is misshapen; nothing if the head cannot be used."""
    data = dict(file.data)
    problems: list[Problem] = []
    rules: dict[str, tuple[Placed, ...]] = {}
    for section in SECTIONS:
        if isinstance(data.get(section), list):
            rules[section] = tuple(_rules(file, section, data[section], problems))
            data[section] = []
    try:
        head = JurisdictionFile.model_validate(data)
    except ValidationError as error:
        return None, problems + _problems(file, (), error)
    return Shaped(file, head, rules), problems


def _rules(file: File, section: str, items: list[Any], problems: list[Problem]) -> Iterator[Placed]:
    kind: type[RuleEntry] = get_args(JurisdictionFile.model_fields[section].annotation)[0]
    for index, item in enumerate(items):
        place = (section, index)
        try:
            yield Placed(place, kind.model_validate(item))
        except ValidationError as error:
            problems += _problems(file, place, error)


def _problems(file: File, above: Place, error: ValidationError) -> list[Problem]:
    return [
        told(
            file,
            JurisdictionFile,
            (*above, *(step for step in one["loc"] if step != "[key]")),
            one,
        )
        for one in error.errors(include_url=False)
    ]
