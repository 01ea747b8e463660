"""The format of the section ``imports``: how the rows of a retailer's files become messages of a source."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.entry_base import AssuranceLabel, Entry, Text

UNIX_FORMATS = ("unix", "unix_ms")
"""Formats of times that are numbers: seconds or milliseconds since 1970."""

_OTHER_TIME = "when it happened, if not the row's `time`"


def _permit_text(schema: dict[str, Any]) -> None:
    """Change the JSON Schema of a cell: text alone is the name of a column."""
    described = {**schema}
    schema.clear()
    schema |= {"anyOf": [{"type": "string", "minLength": 1}, described]}


class CellEntry(Entry):
    """Where a value comes from: a column, or one value for all rows. Text alone is the name of a column."""

    model_config = ConfigDict(json_schema_extra=_permit_text)

    column: Text | None = Field(
        default=None, description="the column; of nested data a dotted place, such as address.city"
    )
    value: Text | None = Field(default=None, description="one value for all rows, in place of a column")
    format: Text | None = Field(
        default=None,
        description="how a date or time is written, such as %d.%m.%Y, unix or unix_ms; else ISO 8601",
    )
    separator: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None, description="what stands between the values of a list, such as ;"
    )
    codes: dict[Text, Text] = Field(
        default={}, description="the file's texts and what each means, such as J: true; others are left out"
    )

    @model_validator(mode="before")
    @classmethod
    def read_text_as_column(cls, data: object) -> object:
        """Read text alone as the name of a column."""
        return {"column": data} if isinstance(data, str) else data


class ConditionEntry(Entry):
    """Which rows count: those whose column has a value, or one of some values."""

    column: Text = Field(description="the column")
    values: list[Text] = Field(default=[], description="the values that count; else any value")


class ImportedIdentifierEntry(CellEntry):
    """An id of the row's person beside those of the source."""

    model_config = ConfigDict(json_schema_extra=_permit_text)

    assurance: AssuranceLabel = Field(
        default=Assurance.CLAIMED,
        description="how certain it is theirs: proven, presented or claimed (default)",
    )


class ImportedEventEntry(Entry):
    """An event that a row describes."""

    only_if: ConditionEntry | None = Field(default=None, description="which rows describe it; else all")
    time: CellEntry | None = Field(default=None, description=_OTHER_TIME)
    properties: dict[Text, CellEntry] = Field(default={}, description="property: the column it comes from")


class NoticeColumnsEntry(Entry):
    """The edition of the privacy notice that the person was shown."""

    version: CellEntry = Field(description="the column with the version of the notice")
    language: CellEntry = Field(description="the column with its language, such as de or pt-BR")
    sha256: CellEntry = Field(description="the column with the SHA-256 of its text, in hexadecimal digits")


class ImportedStatementEntry(Entry):
    """What a person said about purposes, with the proof of it."""

    only_if: ConditionEntry | None = Field(default=None, description="which rows describe it; else all")
    time: CellEntry | None = Field(default=None, description=_OTHER_TIME.replace("happened", "was said"))
    purposes: dict[Text, CellEntry] = Field(
        description="purpose: the column that says yes (true) or no (false); without a value, neither"
    )
    method: CellEntry = Field(
        default=CellEntry(value="import"), description="how it was said, such as explicit_click"
    )
    notice: NoticeColumnsEntry | None = Field(default=None, description="the notice that was shown")
    valid_until: CellEntry | None = Field(default=None, description="when a yes ends")
    guardian: CellEntry | None = Field(
        default=None, description="the number of the file on the guardian who agreed for a child"
    )


class ImportEntry(Entry):
    """How the rows of a file become messages of a source."""

    label: Text = Field(description="a few words, for lists")
    source: Text = Field(description="the source that the messages are from")
    time: CellEntry = Field(description="the column that says when what the row states was last true")
    key: list[Text] = Field(
        default=[], description="columns that make a row the same row, such as its number; events need it"
    )
    user_id: CellEntry | None = Field(default=None, description="the column with the source's userId")
    anonymous_id: CellEntry | None = Field(default=None, description="the column with its anonymousId")
    identifiers: dict[Text, ImportedIdentifierEntry] = Field(
        default={}, description="identifier type: the column with an id of that type"
    )
    traits: dict[Text, CellEntry] = Field(
        default={}, description="trait as in a tracking call, such as address.city: its column"
    )
    events: dict[Text, ImportedEventEntry] = Field(default={}, description="event: how a row describes it")
    statements: list[ImportedStatementEntry] = Field(
        default=[], description="what the person said about purposes"
    )
    zone: Text = Field(default="UTC", description="the time zone of times without one, such as Europe/Berlin")
    decimal: Text = Field(default=".", description="what stands before decimals: . or ,")
    absent: list[Text] = Field(
        default=[], description="texts that mean no value, such as NULL; an empty cell always does"
    )
    delimiter: Annotated[str, StringConstraints(min_length=1)] = Field(
        default=",", description="what stands between the cells of a CSV file"
    )
    encoding: Text = Field(default="utf-8", description="the encoding of a CSV file")
