"""A section as a table: CSV (RFC 4180) in UTF-8, lists and objects as JSON.

A spreadsheet takes a text that begins with one of some characters for a formula, and runs it: values come
from anybody, so such a text is given an apostrophe in front, which shows it as it is (OWASP, CSV Injection).
"""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson

from discretion.domain.access.package_page import Rows
from discretion.domain.access.package_sections import Section

FORMULA = tuple("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")
"""What may begin a formula, in full width too, and what Excel's DDE begins with."""


class Table:
    """Writes one section; its names come first."""

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def open(self, section: Section) -> bytes:
        """The header."""
        return _lines([[one.name for one in section.columns]])

    def rows(self, section: Section, rows: Rows) -> bytes:
        """Lines."""
        return _lines([[cell(row[one.name]) for one in section.columns] for row in rows])

    def close(self, _section: Section) -> bytes:
        """Nothing."""
        return b""

    def end(self) -> bytes:
        """Nothing."""
        return b""


def cell(value: Any) -> Any:
    """A value as a cell; a number stays one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return f"'{text}" if text.lstrip(" \N{NO-BREAK SPACE}").startswith(FORMULA) else text


def _lines(rows: list[list[Any]]) -> bytes:
    held = io.StringIO()
    csv.writer(held).writerows(rows)
    return held.getvalue().encode("utf-8", "replace")
