"""GraphiQL is served completely from the package and requests nothing from other hosts."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import httpx
import pytest
from graphql import parse, validate
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

import discretion.edge.graphql
from discretion.catalogue.load import load_catalogue
from discretion.edge.graphql.explorer import Explorer
from discretion.edge.graphql.schema_builder import build_schema

FOLDER = Path(discretion.edge.graphql.__file__).parent / "graphiql"
PUBLISHED = {
    "graphiql.min.css": "bdddd50aac5bdb0edd83e5c862ba2fed9db2964e4c75d4655ab62b0a7d5bd730",
    "graphiql.min.js": "a330a2be1d2389486840a9d0a834767d9083a23f105879e0de54e4fce83d3513",
    "react-dom.production.min.js": "35f4f974f4b2bcd44da73963347f8952e341f83909e4498227d4e26b98f66f0d",
    "react.production.min.js": "d949f1c3687aedadcedac85261865f29b17cd273997e7f6b2bfc53b2f9d4c4dd",
}


class ExplorerApp:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Explorer().serve_page(scope, receive, send)


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = Starlette(routes=[Route("/graphql", ExplorerApp()), *Explorer().routes()])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.example")


def find_links(page: str) -> list[str]:
    return [link for link in re.findall(r'(?:src|href)="([^"]*)"', page) if not link.startswith("data:")]


async def test_every_link_of_the_page_is_served_by_the_package(client: httpx.AsyncClient) -> None:
    page = (await client.get("/graphql")).text
    assert len(find_links(page)) == 6
    for link in find_links(page):
        assert re.fullmatch(r"graphiql/[\w.-]+\?v=[0-9a-f]{16}", link)
        response = await client.get(f"/{link}")
        assert response.status_code == 200
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_the_default_query_of_the_page_is_valid() -> None:
    """The first press of the button gets an answer."""
    match = re.search(r"const QUERY = `(.*?)`;", (FOLDER / "page.js").read_text("utf-8"), re.DOTALL)
    assert match is not None
    assert validate(build_schema(load_catalogue(None))._schema, parse(match[1])) == []


def test_the_page_and_its_style_refer_to_no_other_host() -> None:
    for name in ("index.html", "page.js", "page.css"):
        assert not re.search(r"(?:https?:)?//[\w.]+\.", (FOLDER / name).read_text("utf-8")), name
    style = (FOLDER / "graphiql.min.css").read_text("utf-8")
    assert not [
        url for url in re.findall(r"url\(([^)]{0,40})", style) if not url.strip("'\"").startswith("data:")
    ]
    assert "@import" not in style


async def test_the_page_may_run_and_contact_only_its_own_origin(client: httpx.AsyncClient) -> None:
    policy = dict(
        rule.split(" ", 1)
        for rule in (await client.get("/graphql")).headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    page = (FOLDER / "index.html").read_text("utf-8")
    assert not re.search(r"<script(?![^>]* src=)|<style| on\w+=", page)


async def test_a_cached_file_is_not_sent_again(client: httpx.AsyncClient) -> None:
    for path in ("/graphql", "/graphiql/page.js"):
        first = await client.get(path)
        assert first.headers["cache-control"] == "no-cache"
        again = await client.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["index.html", "README.md", "nothing.js", "..%2Fexplorer.py", "__init__.py"])
async def test_only_the_pages_files_are_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/graphiql/{name}")).status_code == 404


def test_bundled_files_have_the_published_digests() -> None:
    digests = {name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() for name in PUBLISHED}
    assert digests == PUBLISHED


def test_every_bundled_file_has_a_licence_and_a_line_in_the_readme() -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    for name in (*PUBLISHED, "LICENSE.graphiql", "LICENSE.react", "page.js", "page.css", "index.html"):
        assert f"`{name}`" in readme
        assert (FOLDER / name).is_file()
