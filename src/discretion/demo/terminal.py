"""What the demo prints: one question under every role, and how to go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from discretion.demo.roles import ROLES

FIND = 'query Find($email: String!) { customer(identifier: { type: "email", value: $email }) { id } }'
SAME = """\
query Same($id: ID!) {
  customer(id: $id) {
    identity { givenName familyName }
    contact { email phone address { country } }
    demographics { birthDate }
    commerce { loyaltyTier lifetimeValue }
  }
}"""
COMPARED = ("frontend", "support", "marketing", "partner", "customer")

Answers = Mapping[str, Mapping[str, Any]]
"""The response to one query, for each role."""


async def ask(
    client: httpx.AsyncClient, query: str, token: str, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """The response to a query."""
    response = await client.post(
        "/graphql",
        json={"query": query, "variables": dict(variables)},
        headers={"authorization": f"Bearer {token}"},
    )
    answer: dict[str, Any] = response.json()
    return answer


async def same_query(
    client: httpx.AsyncClient, tokens: Mapping[str, str], ids: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """One question about one person, asked under each role that is compared."""
    return {role: await ask(client, SAME, tokens[role], {"id": ids[role]}) for role in COMPARED}


def rows(answers: Answers) -> Iterator[tuple[str, ...]]:
    """An attribute and what each role was shown of it; last, what was withheld and why."""
    shown = {role: dict(_leaves(answer["data"]["customer"])) for role, answer in answers.items()}
    for path in next(iter(shown.values())):
        yield (path, *("null" if one[path] is None else str(one[path]) for one in shown.values()))
    yield ("withheld", *(_reasons(answer["extensions"]["disclosure"]) for answer in answers.values()))


def show(out: Console, answers: Answers, tokens: Mapping[str, str], url: str, described: Path) -> None:
    """Everything somebody needs to ask for themselves."""
    out.print(_roles())
    out.print(_compared(answers))
    out.print("Their tokens, one to a line so that they can be copied:")
    for name, token in tokens.items():
        out.print(f"[bold]{name:<10}[/bold] {token}", soft_wrap=True, highlight=False)
    out.print(f"GraphiQL    {url}/graphql", soft_wrap=True)
    out.print(f"The same    {described}", soft_wrap=True)
    out.print("Ctrl-C stops.")


def _roles() -> Table:
    table = Table(title="Who may ask what", show_lines=True)
    table.add_column("role", style="bold")
    table.add_column("purposes of its token", overflow="fold")
    table.add_column("a first query", overflow="fold")
    for role in ROLES:
        table.add_row(role.name, "\n".join(role.purposes), role.query)
    return table


def _compared(answers: Answers) -> Table:
    table = Table(title="Greta of the cast, one query under five tokens")
    table.add_column("attribute", style="bold", no_wrap=True)
    for role in answers:
        table.add_column(role, overflow="fold")
    *attributes, withheld = rows(answers)
    for cells in attributes:
        table.add_row(*cells)
    table.add_section()
    table.add_row(*withheld)
    return table


def _leaves(answer: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in answer.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _reasons(disclosure: Mapping[str, Any]) -> str:
    counted = Counter(one["reason"] for one in disclosure["withheld"])
    return (
        ", ".join(f"{count} {_WORDS.get(reason, reason)}" for reason, count in counted.items()) or "nothing"
    )


_WORDS = {"PURPOSE_NOT_GRANTED": "not granted", "WITHHELD": "withheld"}
"""Reasons as a narrow column has room for."""
