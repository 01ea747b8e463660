"""What README.md and the pages under src/discretion/docs show is what happens."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import typer
from graphql import GraphQLSchema, OperationDefinitionNode, parse, print_ast, validate
from typer.testing import CliRunner

from discretion.catalogue.load import load_catalogue
from discretion.cli import cli
from discretion.demo.roles import ROLES, SHOWN_ACCOUNT, SHOWN_EMAIL
from discretion.demo.terminal import COMPARED_ROLES, COMPARISON_QUERY, build_comparison_rows, query_each_role
from discretion.edge.graphql.schema_builder import build_schema
from discretion.seeding.cast import compute_birth_date, generate_cast_messages
from discretion.settings import Settings
from tests.fixtures.platform import PlatformUnderTest, open_platform

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "src" / "discretion" / "docs"
README = ROOT / "README.md"
PAGES = [README, ROOT / "seed/README.md", ROOT / "schema/README.md", *sorted(DOCS.glob("*.md"))]
NOW = int(time.time() * 1000)

VALIDATED_ONLY = {
    "AddressCode",
    "JoinLogins",
    "ObjectToJoin",
    "Propose",
    "JoinRecord",
    "RecordCode",
    "ConfirmAddress",
    "Code",
    "Prove",
    "Same",
    "Accept",
    "Refuse",
    "Appeal",
    "Told",
}
"""Operations that are only validated: ``Same`` has its own test, the rest need what others do first."""

OFFLINE = {"law", "notice", "ropa"}
"""Commands that need no database, so that the test can run them."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(
    mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PlatformUnderTest]:
    """A running platform that holds the cast."""
    async with open_platform(mongo_url, tmp_path_factory.mktemp("server")) as server:
        for message in generate_cast_messages(NOW):
            await server.send_messages(message.source, dict(message.body))
        yield server


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """The GraphQL schema of the shipped catalogue."""
    return build_schema(load_catalogue(None))._schema


def page_id(page: Path) -> str:
    """Return the path of a page inside the project."""
    return page.relative_to(ROOT).as_posix()


def read_page(page: Path) -> str:
    """Return the Markdown of a page."""
    return page.read_text("utf-8")


def section(page: Path, heading: str) -> str:
    """Return the text under a heading of the second level."""
    return read_page(page).split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def code_blocks(text: str, language: str) -> list[str]:
    """Return the contents of all fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)


def code_spans(text: str) -> list[str]:
    """Return the inline code of a page, each span on one line."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def table(page: Path, heading: str) -> list[tuple[str, ...]]:
    """Return the rows of the first table under a heading, without its head."""
    lines = [line for line in section(page, heading).splitlines() if line.startswith("|")]
    cells = [line.strip("|").replace("\\*", "*").split("|") for line in lines[2:]]
    return [tuple(cell.strip() for cell in row) for row in cells]


def request_body(shell: str) -> dict[str, Any]:
    """Return the JSON body of the ``curl`` in a shell block."""
    arguments = shlex.split(shell.split("curl ", 1)[1])
    body: dict[str, Any] = json.loads(arguments[arguments.index("-d") + 1])
    return body


def operations(block: str) -> Iterator[tuple[str, str, set[str]]]:
    """Yield name, text and required variables of each operation in a GraphQL block."""
    for definition in parse(block).definitions:
        assert isinstance(definition, OperationDefinitionNode)
        assert definition.name is not None
        variables = {variable.variable.name.value for variable in definition.variable_definitions or ()}
        yield definition.name.value, print_ast(definition), variables


# --- the queries and their answers -------------------------------------------------------------------------


async def test_the_first_query_has_both_answers_as_printed(server: PlatformUnderTest) -> None:
    """The receipts differ from run to run; only their length is compared."""
    text = section(README, "A first query")
    (shell,) = code_blocks(text, "sh")
    body = request_body(shell)
    roles = re.findall(r"for ROLE in (.+); do", shell)[0].split()
    printed_answers = code_blocks(text, "json")
    assert len(roles) == len(printed_answers) == 2
    for role, printed in zip(roles, printed_answers, strict=True):
        expected = json.loads(printed)
        answer = await server.query(body["query"], server.issue_token(role), body["variables"])
        receipts = [document["extensions"]["disclosure"].pop("receipt") for document in (answer, expected)]
        assert len(receipts[0]) == len(receipts[1])
        assert answer == expected, role


async def test_one_query_under_five_tokens_gives_the_table(server: PlatformUnderTest) -> None:
    """The demo prints the same table. Greta's birthday depends on the day the cast is loaded."""
    heading = "One query under five tokens"
    assert code_blocks(section(DOCS / "querying.md", heading), "graphql") == [COMPARISON_QUERY]
    tokens, customer_ids = {}, {}
    for role in ROLES:
        if role.name in COMPARED_ROLES:
            customer_ids[role.name] = await customer_id(server, SHOWN_EMAIL, role.client)
            tokens[role.name] = server.issue_token(role.name, subject=SHOWN_ACCOUNT)
    answers = await query_each_role(server.http, tokens, customer_ids)
    birthday = compute_birth_date(38, NOW)
    shown_rows = [
        tuple(cell.replace(birthday, "her birthday") for cell in row)
        for row in build_comparison_rows(answers)
    ]
    assert shown_rows == table(DOCS / "querying.md", heading)


