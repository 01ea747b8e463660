"""What README.md shows is what happens."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from graphql import parse, validate

from discretion.catalogue.load import load
from discretion.demo.roles import ROLES, SHOWN
from discretion.demo.terminal import COMPARED, SAME, rows, same_query
from discretion.edge.graphql.schema_builder import build_schema
from discretion.seeding.cast import born, cast
from discretion.settings import Settings
from tests.fixtures.platform import House, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text("utf-8")
NOW = int(time.time() * 1000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house that knows the cast."""
    async with open_house(mongo_url, tmp_path_factory.mktemp("house")) as built:
        for message in cast(NOW):
            await built.tell(message.source, dict(message.body))
        yield built


def block(language: str, heading: str) -> str:
    """The first fenced block of a language under a heading."""
    under = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.search(rf"```{language}\n(.*?)\n```", under, re.DOTALL)
    assert found is not None
    return found.group(1)


def sent(shell: str) -> dict[str, Any]:
    """The JSON body of the ``curl`` in a block of shell."""
    words = shlex.split(shell.split("curl ", 1)[1])
    body: dict[str, Any] = json.loads(words[words.index("-d") + 1])
    return body


def table(heading: str) -> list[tuple[str, ...]]:
    """The rows of the first table under a heading, without its head."""
    under = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in under.splitlines() if line.startswith("|")]
    cells = [line.strip("|").replace("\\*", "*").split("|") for line in lines[2:]]
    return [tuple(cell.strip() for cell in row) for row in cells]


async def test_the_first_query_has_the_answer_that_is_shown(house: House) -> None:
    """Everything but the receipt, which is never the same."""
    answer = await house.ask(sent(block("sh", "A first query"))["query"], house.token("support"))
    shown = json.loads(block("json", "A first query"))
    assert len(answer["extensions"]["disclosure"].pop("receipt")) == len(
        shown["extensions"]["disclosure"].pop("receipt")
    )
    assert answer == shown


async def test_the_same_query_under_five_tokens_gives_the_table(house: House) -> None:
    """The table is the demo's own; her birthday moves with the day she is sown."""
    assert block("graphql", "One query, five answers") == SAME
    find = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
    tokens, ids = {}, {}
    for role in (one for one in ROLES if one.name in COMPARED):
        steward = house.token("steward", client=role.client)
        ids[role.name] = (await house.ask(find, steward, {"v": SHOWN}))["data"]["customer"]["id"]
        tokens[role.name] = house.token(role.name, subject=ids[role.name])
    answers = await same_query(house.http, tokens, ids)
    seen = [tuple(cell.replace(born(38, NOW), "her birthday") for cell in row) for row in rows(answers)]
    assert seen == table("One query, five answers")


async def test_every_operation_that_is_shown_is_one_of_the_schema() -> None:
    """Whatever stands in a block of GraphQL."""
    schema = build_schema(load(None))._schema
    shown = re.findall(r"```graphql\n(.*?)\n```", TEXT, re.DOTALL)
    assert len(shown) > 1
    for text in shown:
        assert validate(schema, parse(text)) == []


async def test_the_message_that_is_shown_is_taken(house: House) -> None:
    """The web shop's identify is accepted; its undeclared trait is dropped and counted."""
    body = sent(block("sh", "For those who send"))
    response = await house.http.post(
        "/v1/identify",
        json=body,
        auth=(house.keys["web-shop"], ""),
        headers={"prefer": "return=representation"},
    )
    told = response.json()
    assert told["accepted"] == 1
    assert told["dropped"] == 1


async def test_every_setting_is_in_the_table() -> None:
    """And nothing that is no setting."""
    named = set(re.findall(r"`DISCRETION_(\w+)`", "\n".join(row[0] for row in table("For those who run it"))))
    assert named == {one.name.upper() for one in fields(Settings)}


async def test_every_file_it_leads_to_exists() -> None:
    """Links inside the project."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]
