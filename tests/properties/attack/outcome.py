"""What an attack has changed for others: takeovers, evictions, overwritten values, widened purposes.

Many attacks run in one database, each on a population of its own: every identifier carries the number of its
population.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fixtures.platform import PlatformUnderTest
from tests.properties.attack.world import (
    ADDRESSES,
    SETUP,
    STRANGERS,
    STRANGERS_CARDS,
    VICTIMS,
    Action,
    Message,
)

FIELDS = (
    "id permissions { purpose { key } permitted } identity { givenName } contact { email address { street } }"
)
ADDRESSEES = ("vera", "otto", "tilda", "rosa")
"""Whose addresses the first ones of ``ADDRESSES`` are."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for one customer: whom their identifiers lead to, their values, and what they permit."""

    customers: frozenset[str | None]
    values: str
    permitted: frozenset[str]


async def run_attacks(
    platform: PlatformUnderTest, attacks: Mapping[int, Sequence[Action]]
) -> dict[int, list[str]]:
    """Run attacks, each on a fresh population, and return what each has changed for others.

    Args:
        platform: The platform, which may have other populations.
        attacks: The attacks by the number of their population; no number may be used twice.
    """
    await _send(platform, dict.fromkeys(attacks, SETUP), "setup")
    before = await _read_all_standings(platform, attacks)
    messages = {
        number: [(action.source, dict(action.body)) for action in attack]
        for number, attack in attacks.items()
    }
    await _send(platform, messages, "attack")
    after = await _read_all_standings(platform, attacks)
    changes = {}
    for number in attacks:
        changes[number] = [
            *(
                change
                for name in VICTIMS
                for change in _compare(name, before[number][name], after[number][name])
            ),
            *_find_takeovers(after[number], await _read_own_customers(platform, number)),
            *await _find_wrong_answers(platform, number, after[number]),
        ]
    return changes


def rename(value: str, number: int) -> str:
    """Return an identifier as the population with this number has it."""
    local_part, at, host = value.partition("@")
    return f"{local_part}-{number}{at}{host}"


async def _read_all_standings(
    platform: PlatformUnderTest, numbers: Mapping[int, object]
) -> dict[int, dict[str, Standing]]:
    token = platform.issue_token("steward", client="reader")
    return {number: await _read_standings(platform, token, number) for number in numbers}


async def _read_standings(platform: PlatformUnderTest, token: str, number: int) -> dict[str, Standing]:
    """Read the standing of every customer, by the identifiers that are theirs alone."""
    looked_up = [(name, identifier) for name, identifiers in VICTIMS.items() for identifier in identifiers]
    customers = await _look_up(platform, token, [identifier for _, identifier in looked_up], number, FIELDS)
    customers_of: dict[str, list[dict[str, Any] | None]] = {name: [] for name in VICTIMS}
    for (name, _), customer in zip(looked_up, customers, strict=True):
        customers_of[name].append(customer)
    return {name: _build_standing(customers) for name, customers in customers_of.items()}


async def _look_up(
    platform: PlatformUnderTest,
    token: str,
    identifiers: Sequence[tuple[str, str]],
    number: int,
    fields: str,
) -> list[dict[str, Any] | None]:
    """Return the customers that identifiers of a population lead to. One document serves all populations."""
    places = range(len(identifiers))
    parameters = ", ".join(f"$i{place}: IdentifierInput!" for place in places)
    selections = " ".join(f"c{place}: customer(identifier: $i{place}) {{ {fields} }}" for place in places)
    variables = {
        f"i{place}": {"type": identifier_type, "value": rename(value, number)}
        for place, (identifier_type, value) in enumerate(identifiers)
    }
    answer = await platform.query(f"query({parameters}) {{ {selections} }}", token, variables)
    assert "errors" not in answer, answer
    return [answer["data"][f"c{place}"] for place in places]


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


async def _read_own_customers(platform: PlatformUnderTest, number: int) -> set[str]:
    """Return the customers that the stranger's logins reach, and those of their cards."""
    steward = platform.issue_token("steward", client="reader")
    of_cards = await _look_up(platform, steward, STRANGERS_CARDS, number, "id")
    own = {customer["id"] for customer in of_cards if customer is not None}
    for account in STRANGERS:
        token = platform.issue_token("customer", client="reader", subject=rename(account, number))
        answer = await platform.query("{ me { id } }", token)
        assert "errors" not in answer, answer
        if answer["data"]["me"] is not None:
            own.add(answer["data"]["me"]["id"])
    return own


def _find_takeovers(after: dict[str, Standing], own: set[str]) -> Iterator[str]:
    for name, standing in after.items():
        if own & standing.customers:
            yield f"takeover: the stranger's login or card reaches {name}"


async def _find_wrong_answers(
    platform: PlatformUnderTest, number: int, after: dict[str, Standing]
) -> list[str]:
    """Return whose address leads support to somebody else."""
    token = platform.issue_token("support", client="reader")
    identifiers = [("email", address) for address in ADDRESSES[: len(ADDRESSEES)]]
    customers = await _look_up(platform, token, identifiers, number, "id")
    return [
        f"wrong person: the address of {name} leads support to somebody else"
        for name, customer in zip(ADDRESSEES, customers, strict=True)
        if customer is not None and customer["id"] not in after[name].customers
    ]


async def _send(platform: PlatformUnderTest, messages: Mapping[int, Sequence[Message]], prefix: str) -> None:
    """Send the messages of each population in their order, those of all populations side by side."""
    for step in range(max(map(len, messages.values()))):
        batches: dict[str, list[dict[str, Any]]] = {}
        for number, sequence in messages.items():
            if step < len(sequence):
                source, body = sequence[step]
                numbered = {"timestamp": f"2026-03-03T10:{step:02}:00Z", **_rename_ids(body, number)}
                batches.setdefault(source, []).append({**numbered, "messageId": f"{prefix}-{number}-{step}"})
        for source, batch in batches.items():
            outcome = await platform.send_messages(source, *batch)
            assert all(result["status"] == "accepted" for result in outcome["results"]), outcome


def _rename_ids(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    renamed = dict(body)
    for member in ("userId", "anonymousId", "previousId"):
        if member in renamed:
            renamed[member] = rename(renamed[member], number)
    if "email" in renamed.get("traits", {}):
        renamed["traits"] = {**renamed["traits"], "email": rename(renamed["traits"]["email"], number)}
    if "externalIds" in renamed.get("context", {}):
        (external_id,) = renamed["context"]["externalIds"]
        named = [{**external_id, "id": rename(external_id["id"], number)}]
        renamed["context"] = {**renamed["context"], "externalIds": named}
    return renamed
