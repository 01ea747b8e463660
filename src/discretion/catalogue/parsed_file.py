"""Values as read -> entries of the right shape.

What is misshapen is reported and left out, so that everything else is still checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from discretion.catalogue.entry import AttributeEntry, CatalogueFile, Defaults, EventEntry
from discretion.catalogue.nearest_name import nearest
from discretion.catalogue.problem import Problem
from discretion.catalogue.yaml_file import File, Place, shown

_QUOTED = re.compile(r"'([^']*)'")
_SHOWN = 40
"""Characters of a wrong value in a message."""

_WANTED = {
    "bool_parsing": "true or false",
    "date_from_datetime_parsing": "a date, such as 2026-01-31",
    "dict_type": "a mapping",
    "int_parsing": "a whole number",
    "list_type": "a list, such as [a, b]",
    "model_type": "a mapping",
    "string_too_short": "some text",
    "string_type": "text",
}

_LIMITS = {"ge": "a number of at least {}", "le": "a number of at most {}"}

Usable = TypeVar("Usable", AttributeEntry, EventEntry)


@dataclass(frozen=True, slots=True)
class Shaped:
    """A file, and its entries as they are written."""

    file: File
    entries: CatalogueFile

    def complete(self, entry: Usable) -> Usable:
        """An entry, with the file's defaults where it is silent."""
        silent = [name for name in Defaults.model_fields if getattr(entry, name, ...) is None]
        return entry.model_copy(update={name: getattr(self.entries.defaults, name) for name in silent})


@dataclass(frozen=True, slots=True)
class Whole:
    """All files together."""

    parts: Sequence[Shaped]

    def names(self, section: str) -> set[str]:
        """Every name that a section declares, misshapen entries too: they dangle nowhere."""
        held = [part.file.data.get(section) for part in self.parts]
        return {name for one in held if isinstance(one, dict) for name in one}

    def each(self, section: str) -> Iterator[tuple[Shaped, str, Any]]:
        """The well-shaped entries of a section."""
        for part in self.parts:
            for name, entry in getattr(part.entries, section).items():
                yield part, name, entry

    def kinds(self, category: str) -> tuple[str, ...]:
        """The sensitive kinds that data of a category are, sorted."""
        return tuple(
            sorted(
                kind
                for _, kind, tops in self.each("sensitive")
                if any(category == top or category.startswith(top + ".") for top in tops)
            )
        )

    def completed(self, section: str) -> Iterator[tuple[Shaped, str, Any]]:
        """Attributes or events, with their files' defaults."""
        for part, name, entry in self.each(section):
            yield part, name, part.complete(entry)


def shape(file: File) -> tuple[Shaped, list[Problem]]:
    """A file's entries, and what is misshapen in it."""
    problems: list[Problem] = []
    data = {name: dict(held) if isinstance(held, dict) else held for name, held in file.data.items()}
    while True:
        try:
            return Shaped(file, CatalogueFile.model_validate(data)), problems
        except ValidationError as error:
            for one in error.errors(include_url=False):
                place = tuple(step for step in one["loc"] if step != "[key]")
                problems.append(told(file, CatalogueFile, place, one))
                _leave_out(data, place)


def _leave_out(data: dict[str, Any], place: Place) -> None:
    """Drop the entry that a place is in, or else its section."""
    section = data.get(str(place[0]))
    if len(place) > 1 and isinstance(section, dict):
        section.pop(place[1], None)
    else:
        data.pop(str(place[0]), None)


def told(file: File, root: type[BaseModel], place: Place, error: ErrorDetails) -> Problem:
    """What pydantic found at a place of a file that should be a ``root``, in our words."""
    *above, last = place
    where, kind = shown(above), error["type"]
    if kind == "missing":
        description = _known(root, above)[str(last)].description
        return file.problem(place, f"{where} has no {last!r}", f"Add it: {description}.")
    if kind == "extra_forbidden":
        wrong = f"{where} has an unknown key {str(last)!r}"
        return file.problem(place, wrong, nearest(str(last), _known(root, above)))
    given = error["input"]
    if kind == "enum":
        choices = _QUOTED.findall(error["ctx"]["expected"])
        return file.problem(place, f"{shown(place)} is {given!r}", nearest(str(given), choices))
    limit = error.get("ctx", {})
    wanted = next((words.format(limit[key]) for key, words in _LIMITS.items() if key in limit), None)
    value = repr(given) if len(repr(given)) <= _SHOWN else "something else"
    return file.problem(
        place, f"{shown(place)} is {value}", f"It takes {wanted or _WANTED.get(kind, error['msg'])}."
    )


def _known(root: type[BaseModel], place: Sequence[str | int]) -> Mapping[str, FieldInfo]:
    """The keys that a mapping at a place may have, as they are written."""
    kind: Any = root
    for step in place:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = _written(kind)[str(step)].annotation
            kind = get_args(kind)[0] if isinstance(kind, UnionType) else kind
        else:
            kind = get_args(kind)[-1]
    return _written(kind)


def _written(kind: type[BaseModel]) -> Mapping[str, FieldInfo]:
    return {one.alias or name: one for name, one in kind.model_fields.items()}
