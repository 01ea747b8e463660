"""A package as one JSON document: ``{"format": ..., "sections": {...}}``, and the JSON Schema it keeps to."""

from __future__ import annotations

from typing import Any

import orjson

from discretion.domain.access.package_page import Rows
from discretion.domain.access.package_sections import FORMAT, SECTIONS, Column, Kind, Section

SCHEMA_ID = "https://discretion.example/schema/package.schema.json"

TYPES: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": ["string", "null"]},
    Kind.TIME: {"type": ["string", "null"], "format": "date-time"},
    Kind.NUMBER: {"type": ["number", "null"]},
    Kind.FLAG: {"type": ["boolean", "null"]},
    Kind.LIST: {"type": ["array", "null"], "items": {"type": "string"}},
    Kind.ANY: {},
}


class Whole:
    """Writes the document; one row on a line."""

    def __init__(self) -> None:
        self._sections = 0
        self._rows = 0

    def begin(self) -> bytes:
        """The format, and the sections begin."""
        return b'{"format":' + orjson.dumps(FORMAT) + b',"sections":{'

    def open(self, section: Section) -> bytes:
        """A list under the section's key."""
        comma = b"," if self._sections else b""
        self._sections, self._rows = self._sections + 1, 0
        return comma + b"\n" + orjson.dumps(section.key) + b":["

    def rows(self, _section: Section, rows: Rows) -> bytes:
        """Rows as objects."""
        comma = b"," if self._rows else b""
        self._rows += len(rows)
        return comma + b",".join(b"\n" + orjson.dumps(one) for one in rows)

    def close(self, _section: Section) -> bytes:
        """The list ends."""
        return b"]"

    def end(self) -> bytes:
        """The document ends."""
        return b"}}\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document. A section that has no rows is not in it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Package",
        "description": "What one person is given of the data that are kept of them.",
        "type": "object",
        "required": ["format", "sections"],
        "additionalProperties": False,
        "properties": {
            "format": {"const": FORMAT},
            "sections": {
                "type": "object",
                "additionalProperties": False,
                "properties": {one.key: _rows(one) for one in SECTIONS},
            },
        },
    }


def schema_text() -> str:
    """The same as text."""
    return orjson.dumps(schema(), option=orjson.OPT_INDENT_2).decode() + "\n"


def _rows(section: Section) -> dict[str, Any]:
    names = [one.name for one in section.columns]
    return {
        "title": section.title,
        "description": f"{section.says} {section.law}",
        "type": "array",
        "items": {
            "type": "object",
            "required": names,
            "additionalProperties": False,
            "properties": {one.name: _column(one) for one in section.columns},
        },
    }


def _column(column: Column) -> dict[str, Any]:
    return {"description": column.says, **TYPES[column.kind]}
