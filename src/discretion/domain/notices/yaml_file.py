"""One YAML file -> a value of the right shape, or what is misshapen in it."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from discretion.catalogue.parsed_file import told
from discretion.catalogue.problem import Problem
from discretion.catalogue.yaml_file import File

Shape = TypeVar("Shape", bound=BaseModel)


def shape(file: File, kind: type[Shape]) -> tuple[Shape | None, list[Problem]]:
    """A file's content; None where something is misshapen."""
    try:
        return kind.model_validate(file.data), []
    except ValidationError as error:
        return None, [
            told(file, kind, tuple(step for step in one["loc"] if step != "[key]"), one)
            for one in error.errors(include_url=False)
        ]
