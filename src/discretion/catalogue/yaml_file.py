"""YAML files as plain values with line numbers.

The reader is stricter than YAML: every scalar is text until a model gives it a type (so ``NO`` is a country
and ``08`` a code), a key may occur once, and anchors and tags are refused, so that a reviewer sees each value
at the place where it applies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from discretion.catalogue.problem import ConfigurationProblem

Place = tuple[str | int, ...]
"""Keys and positions that lead to a value."""

# The C loader is faster; PyYAML is also built without it. Both base loaders leave every scalar as text.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_PLAIN_TAGS = {
    yaml.ScalarNode: "tag:yaml.org,2002:str",
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
    yaml.MappingNode: "tag:yaml.org,2002:map",
}


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The top-level mapping of one file; ``lines`` has the line of every key and list item."""

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[Place, int]

    def find_line(self, place: Place) -> int:
        """Return the line of a place, or of its closest parent that has one."""
        for end in range(len(place), 0, -1):
            if (line := self.lines.get(place[:end])) is not None:
                return line
        return 1

    def build_problem(self, place: Place, fault: str, advice: str) -> ConfigurationProblem:
        """Build a problem at a place of this file."""
        return ConfigurationProblem(self.path, self.find_line(place), fault, advice)


def read_yaml_folder(folder: Path) -> tuple[list[YamlFile], list[ConfigurationProblem]]:
    """Read every ``*.yaml`` of a folder; also return problems for what could not be read."""
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        return [], [ConfigurationProblem(folder, 1, "no *.yaml file here", "Name a folder that has some.")]
    files: list[YamlFile] = []
    problems: list[ConfigurationProblem] = []
    for path in paths:
        reader = _YamlReader(path)
        files.append(reader.read_file())
        problems += reader.problems
    return files, problems


class _YamlReader:
    """The reading of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[ConfigurationProblem] = []
        self._lines: dict[Place, int] = {}
        self._seen_nodes: set[int] = set()

    def read_file(self) -> YamlFile:
        """Return the file, with as much of its data as could be read."""
        try:
            node = yaml.compose(self.path.read_bytes(), Loader=_LOADER)
        except OSError as error:
            self._add_problem(
                1, f"the file cannot be read ({error.strerror})", "It must be there and readable."
            )
            return YamlFile(self.path, {}, {})
        except yaml.YAMLError as error:
            self._add_problem(*_describe_yaml_error(error))
            return YamlFile(self.path, {}, {})
        data = {} if node is None else self._read_value(node, ())
        if not isinstance(data, dict):
            self._add_problem(
                1, "the file is not a mapping", "It starts with a section, such as 'attributes:'."
            )
            data = {}
        return YamlFile(self.path, data, self._lines)

    def _add_problem(self, line: int, fault: str, advice: str) -> None:
        self.problems.append(ConfigurationProblem(self.path, line, fault, advice))

    def _read_value(self, node: yaml.Node, place: Place) -> Any:
        line = self._lines.setdefault(place, node.start_mark.line + 1) if place else node.start_mark.line + 1
        if node.tag != _PLAIN_TAGS[type(node)]:
            self._add_problem(line, f"{format_place(place)} has the tag {node.tag}", "Remove the tag.")
        if isinstance(node, yaml.MappingNode):
            return dict(self._read_members(node, place))
        if isinstance(node, yaml.SequenceNode):
            children = [child for child in node.value if self._is_first_occurrence(child, line, place)]
            return [self._read_value(child, (*place, index)) for index, child in enumerate(children)]
        return node.value

    def _read_members(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, Any]]:
        for key, child in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._add_problem(line, f"a key of {format_place(place)} is not text", "Write 'key: value'.")
                continue
            member_place = (*place, key.value)
            if member_place in self._lines:
                first_line = self._lines[member_place]
                self._add_problem(
                    line, f"{key.value!r} is declared twice", f"It is also on line {first_line}; keep one."
                )
                continue
            self._lines[member_place] = line
            if self._is_first_occurrence(child, line, member_place):
                yield key.value, self._read_value(child, member_place)

    def _is_first_occurrence(self, node: yaml.Node, line: int, place: Place) -> bool:
        """Return whether a node was not seen before; following aliases could take unbounded time."""
        if id(node) in self._seen_nodes:
            self._add_problem(
                line, f"{format_place(place)} is an alias", "Write the value out where it applies."
            )
            return False
        self._seen_nodes.add(id(node))
        return True


def format_place(place: Sequence[str | int]) -> str:
    """Format a place for a message."""
    return " > ".join(str(step) for step in place) or "the file"


def _describe_yaml_error(error: yaml.YAMLError) -> tuple[int, str, str]:
    """Return line, fault and advice for an error of the YAML parser."""
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    problem = getattr(error, "problem", None) or "it is not text in UTF-8"
    if "\\t" in problem or "tab" in problem:
        return line, f"this is not YAML: {problem}", "Indent with spaces."
    return line, f"this is not YAML: {problem}", "Check the indentation; quote text with ': ' or ' #'."
