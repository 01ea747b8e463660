"""A package as one JSON document ``{"format": ..., "sections": {...}}``, and its JSON Schema."""

from __future__ import annotations

from typing import Any

import orjson

from discretion.domain.access.package_page import PackageRows
from discretion.domain.access.package_sections import (
    PACKAGE_FORMAT,
    SECTIONS,
    Column,
    ColumnKind,
    PackageSection,
)

SCHEMA_ID = "https://discretion.example/schema/package.schema.json"

COLUMN_SCHEMAS: dict[ColumnKind, dict[str, Any]] = {
    ColumnKind.TEXT: {"type": ["string", "null"]},
    ColumnKind.TIME: {"type": ["string", "null"], "format": "date-time"},
    ColumnKind.NUMBER: {"type": ["number", "null"]},
    ColumnKind.FLAG: {"type": ["boolean", "null"]},
    ColumnKind.LIST: {"type": ["array", "null"], "items": {"type": "string"}},
    ColumnKind.ANY: {},
}


class JsonWriter:
    """Writes the document, one row per line."""

    def __init__(self) -> None:
        self._section_count = 0
        self._row_count = 0

    def begin(self) -> bytes:
        """Return the format member and the beginning of the sections."""
        return b'{"format":' + orjson.dumps(PACKAGE_FORMAT) + b',"sections":{'

    def open_section(self, section: PackageSection) -> bytes:
        """Return the section's key and the beginning of its list."""
        comma = b"," if self._section_count else b""
        self._section_count, self._row_count = self._section_count + 1, 0
        return comma + b"\n" + orjson.dumps(section.key) + b":["

    def write_rows(self, _section: PackageSection, rows: PackageRows) -> bytes:
        """Return the rows as objects."""
        comma = b"," if self._row_count else b""
        self._row_count += len(rows)
        return comma + b",".join(b"\n" + orjson.dumps(row) for row in rows)

    def close_section(self, _section: PackageSection) -> bytes:
        """Return the end of the list."""
        return b"]"

    def end(self) -> bytes:
        """Return the end of the document."""
        return b"}}\n"


def build_package_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the document. A section without rows is left out of a document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Package",
        "description": "What one person is given of the data that are kept of them.",
        "type": "object",
        "required": ["format", "sections"],
        "additionalProperties": False,
        "properties": {
            "format": {"const": PACKAGE_FORMAT},
            "sections": {
                "type": "object",
                "additionalProperties": False,
                "properties": {section.key: _build_section_schema(section) for section in SECTIONS},
            },
        },
    }


def build_package_schema_text() -> str:
    """Return the JSON Schema as indented text."""
    return orjson.dumps(build_package_schema(), option=orjson.OPT_INDENT_2).decode() + "\n"


def _build_section_schema(section: PackageSection) -> dict[str, Any]:
    names = [column.name for column in section.columns]
    return {
        "title": section.title,
        "description": f"{section.description} {section.law}",
        "type": "array",
        "items": {
            "type": "object",
            "required": names,
            "additionalProperties": False,
            "properties": {column.name: _build_column_schema(column) for column in section.columns},
        },
    }


def _build_column_schema(column: Column) -> dict[str, Any]:
    return {"description": column.description, **COLUMN_SCHEMAS[column.kind]}
