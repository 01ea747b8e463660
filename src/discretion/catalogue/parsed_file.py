"""Validate the data of YAML files against the models of ``entry``.

An entry of the wrong shape is reported and left out, so that all others are still checked.
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
from discretion.catalogue.nearest_name import suggest_name
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.yaml_file import Place, YamlFile, format_place

_QUOTED = re.compile(r"'([^']*)'")
_MAX_VALUE_LENGTH = 40
"""Most characters of a wrong value that a message repeats."""

_WHOLE_SECTIONS = frozenset({"exchange_rates", "money"})
"""Sections that are one entry and not a mapping of entries."""

_EXPECTED_BY_ERROR = {
    "bool_parsing": "true or false",
    "date_from_datetime_parsing": "a date, such as 2026-01-31",
    "dict_type": "a mapping",
    "int_parsing": "a whole number",
    "list_type": "a list, such as [a, b]",
    "model_type": "a mapping",
    "string_too_short": "some text",
    "string_type": "text",
}

_LIMIT_TEXTS = {"ge": "a number of at least {}", "le": "a number of at most {}"}

EntryWithDefaults = TypeVar("EntryWithDefaults", AttributeEntry, EventEntry)


@dataclass(frozen=True, slots=True)
class ParsedCatalogueFile:
    """A file and its validated entries."""

    file: YamlFile
    entries: CatalogueFile

    def complete_entry(self, entry: EntryWithDefaults) -> EntryWithDefaults:
        """Return an entry with the file's defaults for all values that it does not declare."""
        unset_names = [name for name in Defaults.model_fields if getattr(entry, name, ...) is None]
        return entry.model_copy(update={name: getattr(self.entries.defaults, name) for name in unset_names})


@dataclass(frozen=True, slots=True)
class ParsedCatalogue:
    """All files of a catalogue together."""

    parts: Sequence[ParsedCatalogueFile]

    def declared_names(self, section: str) -> set[str]:
        """Return all names that a section declares.

        Names of entries that were left out are included, so that references to them are not reported as well.
        """
        sections = [parsed_file.file.data.get(section) for parsed_file in self.parts]
        return {name for entries in sections if isinstance(entries, dict) for name in entries}

    def iterate_entries(self, section: str) -> Iterator[tuple[ParsedCatalogueFile, Any, Any]]:
        """Yield the valid entries of a section: file, name (a number in ``numbers``), entry."""
        for parsed_file in self.parts:
            for name, entry in getattr(parsed_file.entries, section).items():
                yield parsed_file, name, entry

    def find_sensitive_kinds(self, category: str) -> tuple[str, ...]:
        """Return the sensitive kinds that a data category belongs to, sorted."""
        return tuple(
            sorted(
                kind
                for _, kind, categories in self.iterate_entries("sensitive")
                if any(
                    category == sensitive_category or category.startswith(sensitive_category + ".")
                    for sensitive_category in categories
                )
            )
        )

    def iterate_completed(self, section: str) -> Iterator[tuple[ParsedCatalogueFile, str, Any]]:
        """Yield attributes or events with their files' defaults: file, name, entry."""
        for parsed_file, name, entry in self.iterate_entries(section):
            yield parsed_file, name, parsed_file.complete_entry(entry)


def parse_catalogue_file(file: YamlFile) -> tuple[ParsedCatalogueFile, list[ConfigurationProblem]]:
    """Return a file's valid entries, and problems for what has the wrong shape."""
    problems: list[ConfigurationProblem] = []
    data = {
        name: dict(section) if isinstance(section, dict) else section for name, section in file.data.items()
    }
    # Each round drops at least one entry, so the loop ends.
    while True:
        try:
            return ParsedCatalogueFile(file, CatalogueFile.model_validate(data)), problems
        except ValidationError as error:
            for details in error.errors(include_url=False):
                # pydantic adds the step ``[key]`` where a key of a mapping, and not its value, is invalid.
                place = tuple(step for step in details["loc"] if step != "[key]")
                problems.append(describe_shape_error(file, CatalogueFile, place, details))
                _drop_entry(data, place)


def _drop_entry(data: dict[str, Any], place: Place) -> None:
    """Remove the entry that contains a place, or else its section."""
    section = data.get(str(place[0]))
    if len(place) > 1 and isinstance(section, dict) and place[0] not in _WHOLE_SECTIONS:
        section.pop(place[1], None)
    else:
        data.pop(str(place[0]), None)


def describe_shape_error(
    file: YamlFile, root_model: type[BaseModel], place: Place, error: ErrorDetails
) -> ConfigurationProblem:
    """Turn one pydantic error into a problem with fault and advice.

    Args:
        file: The file that was validated.
        root_model: The model of the whole file.
        place: The keys and positions that lead to the error.
        error: The error as pydantic reports it.
    """
    *parent_place, last_step = place
    parent_text, error_type = format_place(parent_place), error["type"]
    if error_type == "missing":
        description = _find_allowed_fields(root_model, parent_place)[str(last_step)].description
        return file.build_problem(place, f"{parent_text} has no {last_step!r}", f"Add it: {description}.")
    if error_type == "extra_forbidden":
        fault = f"{parent_text} has an unknown key {str(last_step)!r}"
        return file.build_problem(
            place, fault, suggest_name(str(last_step), _find_allowed_fields(root_model, parent_place))
        )
    input_value = error["input"]
    if error_type == "enum":
        choices = _QUOTED.findall(error["ctx"]["expected"])
        return file.build_problem(
            place, f"{format_place(place)} is {input_value!r}", suggest_name(str(input_value), choices)
        )
    error_context = error.get("ctx", {})
    expected_text = next(
        (
            limit_text.format(error_context[key])
            for key, limit_text in _LIMIT_TEXTS.items()
            if key in error_context
        ),
        None,
    )
    value_text = repr(input_value) if len(repr(input_value)) <= _MAX_VALUE_LENGTH else "something else"
    return file.build_problem(
        place,
        f"{format_place(place)} is {value_text}",
        f"It takes {expected_text or _EXPECTED_BY_ERROR.get(error_type, error['msg'])}.",
    )


def _find_allowed_fields(root_model: type[BaseModel], place: Sequence[str | int]) -> Mapping[str, FieldInfo]:
    """Return the fields that a mapping at a place may have, by the key they are written as."""
    annotation: Any = root_model
    for step in place:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = _list_fields_by_key(annotation)[str(step)].annotation
            annotation = get_args(annotation)[0] if isinstance(annotation, UnionType) else annotation
        else:
            annotation = get_args(annotation)[-1]
    return _list_fields_by_key(annotation)


def _list_fields_by_key(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    return {field_info.alias or name: field_info for name, field_info in model.model_fields.items()}
