"""A package as one HTML page without external resources, for the screen and for print.

Its content security policy forbids all scripts and all loads, so that a value mistaken for markup can still
do nothing. Anyone can send values: each value is escaped, isolated from the direction of the surrounding
text (``bdi``), and characters that HTML does not allow are replaced.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape
from typing import Any

import orjson

from discretion.domain.access.package_page import PackageRows
from discretion.domain.access.package_sections import ColumnKind, PackageSection

STYLE = """
:root{color-scheme:light dark;--line:#767676;--soft:#f3f3f3}
@media(prefers-color-scheme:dark){:root{--line:#8c8c8c;--soft:#262626}}
body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:80rem}
body{background:Canvas;color:CanvasText}
a{color:LinkText}
.wide{overflow-x:auto}
.wide:focus{outline:2px solid LinkText}
table{border-collapse:collapse;width:100%;margin:1rem 0}
caption{text-align:left;padding:.25rem 0}
th,td{border:1px solid var(--line);padding:.25rem .5rem;text-align:left;vertical-align:top}
th,td{overflow-wrap:anywhere;min-width:6em}
thead th{background:var(--soft)}
@media print{
body{max-width:none;font-size:8pt}
nav{display:none}
.wide{overflow:visible}
thead{display:table-header-group}
tr{break-inside:avoid}
}
""".strip()

# The policy permits the style by its hash, so the page must contain exactly the text of `STYLE`.
POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'none'"
)

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


class HtmlWriter:
    """Writes the page. ``sections`` are the sections it contains."""

    def __init__(self, sections: Sequence[PackageSection]) -> None:
        self._sections = sections

    def begin(self) -> bytes:
        """Return the head of the page and the table of contents."""
        links = "".join(
            f'<li><a href="#{section.key}">{escape_text(section.title)}</a></li>'
            for section in self._sections
        )
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
            '<meta name="referrer" content="no-referrer">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>Your data</title><style>{STYLE}</style></head>"
            f'<body><header><h1>Your data</h1></header><nav aria-label="Sections"><ul>{links}</ul></nav>'
            "<main>\n"
        ).encode()

    def open_section(self, section: PackageSection) -> bytes:
        """Return a heading and the head of a table."""
        head = "".join(
            f'<th scope="col" title="{escape(column.description)}">'
            f"{escape_text(column.name.replace('_', ' '))}</th>"
            for column in section.columns
        )
        caption = f"{escape_text(section.description)} <small>{escape_text(section.law)}</small>"
        return (
            f'<section aria-labelledby="{section.key}">'
            f'<h2 id="{section.key}">{escape_text(section.title)}</h2>'
            f'<div class="wide" tabindex="0" role="region" aria-labelledby="{section.key}">'
            f"<table><caption>{caption}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>\n"
        ).encode()

    def write_rows(self, section: PackageSection, rows: PackageRows) -> bytes:
        """Return table rows; the first cell is the row header."""
        columns = section.columns
        lines = []
        for row in rows:
            first_cell, *other_cells = (
                _format_html_cell(column.kind, row[column.name]) for column in columns
            )
            data_cells = "".join(f"<td>{cell}</td>" for cell in other_cells)
            lines.append(f'<tr><th scope="row">{first_cell}</th>{data_cells}</tr>\n')
        return "".join(lines).encode()

    def close_section(self, _section: PackageSection) -> bytes:
        """Return the end of the table."""
        return b"</tbody></table></div></section>\n"

    def end(self) -> bytes:
        """Return the end of the page."""
        return b"</main></body></html>\n"


def escape_text(text: str) -> str:
    """Return any text as safe HTML text."""
    printable = (
        text if text.isascii() and text.isprintable() else _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    )
    return escape(printable)


def _format_html_cell(kind: ColumnKind, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind is ColumnKind.TIME:
        return f'<time datetime="{escape_text(value)}">{escape_text(value)}</time>'
    if kind is ColumnKind.LIST:
        return ", ".join(f"<bdi>{escape_text(item)}</bdi>" for item in value)
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return f"<bdi>{escape_text(text)}</bdi>"
