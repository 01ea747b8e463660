"""The output of the demo: the results of one query under each role, and how to make queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from discretion.demo.roles import ROLES

FIND_QUERY = 'query Find($email: String!) { customer(identifier: { type: "email", value: $email }) { id } }'
COMPARISON_QUERY = """\
query Same($id: ID!) {
  customer(id: $id) {
    identity { givenName familyName }
    contact { email phone address { country } }
    demographics { birthDate }
    commerce { loyaltyTier lifetimeValue { amount currency } }
  }
}"""
COMPARED_ROLES = ("frontend", "support", "marketing", "partner", "customer")

RoleAnswers = Mapping[str, Mapping[str, Any]]
"""The response to one query, by role."""


async def send_query(
    client: httpx.AsyncClient, query: str, token: str, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """Send a query and return the response body."""
    response = await client.post(
        "/graphql",
        json={"query": query, "variables": dict(variables)},
        headers={"authorization": f"Bearer {token}"},
    )
    response_body: dict[str, Any] = response.json()
    return response_body


async def query_each_role(
    client: httpx.AsyncClient, tokens: Mapping[str, str], ids: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Send one query about one customer under each role that is compared."""
    return {
        role: await send_query(client, COMPARISON_QUERY, tokens[role], {"id": ids[role]})
        for role in COMPARED_ROLES
    }


def build_comparison_rows(answers: RoleAnswers) -> Iterator[tuple[str, ...]]:
    """Yield a row for each attribute, with its value under each role; last, what was withheld and why."""
    # A role gets no customer at all where none of its purposes is permitted any more.
    shown = {
        role: dict(_flatten_answer(answer["data"]["customer"] or {})) for role, answer in answers.items()
    }
    for path in max(shown.values(), key=len):
        cells = (values.get(path) for values in shown.values())
        yield (path, *("null" if cell is None else str(cell) for cell in cells))
    yield (
        "withheld",
        *(_describe_withheld(answer["extensions"]["disclosure"]) for answer in answers.values()),
    )


def print_demo(
    console: Console, answers: RoleAnswers, tokens: Mapping[str, str], url: str, description_path: Path
) -> None:
    """Print the roles, the comparison, the tokens and where to send queries."""
    console.print(_build_roles_table())
    console.print(_build_comparison_table(answers))
    console.print("The tokens, one to a line for copying:")
    for name, token in tokens.items():
        console.print(f"[bold]{name:<10}[/bold] {token}", soft_wrap=True, highlight=False)
    console.print(f"GraphiQL    {url}/graphql", soft_wrap=True)
    console.print(f"As a file   {description_path}", soft_wrap=True)
    console.print("Ctrl-C stops.")


def _build_roles_table() -> Table:
    table = Table(title="Roles and their purposes", show_lines=True)
    table.add_column("role", style="bold")
    table.add_column("purposes of its token", overflow="fold")
    table.add_column("a first query", overflow="fold")
    for role in ROLES:
        table.add_row(role.name, "\n".join(role.purposes), role.query)
    return table


def _build_comparison_table(answers: RoleAnswers) -> Table:
    table = Table(title="Greta of the cast, one query under five tokens")
    table.add_column("attribute", style="bold", no_wrap=True)
    for role in answers:
        table.add_column(role, overflow="fold")
    *attributes, withheld = build_comparison_rows(answers)
    for cells in attributes:
        table.add_row(*cells)
    table.add_section()
    table.add_row(*withheld)
    return table


def _flatten_answer(answer: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in answer.items():
        if isinstance(value, Mapping) and value.keys() == {"amount", "currency"}:
            yield prefix + name, f"{value['amount']} {value['currency']}"
        elif isinstance(value, Mapping):
            yield from _flatten_answer(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _describe_withheld(disclosure: Mapping[str, Any]) -> str:
    counts = Counter(entry["reason"] for entry in disclosure["withheld"])
    return (
        ", ".join(f"{count} {_SHORT_REASONS.get(reason, reason)}" for reason, count in counts.items())
        or "nothing"
    )


_SHORT_REASONS = {"PURPOSE_NOT_GRANTED": "not granted", "WITHHELD": "withheld"}
"""Short names of reasons, for a narrow column."""
