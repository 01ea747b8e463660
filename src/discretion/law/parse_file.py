"""Validate the data of jurisdiction files into rules, each with its place in the file.

A rule of the wrong shape is reported and left out, so that all others are still checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError

from discretion.catalogue.parsed_file import describe_shape_error
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.yaml_file import Place, YamlFile
from discretion.law.entry import JurisdictionFile, RuleEntry

RULE_SECTIONS = ("consent", "sensitive", "ages", "signals", "renewal", "rights", "deadlines", "keeping")
"""Sections that are lists of rules."""


@dataclass(frozen=True, slots=True)
class PlacedRule:
    """A rule and its place in the file."""

    place: Place
    rule: Any  # the entry of its section


@dataclass(frozen=True, slots=True)
class ParsedJurisdictionFile:
    """The file of one jurisdiction; ``head`` has everything except the rules."""

    file: YamlFile
    head: JurisdictionFile
    rules: dict[str, tuple[PlacedRule, ...]]

    @property
    def key(self) -> str:
        """The key of the jurisdiction: the file's name without suffix."""
        return self.file.path.stem

    def iterate_rules(self) -> Iterator[tuple[str, PlacedRule]]:
        """Yield every rule with the name of its section."""
        for section, placed_rules in self.rules.items():
            for placed_rule in placed_rules:
                yield section, placed_rule

    def build_problem(
        self, placed_rule: PlacedRule, fault: str, advice: str, *inner_steps: str | int
    ) -> ConfigurationProblem:
        """Build a problem at a rule, or at a place inside it."""
        return self.file.build_problem((*placed_rule.place, *inner_steps), fault, advice)


def parse_jurisdiction_file(
    file: YamlFile,
) -> tuple[ParsedJurisdictionFile | None, list[ConfigurationProblem]]:
    """Return a file's head and rules, or None for an unusable head; and problems of shape."""
    data = dict(file.data)
    problems: list[ConfigurationProblem] = []
    rules: dict[str, tuple[PlacedRule, ...]] = {}
    for section in RULE_SECTIONS:
        if isinstance(data.get(section), list):
            rules[section] = tuple(_parse_rules(file, section, data[section], problems))
            data[section] = []
    try:
        head = JurisdictionFile.model_validate(data)
    except ValidationError as error:
        return None, problems + _build_problems(file, (), error)
    return ParsedJurisdictionFile(file, head, rules), problems


def _parse_rules(
    file: YamlFile, section: str, items: list[Any], problems: list[ConfigurationProblem]
) -> Iterator[PlacedRule]:
    entry_model: type[RuleEntry] = get_args(JurisdictionFile.model_fields[section].annotation)[0]
    for index, item in enumerate(items):
        place = (section, index)
        try:
            yield PlacedRule(place, entry_model.model_validate(item))
        except ValidationError as error:
            problems += _build_problems(file, place, error)


def _build_problems(
    file: YamlFile, parent_place: Place, error: ValidationError
) -> list[ConfigurationProblem]:
    return [
        describe_shape_error(
            file,
            JurisdictionFile,
            (*parent_place, *(step for step in details["loc"] if step != "[key]")),
            details,
        )
        for details in error.errors(include_url=False)
    ]
