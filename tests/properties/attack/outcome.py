"""What an attack has changed for others: takeovers, evictions, overwritten values, widened purposes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fixtures.platform import PlatformUnderTest
from tests.properties.attack.world import ADDRESSES, SETUP, STRANGERS, VICTIMS, Action, Message
from tests.properties.random_population import delete_everything

VALUES = ("identity { givenName }", "contact { email address { street } }")
FIELDS = f"id permissions {{ purpose {{ key }} permitted }} {' '.join(VALUES)}"
READER = "essential.service.operations.support"


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for one customer: whom their identifiers lead to, their values, and what they permit."""

    customers: frozenset[str | None]
    values: str
    permitted: frozenset[str]


async def run_attack(platform: PlatformUnderTest, attack: Sequence[Action]) -> list[str]:
    """Send the messages of an attack to a fresh population, and return what it has changed for others."""
    await delete_everything(platform)
    await _send(platform, SETUP)
    before = await read_standings(platform)
    await _send(platform, [(action.source, dict(action.body)) for action in attack], "attack")
    after = await read_standings(platform)
    own = await _read_own_customers(platform)
    return [
        *(change for name in VICTIMS for change in _compare(name, before[name], after[name])),
        *_find_takeovers(after, own),
        *await _find_wrong_answers(platform, after),
    ]


async def read_standings(platform: PlatformUnderTest) -> dict[str, Standing]:
    """Read the standing of every customer, by the identifiers that are theirs alone."""
    aliases = [(name, place) for name, identifiers in VICTIMS.items() for place in range(len(identifiers))]
    lookups = " ".join(
        f'{name}{place}: customer(identifier: {{type: "{VICTIMS[name][place][0]}", '
        f'value: "{VICTIMS[name][place][1]}"}}) {{ {FIELDS} }}'
        for name, place in aliases
    )
    token = platform.issue_token(purposes=[READER], scopes=["steward"], client="reader")
    answer = await platform.query(f"{{ {lookups} }}", token)
    assert "errors" not in answer, answer
    found: dict[str, list[dict[str, Any] | None]] = {name: [] for name in VICTIMS}
    for name, place in aliases:
        found[name].append(answer["data"][f"{name}{place}"])
    return {name: _build_standing(customers) for name, customers in found.items()}


def _build_standing(customers: Sequence[dict[str, Any] | None]) -> Standing:
    first = customers[0] or {}
    return Standing(
        frozenset(None if customer is None else customer["id"] for customer in customers),
        repr([first.get("identity"), first.get("contact")]),
        frozenset(entry["purpose"]["key"] for entry in first.get("permissions", ()) if entry["permitted"]),
    )


def _compare(name: str, before: Standing, after: Standing) -> Iterator[str]:
    assert len(before.customers) == 1, f"{name} is one customer before the attack"
    assert None not in before.customers
    if after.customers != before.customers:
        yield f"eviction: the records of {name} lead elsewhere"
    if after.values != before.values:
        yield f"overwritten: the values of {name}"
    if widened := after.permitted - before.permitted:
        yield f"widened: {name} permits {sorted(widened)}"


async def _read_own_customers(platform: PlatformUnderTest) -> set[str]:
    """Return the customers that the stranger's logins reach."""
    own = set()
    for account in STRANGERS:
        answer = await platform.query(
            "{ me { id } }", platform.issue_token("customer", client="reader", subject=account)
        )
        assert "errors" not in answer, answer
        if answer["data"]["me"] is not None:
            own.add(answer["data"]["me"]["id"])
    return own


def _find_takeovers(after: dict[str, Standing], own: set[str]) -> Iterator[str]:
    for name, standing in after.items():
        if own & standing.customers:
            yield f"takeover: the stranger's login reaches {name}"


async def _find_wrong_answers(platform: PlatformUnderTest, after: dict[str, Standing]) -> list[str]:
    """Return whose address leads support to somebody else."""
    lookups = " ".join(
        f'a{place}: customer(identifier: {{type: "email", value: "{address}"}}) {{ id }}'
        for place, address in enumerate(ADDRESSES)
    )
    answer = await platform.query(f"{{ {lookups} }}", platform.issue_token("support", client="reader"))
    assert "errors" not in answer, answer
    wrong = []
    for place, name in enumerate(("vera", "otto", "tilda", "rosa")):
        customer = answer["data"][f"a{place}"]
        if customer is not None and customer["id"] not in after[name].customers:
            wrong.append(f"wrong person: the address of {name} leads support to somebody else")
    return wrong


async def _send(platform: PlatformUnderTest, messages: Sequence[Message], prefix: str = "setup") -> None:
    numbered = [
        (source, {"timestamp": f"2026-03-03T10:{number:02}:00Z", **body, "messageId": f"{prefix}-{number}"})
        for number, (source, body) in enumerate(messages)
    ]
    start = 0
    while start < len(numbered):
        source, end = numbered[start][0], start
        while end < len(numbered) and numbered[end][0] == source:
            end += 1
        outcome = await platform.send_messages(source, *(body for _, body in numbered[start:end]))
        refused = [result for result in outcome["results"] if result["status"] == "refused"]
        assert all(result["code"] == "IDENTIFIER_BLOCKED" for result in refused), refused
        start = end
