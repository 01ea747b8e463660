"""Validates a YAML file against one pydantic model."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from discretion.catalogue.parsed_file import describe_shape_error
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.yaml_file import YamlFile

ParsedModel = TypeVar("ParsedModel", bound=BaseModel)


def parse_yaml_file(
    file: YamlFile, model: type[ParsedModel]
) -> tuple[ParsedModel | None, list[ConfigurationProblem]]:
    """Return the validated content and no problems, or None and the problems."""
    try:
        return model.model_validate(file.data), []
    except ValidationError as error:
        return None, [
            describe_shape_error(
                file, model, tuple(step for step in details["loc"] if step != "[key]"), details
            )
            for details in error.errors(include_url=False)
        ]
