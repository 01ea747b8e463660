"""A section as a CSV table (RFC 4180) in UTF-8; lists and objects are written as JSON.

A spreadsheet interprets a text that begins with certain characters as a formula and runs it. Anyone can send
values, so such a text gets an apostrophe in front, and the spreadsheet shows it as text (OWASP, CSV
Injection).
"""

from __future__ import annotations

import csv
import io

import orjson

from discretion.domain.access.package_page import PackageRows
from discretion.domain.access.package_sections import PackageSection

FORMULA_PREFIXES = tuple("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")
"""Characters that may begin a formula, also in full width; ``|`` and ``%`` begin DDE commands in Excel."""


class CsvWriter:
    """Writes one section; the first line has the column names."""

    def begin(self) -> bytes:
        """Return nothing: a table has no preamble."""
        return b""

    def open_section(self, section: PackageSection) -> bytes:
        """Return the line with the column names."""
        return _format_csv_lines([[column.name for column in section.columns]])

    def write_rows(self, section: PackageSection, rows: PackageRows) -> bytes:
        """Return one line for each row."""
        return _format_csv_lines(
            [[format_cell(row[column.name]) for column in section.columns] for row in rows]
        )

    def close_section(self, _section: PackageSection) -> bytes:
        """Return no bytes: CSV has no closing text."""
        return b""

    def end(self) -> bytes:
        """Return no bytes: CSV has no closing text."""
        return b""


def format_cell(value: object) -> object:
    """Return a value as a CSV cell. Numbers stay numbers, and formulas are escaped."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    # Leading spaces are stripped for the check, because some spreadsheets ignore them.
    return f"'{text}" if text.lstrip(" \N{NO-BREAK SPACE}").startswith(FORMULA_PREFIXES) else text


def _format_csv_lines(rows: list[list[object]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    # "replace": JSON text may contain a lone surrogate, which UTF-8 cannot encode.
    return buffer.getvalue().encode("utf-8", "replace")
