"""YAML files as plain values that remember their lines.

Stricter than YAML: every scalar is text until the catalogue gives it a type (so ``NO`` is a
country and ``08`` a code), a key stands once, and anchors and tags are refused, because a
reviewer should see what applies where it is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from discretion.catalogue.problem import Problem

Place = tuple[str | int, ...]
"""Keys and positions that lead to a value."""

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_PLAIN = {
    yaml.ScalarNode: "tag:yaml.org,2002:str",
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
    yaml.MappingNode: "tag:yaml.org,2002:map",
}


@dataclass(frozen=True, slots=True)
class File:
    """One file's top-level mapping; ``lines`` has the line of every key and item."""

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int:
        """Where a place stands, or the closest place above it that does."""
        for end in range(len(place), 0, -1):
            if (found := self.lines.get(place[:end])) is not None:
                return found
        return 1

    def problem(self, place: Place, wrong: str, right: str) -> Problem:
        """Something wrong at a place of this file."""
        return Problem(self.path, self.line(place), wrong, right)


def read(folder: Path) -> tuple[list[File], list[Problem]]:
    """Every ``*.yaml`` of a folder, and what could not be read of them."""
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        return [], [Problem(folder, 1, "no *.yaml file here", "Name a folder that has some.")]
    files: list[File] = []
    problems: list[Problem] = []
    for path in paths:
        reading = _Reading(path)
        files.append(reading.file())
        problems += reading.problems
    return files, problems


class _Reading:
    """One file being read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self._lines: dict[Place, int] = {}
        self._seen: set[int] = set()

    def file(self) -> File:
        """The file, as far as it could be read."""
        try:
            node = yaml.compose(self.path.read_bytes(), Loader=_LOADER)
        except OSError as error:
            self._refuse(1, f"the file cannot be read ({error.strerror})", "It must be there and readable.")
            return File(self.path, {}, {})
        except yaml.YAMLError as error:
            self._refuse(*_told(error))
            return File(self.path, {}, {})
        data = {} if node is None else self._value(node, ())
        if not isinstance(data, dict):
            self._refuse(1, "the file is not a mapping", "It starts with a section, such as 'attributes:'.")
            data = {}
        return File(self.path, data, self._lines)

    def _refuse(self, line: int, wrong: str, right: str) -> None:
        self.problems.append(Problem(self.path, line, wrong, right))

    def _value(self, node: yaml.Node, place: Place) -> Any:
        line = self._lines.setdefault(place, node.start_mark.line + 1) if place else node.start_mark.line + 1
        if node.tag != _PLAIN[type(node)]:
            self._refuse(line, f"{shown(place)} has the tag {node.tag}", "Leave the tag out.")
        if isinstance(node, yaml.MappingNode):
            return dict(self._members(node, place))
        if isinstance(node, yaml.SequenceNode):
            own = [child for child in node.value if self._first_time(child, line, place)]
            return [self._value(child, (*place, index)) for index, child in enumerate(own)]
        return node.value

    def _members(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, Any]]:
        for key, child in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(line, f"a key of {shown(place)} is not text", "Write 'key: value'.")
                continue
            inner = (*place, key.value)
            if inner in self._lines:
                first = self._lines[inner]
                self._refuse(line, f"{key.value!r} stands twice", f"It is on line {first} too; keep one.")
                continue
            self._lines[inner] = line
            if self._first_time(child, line, inner):
                yield key.value, self._value(child, inner)

    def _first_time(self, node: yaml.Node, line: int, place: Place) -> bool:
        """Whether a value stands here and not elsewhere; following aliases could take forever."""
        if id(node) in self._seen:
            self._refuse(line, f"{shown(place)} is an alias", "Write the value out where it applies.")
            return False
        self._seen.add(id(node))
        return True


def shown(place: Sequence[str | int]) -> str:
    """A place as messages name it."""
    return " > ".join(str(step) for step in place) or "the file"


def _told(error: yaml.YAMLError) -> tuple[int, str, str]:
    """Line, what is wrong and advice, from what the parser says."""
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    problem = getattr(error, "problem", None) or "it is not text in UTF-8"
    if "\\t" in problem or "tab" in problem:
        return line, f"this is not YAML: {problem}", "Indent with spaces."
    return line, f"this is not YAML: {problem}", "Check the indentation; quote text with ': ' or ' #'."