async def test_the_roles_are_those_of_the_demo() -> None:
    """Name, client, purposes and scopes of each role."""
    listed = {
        (row[0], *re.findall(r"`([^`]+)`", row[1] + row[2])) for row in table(DOCS / "querying.md", "Tokens")
    }
    assert listed == {(role.name, role.client, *role.purposes, *role.scopes) for role in ROLES}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
async def test_every_graphql_example_is_valid(page: Path, schema: GraphQLSchema) -> None:
    """Both the blocks and the queries inside sentences."""
    text = read_page(page)
    queries = [span for span in code_spans(text) if re.match(r"\{ \w", span)]
    for example in [*code_blocks(text, "graphql"), *queries]:
        assert validate(schema, parse(example)) == [], example


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=page_id)
async def test_every_graphql_block_runs_under_the_token_it_names(
    page: Path, server: PlatformUnderTest
) -> None:
    """Operations run in the order of the page; an id in an answer is the ``$id`` of what follows."""
    for number, block in enumerate(code_blocks(read_page(page), "graphql")):
        role = re.match(r"# token: (\w+)\n", block)
        if role is None:
            assert block == COMPARISON_QUERY
            continue
        email = f"{page.stem}{number}@shop.example"
        token, known_variables = await caller(server, role.group(1), email)
        for name, text, variables in operations(block):
            if name in VALIDATED_ONLY:
                continue
            values = {variable: known_variables[variable] for variable in variables}
            answer = await server.query(text, token, values)
            assert "errors" not in answer, (name, answer)
            remember_ids(answer["data"], known_variables)
            await server.run_due_requests()


async def test_the_examples_that_are_not_run_exist() -> None:
    """An exception for an operation that is gone would hide the next of its name."""
    blocks = [block for page in PAGES for block in code_blocks(read_page(page), "graphql")]
    assert {name for block in blocks for name, _, _ in operations(block)} >= VALIDATED_ONLY


async def customer_id(server: PlatformUnderTest, email: str, client: str) -> str:
    """Return the id by which a client knows the customer with this e-mail address."""
    query = "query($id: IdentifierInput) { customer(identifier: $id) { id } }"
    steward = server.issue_token("steward", client=client)
    answer = await server.query(query, steward, {"id": {"type": "email", "value": email}})
    identity: str = answer["data"]["customer"]["id"]
    return identity


async def caller(server: PlatformUnderTest, role: str, email: str) -> tuple[str | None, dict[str, Any]]:
    """Return a token for the role an example names, and values for the variables of its operations.

    A customer's token belongs to a new customer who logged in a moment ago. A steward has two new customers.
    """
    message = {"type": "identify", "messageId": email, "userId": email, "traits": {"email": email}}
    known_variables: dict[str, Any] = {"messages": [message]}
    if role == "none":
        return None, known_variables
    if role == "ingest":
        return server.issue_token(client="web-shop", scopes=["ingest"], purposes=[]), known_variables
    if role == "customer":
        await server.send_messages("web-shop", message)
        login = server.internals.discloser.now_ms() // 1000
        return server.issue_token("customer", subject=email, authenticated=login), known_variables
    if role == "steward":
        emails = [email, f"second-{email}"]
        for address in emails:
            other = {"messageId": address, "userId": address, "traits": {"email": address}}
            await server.send_messages("web-shop", {**message, **other})
        known_variables["ids"] = [await customer_id(server, address, "privacy-office") for address in emails]
    return server.issue_token(role), known_variables


def remember_ids(data: dict[str, Any], known_variables: dict[str, Any]) -> None:
    """Keep the ids in an answer for the operations that follow it on the page."""
    payload = next(iter(data.values()))
    if isinstance(payload, dict) and "id" in payload:
        known_variables["id"] = payload["id"]
    history = payload.get("identityHistory", {}).get("nodes") if isinstance(payload, dict) else None
    if history:
        known_variables["merge"] = history[0].get("id")


# --- messages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "heading"), [(README, "Send events"), (DOCS / "sending.md", "Calls")], ids=["README", "sending"]
)
async def test_the_identify_example_is_accepted(page: Path, heading: str, server: PlatformUnderTest) -> None:
    """Its undeclared trait is dropped and counted; where the page prints an answer, it is that one."""
    text = section(page, heading)
    response = await server.http.post(
        "/v1/identify",
        json=request_body(code_blocks(text, "sh")[0]),
        auth=(server.write_keys["web-shop"], ""),
        headers={"prefer": "return=representation"},
    )
    answer = response.json()
    assert (answer["accepted"], answer["dropped"]) == (1, 1)
    for printed in code_blocks(text, "json"):
        expected = json.loads(printed)
        message_ids = [document["results"][0].pop("messageId") for document in (answer, expected)]
        assert len(message_ids[0]) == len(message_ids[1])
        assert answer == expected


