"""A package to be read: one page of HTML that needs nothing else, in a window or on paper.

Its policy forbids every script and every load, so that a value that were mistaken for markup could still do
nothing. Values come from anybody: each is escaped, kept from turning the text around it (``bdi``) and rid of
characters that no page may hold.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape
from typing import Any

import orjson

from discretion.domain.access.package_page import Rows
from discretion.domain.access.package_sections import Kind, Section

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

POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'none'"
)

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


class Page:
    """Writes the page; ``sections`` are those it has."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self._sections = sections

    def begin(self) -> bytes:
        """The head, and where to find what."""
        links = "".join(f'<li><a href="#{one.key}">{shown(one.title)}</a></li>' for one in self._sections)
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
            '<meta name="referrer" content="no-referrer">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>Your data</title><style>{STYLE}</style></head>"
            f'<body><header><h1>Your data</h1></header><nav aria-label="Sections"><ul>{links}</ul></nav>'
            "<main>\n"
        ).encode()

    def open(self, section: Section) -> bytes:
        """A heading, and the head of a table."""
        head = "".join(
            f'<th scope="col" title="{escape(one.says)}">{shown(one.name.replace("_", " "))}</th>'
            for one in section.columns
        )
        return (
            f'<section aria-labelledby="{section.key}"><h2 id="{section.key}">{shown(section.title)}</h2>'
            f'<div class="wide" tabindex="0" role="region" aria-labelledby="{section.key}">'
            f"<table><caption>{shown(section.says)} <small>{shown(section.law)}</small></caption>"
            f"<thead><tr>{head}</tr></thead><tbody>\n"
        ).encode()

    def rows(self, section: Section, rows: Rows) -> bytes:
        """Lines of the table; the first cell names each."""
        columns = section.columns
        lines = []
        for row in rows:
            first, *others = (_cell(one.kind, row[one.name]) for one in columns)
            lines.append(
                f'<tr><th scope="row">{first}</th>{"".join(f"<td>{one}</td>" for one in others)}</tr>\n'
            )
        return "".join(lines).encode()

    def close(self, _section: Section) -> bytes:
        """The table ends."""
        return b"</tbody></table></div></section>\n"

    def end(self) -> bytes:
        """The page ends."""
        return b"</main></body></html>\n"


def shown(text: str) -> str:
    """A text as part of a page, whatever is in it."""
    fit = text if text.isascii() and text.isprintable() else _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)
    return escape(fit)


def _cell(kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind is Kind.TIME:
        return f'<time datetime="{shown(value)}">{shown(value)}</time>'
    if kind is Kind.LIST:
        return ", ".join(f"<bdi>{shown(one)}</bdi>" for one in value)
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return f"<bdi>{shown(text)}</bdi>"
