"""Values come from anybody: in no format can one do more than be read."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import orjson
import pytest
from rdflib import Graph, URIRef

from discretion.domain.access.format.csv_format import cell
from discretion.domain.access.format.html_format import POLICY
from discretion.domain.access.format.json_format import schema
from discretion.domain.access.format.jsonld_format import PERSON
from discretion.domain.access.package_page import Made, Pages
from discretion.domain.access.package_sections import BY_KEY, SECTIONS, row
from discretion.domain.access.zip_archive import Opened, files, written

HOSTILE = (
    "<script>alert(1)</script>",
    "</td></tr></table><img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><style>*{background:url(//evil.example)}</style>",
    "<!-- --><base href=//evil.example>",
    "&lt;script&gt;",
    "\u202egnp.exe",
    "\x00\x1b[2J\ufffe",
    "]]></script><script>alert(1)//",
    "{{7*7}}${7*7}",
)
ALLOWED = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "header", "h1", "nav", "ul", "li", "a", "main"),
        *("section", "h2", "div", "table", "caption", "small", "thead", "tr", "th", "tbody", "td"),
        *("bdi", "time"),
    )
)


def made(**rows: list[dict[str, Any]]) -> Opened:
    """A package with these rows, as it would be read."""

    async def pages(only: str | None = None) -> Pages:
        for section, found in rows.items():
            if only in (None, section):
                yield section, found

    counts = dict.fromkeys(rows, 1)
    package = Made(b"r" * 16, b"c" * 16, 1, counts, {one: len(found) for one, found in rows.items()}, 0, 1)
    return Opened(package, pages)


async def file(name: str, package: Opened) -> bytes:
    """One file of it."""
    (wanted,) = [one for one in files(package.made.sections, legible=True) if one.name == name]
    parts: AsyncIterator[bytes] = written(wanted, package)
    return b"".join([one async for one in parts])


def told(value: Any, attribute: str = "contact.email") -> Opened:
    """A package in which one value was told, and all that may carry it."""
    return made(
        values=[row("values", attribute=attribute, value=value, source=value, says=value, purposes=[value])],
        events=[row("events", name=value, properties={value: value}, occurred_at="2026-01-01T00:00:00.000Z")],
    )


class Reader(HTMLParser):
    """Reads a page as a browser would take it apart."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("value", HOSTILE)
async def test_no_value_becomes_markup(value: str) -> None:
    """The page has the elements it has without it, no script and no handler, and shows the value as it is."""
    reader, plain = Reader(), Reader()
    reader.feed((await file("package.html", told(value))).decode())
    plain.feed((await file("package.html", told("plain"))).decode())
    assert reader.tags == plain.tags <= ALLOWED
    assert reader.attributes == plain.attributes
    assert not [one for one in reader.attributes if one.startswith("on")]
    legible = "".join("\N{REPLACEMENT CHARACTER}" if one in "\x00\x1b\ufffe" else one for one in value)
    assert legible in reader.texts


async def test_the_page_needs_nothing_and_may_load_nothing() -> None:
    """Its policy allows its own style and nothing else; it names no address but its own parts."""
    text = (await file("package.html", told("plain"))).decode()
    assert POLICY.startswith("default-src 'none'; style-src 'sha256-")
    assert POLICY.replace("'", "&#x27;") in text
    assert "://" not in text
    assert "src=" not in text
    assert text.count("href=") == text.count('href="#') == 2
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text


@pytest.mark.parametrize(
    "value",
    [
        "=1+1",
        "+44 7700",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "|calc",
        "%0a",
        "\uff1d1",
        "\n=cmd|' /C calc'!A0",
    ],
)
async def test_no_value_becomes_a_formula(value: str) -> None:
    """It comes back with an apostrophe in front, and reads as it was told."""
    assert cell(value) == f"'{value}"
    body = (await file("csv/values.csv", told(value))).decode()
    (read,) = csv.DictReader(io.StringIO(body, newline=""))
    assert read["value"] == f"'{value}"


@pytest.mark.parametrize(
    ("value", "shown"), [(-3, -3), (1.5, 1.5), (True, "true"), (None, ""), (["=a"], '["=a"]'), ("a,b", "a,b")]
)
def test_what_is_no_text_stays_what_it_is(value: Any, shown: Any) -> None:
    assert cell(value) == shown


@pytest.mark.parametrize("value", HOSTILE)
async def test_json_keeps_every_value_as_it_was(value: str) -> None:
    """Under the section's key, in the order of its columns, and as its schema says."""
    document = orjson.loads(await file("package.json", told(value)))
    (read,) = document["sections"]["values"]
    assert read["value"] == value
    declared = schema()["properties"]["sections"]["properties"]["values"]["items"]
    assert list(read) == declared["required"] == list(declared["properties"])


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
async def test_linked_data_is_about_one_person() -> None:
    """A reader of RDF finds the person's e-mail address and what they did."""
    package = told("a@post.example")
    text = (await file("package.jsonld", package)).decode()
    graph = Graph().parse(data=text, format="json-ld")
    assert [str(one) for one in graph.objects(URIRef(PERSON), URIRef("https://schema.org/email"))] == [
        "a@post.example"
    ]
    assert len(list(graph.subjects(URIRef("https://schema.org/agent"), URIRef(PERSON)))) == 1


async def test_an_empty_package_is_in_order() -> None:
    """Nothing is kept: every file still reads."""
    assert orjson.loads(await file("package.json", made()))["sections"] == {}
    assert orjson.loads(await file("package.jsonld", made()))["@graph"] == []


def test_a_row_has_the_columns_of_its_section() -> None:
    """In their order, and no other."""
    for section in SECTIONS:
        assert list(row(section.key)) == [one.name for one in section.columns]
        assert len({one.name for one in section.columns}) == len(section.columns)
    assert len(BY_KEY) == len(SECTIONS)
    with pytest.raises(KeyError):
        row("values", strange=1)