async def test_the_consent_example_is_accepted(server: PlatformUnderTest) -> None:
    """And every key of it is explained."""
    (printed,) = code_blocks(section(DOCS / "sending.md", "Send consent"), "json")
    body = json.loads(printed)
    response = await server.http.post("/v1/consent", json=body, auth=(server.write_keys["web-shop"], ""))
    assert response.json()["accepted"] == 1, response.text
    explained = {row[0].strip("`") for row in table(DOCS / "sending.md", "Send consent")}
    assert body.keys() - {"userId"} <= explained


# --- settings, commands, links -----------------------------------------------------------------------------


async def test_the_settings_are_those_of_the_code() -> None:
    """Every setting once, with its default where the code has one."""
    listed = {row[0].strip("`"): row[2] for row in table(DOCS / "operating.md", "Settings")}
    assert list(listed) == [*dict.fromkeys(listed)]
    defaults = {f"DISCRETION_{field.name.upper()}": field.default for field in fields(Settings)}
    assert listed.keys() == defaults.keys()
    for name, default in defaults.items():
        if default is not None:
            text = str(int(default)) if isinstance(default, bool) else str(default)
            assert listed[name] == f"`{text}`", name


def shell_commands(text: str) -> Iterator[list[str]]:
    """Yield the arguments of every ``discretion`` command in the shell blocks of a page."""
    for block in code_blocks(text, "sh"):
        for arguments in re.findall(r"uv run (?:--extra \w+ )?discretion (.*)", block):
            yield shlex.split(arguments, comments=True)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
async def test_every_command_exists(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in shell blocks parse as they stand; those in sentences are commands with their options."""
    text = read_page(page)
    monkeypatch.chdir(tmp_path)
    for arguments in shell_commands(text):
        for argument in arguments:
            if re.fullmatch(r"[\w-]+\.(csv|parquet|jsonl)", argument):
                (tmp_path / argument).touch()  # a file of the reader's own
        command, rest = resolve_command(arguments)
        command.make_context(arguments[0], rest).close()
    for span in code_spans(text):
        mentioned = re.fullmatch(r"(?:uv run )?discretion ([a-z].*)", span)
        if mentioned is not None:
            command, rest = resolve_command(shlex.split(mentioned.group(1)))
            options = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in rest if word.startswith("--")} <= {*options, "--help"}, span


def resolve_command(arguments: list[str]) -> tuple[Any, list[str]]:
    """Return the command that the first words name, and the words after it."""
    command: Any = typer.main.get_command(cli)
    rest = list(arguments)
    while hasattr(command, "commands"):
        assert rest, f"discretion {' '.join(arguments)} names a group of commands"
        assert rest[0] in command.commands, f"discretion {' '.join(arguments)}"
        command = command.commands[rest.pop(0)]
    return command, rest


async def test_commands_that_need_no_database_run() -> None:
    """They end without an error."""
    commands = {tuple(words) for page in PAGES for words in shell_commands(read_page(page))}
    offline = sorted(words for words in commands if words[0] in OFFLINE)
    assert len(offline) >= 4
    for words in offline:
        result = CliRunner().invoke(cli, words)
        assert result.exit_code == 0, (words, result.output)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
async def test_every_module_and_test_folder_it_names_exists(page: Path) -> None:
    """``python -m tests…`` can be started, and ``tests/…`` is there."""
    text = read_page(page)
    for module in re.findall(r"python -m ([\w.]+)", text):
        spec = importlib.util.find_spec(module)
        assert spec is not None, module
        if spec.submodule_search_locations is not None:
            assert importlib.util.find_spec(f"{module}.__main__") is not None, module
    for folder in re.findall(r"\btests/[\w/]+(?:\.py)?", text):
        assert (ROOT / folder).exists(), folder


def links(page: Path) -> list[str]:
    """Return the targets of the links of a page that lead into the project."""
    return re.findall(r"\]\((?!https?:)([^)\s]+)\)", read_page(page))


def link_resolves(page: Path, target: str) -> bool:
    """Return whether a link's file exists and has the heading that the link names."""
    path, _, anchor = target.partition("#")
    linked = page.parent / path if path else page
    return linked.exists() and (not anchor or anchor in anchors(linked))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings of a page."""
    prose = re.sub(r"^```.*?^```$", "", read_page(page), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
async def test_every_link_inside_the_project_resolves(page: Path) -> None:
    """The file and, where the link names one, the heading."""
    broken = [target for target in links(page) if not link_resolves(page, target)]
    assert not broken


async def test_the_index_lists_every_page() -> None:
    """And the folders of the source layout exist."""
    listed = set(re.findall(r"\]\((\w+\.md)\)", read_page(DOCS / "README.md")))
    assert listed == {page.name for page in DOCS.glob("*.md")} - {"README.md"}
    for row in table(DOCS / "README.md", "Source layout"):
        assert (ROOT / "src" / "discretion" / row[0].strip("`")).is_dir(), row


async def test_the_readme_stays_short() -> None:
    """At most 200 lines of at most 120 characters; what is longer moves to a page."""
    lines = read_page(README).splitlines()
    assert len(lines) <= 200
    assert [line for line in lines if len(line) > 120] == []
