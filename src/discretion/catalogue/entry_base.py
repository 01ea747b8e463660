"""The base of everything that is written in a configuration file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from discretion.catalogue.assurance import ASSURANCE_BY_LABEL, Assurance

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Entry(BaseModel):
    """Base of everything that is written in a configuration file; unknown keys are refused."""

    # A misspelt key would otherwise be ignored, and with it the rule that it states.
    model_config = ConfigDict(extra="forbid", frozen=True)


def _parse_assurance(label: object) -> Assurance:
    if isinstance(label, str) and label in ASSURANCE_BY_LABEL:
        return ASSURANCE_BY_LABEL[label]
    # The error of an enumeration, so that it is reported like any other.
    expected = {"expected": ", ".join(map(repr, ASSURANCE_BY_LABEL))}
    raise PydanticCustomError("enum", "Input should be {expected}", expected)


AssuranceLabel = Annotated[
    Assurance,
    PlainValidator(_parse_assurance),
    WithJsonSchema({"enum": list(ASSURANCE_BY_LABEL), "type": "string"}),
]
"""An assurance by its label."""
