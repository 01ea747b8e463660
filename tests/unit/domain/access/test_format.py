"""Values of a package are untrusted: no format lets one do more than be read."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import orjson
import pytest
from rdflib import Graph, URIRef

from discretion.domain.access.format.csv_format import format_cell
from discretion.domain.access.format.html_format import POLICY
from discretion.domain.access.format.json_format import build_package_schema
from discretion.domain.access.format.jsonld_format import PERSON_ID
from discretion.domain.access.package_page import PageIterator
from discretion.domain.access.package_sections import SECTIONS, SECTIONS_BY_KEY, build_row
from discretion.domain.access.zip_archive import PackageReader, build_files, write_file
from discretion.store.subject_request import StoredPackage

HOSTILE_VALUES = (
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
ALLOWED_TAGS = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "header", "h1", "nav", "ul", "li", "a", "main"),
        *("section", "h2", "div", "table", "caption", "small", "thead", "tr", "th", "tbody", "td"),
        *("bdi", "time"),
    )
)


def build_package(**rows_by_section: list[dict[str, Any]]) -> PackageReader:
    """Build a package reader with these rows by section."""

    async def iterate_pages(section_filter: str | None = None) -> PageIterator:
        for section, section_rows in rows_by_section.items():
            if section_filter in (None, section):
                yield section, section_rows

    counts = dict.fromkeys(rows_by_section, 1)
    stored_package = StoredPackage(
        b"r" * 16,
        b"c" * 16,
        1,
        counts,
        {section: len(rows) for section, rows in rows_by_section.items()},
        0,
        1,
    )
    return PackageReader(stored_package, iterate_pages)


async def render_file(name: str, package: PackageReader) -> bytes:
    """Render one file of a package."""
    (package_file,) = [
        file for file in build_files(package.package.sections, readable=True) if file.name == name
    ]
    chunks: AsyncIterator[bytes] = write_file(package_file, package)
    return b"".join([chunk async for chunk in chunks])


def build_package_with_value(value: Any, attribute: str = "contact.email") -> PackageReader:
    """Build a package that has one value in every field that may hold one."""
    return build_package(
        values=[
            build_row("values", attribute=attribute, value=value, source=value, says=value, purposes=[value])
        ],
        events=[
            build_row("events", name=value, properties={value: value}, occurred_at="2026-01-01T00:00:00.000Z")
        ],
    )


class PageParser(HTMLParser):
    """Collects tags, attributes and texts of a page, as a browser parses it."""

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


@pytest.mark.parametrize("value", HOSTILE_VALUES)
async def test_no_value_becomes_markup(value: str) -> None:
    """The page has the elements of a plain value's page, no script and no handler, and shows the value."""
    parser, plain_parser = PageParser(), PageParser()
    parser.feed((await render_file("package.html", build_package_with_value(value))).decode())
    plain_parser.feed((await render_file("package.html", build_package_with_value("plain"))).decode())
    assert parser.tags == plain_parser.tags <= ALLOWED_TAGS
    assert parser.attributes == plain_parser.attributes
    assert not [attribute for attribute in parser.attributes if attribute.startswith("on")]
    legible = "".join(
        "\N{REPLACEMENT CHARACTER}" if character in "\x00\x1b\ufffe" else character for character in value
    )
    assert legible in parser.texts


async def test_the_page_loads_nothing() -> None:
    """Its policy allows only its own style sheet; it links only to its own sections."""
    text = (await render_file("package.html", build_package_with_value("plain"))).decode()
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
    """The cell begins with an apostrophe, which makes a spreadsheet show it as text."""
    assert format_cell(value) == f"'{value}"
    body = (await render_file("csv/values.csv", build_package_with_value(value))).decode()
    (row,) = csv.DictReader(io.StringIO(body, newline=""))
    assert row["value"] == f"'{value}"


@pytest.mark.parametrize(
    ("value", "shown"), [(-3, -3), (1.5, 1.5), (True, "true"), (None, ""), (["=a"], '["=a"]'), ("a,b", "a,b")]
)
def test_a_value_that_is_not_a_text_is_not_escaped(value: Any, shown: Any) -> None:
    assert format_cell(value) == shown


@pytest.mark.parametrize("value", HOSTILE_VALUES)
async def test_json_keeps_every_value_unchanged(value: str) -> None:
    """The row is under its section's key, with the columns in order, as the schema declares."""
    document = orjson.loads(await render_file("package.json", build_package_with_value(value)))
    (row,) = document["sections"]["values"]
    assert row["value"] == value
    row_schema = build_package_schema()["properties"]["sections"]["properties"]["values"]["items"]
    assert list(row) == row_schema["required"] == list(row_schema["properties"])


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
async def test_linked_data_is_about_one_person() -> None:
    """An RDF parser reads the person's e-mail address and activity."""
    package = build_package_with_value("a@post.example")
    text = (await render_file("package.jsonld", package)).decode()
    graph = Graph().parse(data=text, format="json-ld")
    assert [str(email) for email in graph.objects(URIRef(PERSON_ID), URIRef("https://schema.org/email"))] == [
        "a@post.example"
    ]
    assert len(list(graph.subjects(URIRef("https://schema.org/agent"), URIRef(PERSON_ID)))) == 1


async def test_an_empty_package_is_valid() -> None:
    """Without any stored data, every file can still be parsed."""
    assert orjson.loads(await render_file("package.json", build_package()))["sections"] == {}
    assert orjson.loads(await render_file("package.jsonld", build_package()))["@graph"] == []


def test_a_row_has_the_columns_of_its_section() -> None:
    """In their order; another column is refused."""
    for section in SECTIONS:
        assert list(build_row(section.key)) == [column.name for column in section.columns]
        assert len({column.name for column in section.columns}) == len(section.columns)
    assert len(SECTIONS_BY_KEY) == len(SECTIONS)
    with pytest.raises(KeyError):
        build_row("values", strange=1)
