"""What an attack has changed for others: takeovers, evictions, overwritten values, widened purposes.

Many attacks run in one database, each on a population of its own: every identifier carries the number of its
population.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

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

T = TypeVar("T")
ID = "id"
FIELDS = (
    "id permissions { purpose { key } permitted } identity { givenName } contact { email address { street } }"
)
ADDRESSEES = ("vera", "otto", "tilda", "rosa")
CONNECTIONS = 8

LOOKUPS_OF_QUERY = 20
"""The most fields at the root of one query that the server takes."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """An identifier whose customer is looked up, and what is asked about the customer."""

    type: str
    value: str
    fields: str = ID


ADDRESS_LOOKUPS = tuple(Lookup("email", address) for address in ADDRESSES[: len(ADDRESSEES)])
"""The addresses of ``ADDRESSEES``, in the same order."""


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
    numbers = list(attacks)
    await _send(platform, dict.fromkeys(numbers, SETUP), "setup")
    before = await _read_standings(platform, numbers)
    messages = {
        number: [(action.source, dict(action.body)) for action in attack]
        for number, attack in attacks.items()
    }
    await _send(platform, messages, "attack")
    after, own, answers = await asyncio.gather(
        _read_standings(platform, numbers),
        _read_own_customers(platform, numbers),
        _look_up_all(platform, "support", ADDRESS_LOOKUPS, numbers),
    )
    return {
        number: [
            *(
                change
                for name in VICTIMS
                for change in _compare(name, before[number][name], after[number][name])
            ),
            *_find_takeovers(after[number], own[number]),
            *_find_wrong_answers(answers[number], after[number]),
        ]
        for number in numbers
    }


async def _run_side_by_side(queries: Iterable[Awaitable[T]]) -> list[T]:
    """Run queries side by side, as clients with a few connections do, and return their answers in order."""
    free = asyncio.Semaphore(CONNECTIONS)

    async def run(query: Awaitable[T]) -> T:
        async with free:
            return await query

    return await asyncio.gather(*map(run, queries))


def _split(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def rename(value: str, number: int) -> str:
    """Return an identifier as the population with this number has it."""
    local_part, at, host = value.partition("@")
    return f"{local_part}-{number}{at}{host}"


async def _read_standings(
    platform: PlatformUnderTest, numbers: Sequence[int]
) -> dict[int, dict[str, Standing]]:
    """Read the standing of every customer, by the identifiers that are theirs alone.

    The first of these leads to their values too; whether the others lead to the same customer, the id says.
    """
    lookups = [
        Lookup(identifier_type, value, ID if position else FIELDS)
        for identifiers in VICTIMS.values()
        for position, (identifier_type, value) in enumerate(identifiers)
    ]
    names = [name for name, identifiers in VICTIMS.items() for _ in identifiers]
    found_customers = await _look_up_all(platform, "steward", lookups, numbers)
    standings = {}
    for number, customers in found_customers.items():
        customers_of: dict[str, list[dict[str, Any] | None]] = {name: [] for name in VICTIMS}
        for name, customer in zip(names, customers, strict=True):
            customers_of[name].append(customer)
        standings[number] = {name: _build_standing(each) for name, each in customers_of.items()}
    return standings


async def _look_up_all(
    platform: PlatformUnderTest, role: str, lookups: Sequence[Lookup], numbers: Sequence[int]
) -> dict[int, Sequence[dict[str, Any] | None]]:
    """Return for each population the customers that its identifiers lead to, several with one query."""
    token = platform.issue_token(role, client="reader")
    groups = _split(numbers, LOOKUPS_OF_QUERY // len(lookups))
    answers = await _run_side_by_side(
        _look_up(
            platform,
            token,
            [replace(lookup, value=rename(lookup.value, number)) for number in group for lookup in lookups],
        )
        for group in groups
    )
    return {
        number: customers
        for group, answer in zip(groups, answers, strict=True)
        for number, customers in zip(group, _split(answer, len(lookups)), strict=True)
    }


async def _look_up(
    platform: PlatformUnderTest, token: str, lookups: Sequence[Lookup]
) -> list[dict[str, Any] | None]:
    """Return the customers that identifiers lead to. One document serves many populations."""
    parameters = ", ".join(f"$i{place}: IdentifierInput!" for place in range(len(lookups)))
    selections = " ".join(
        f"c{place}: customer(identifier: $i{place}) {{ {lookup.fields} }}"
        for place, lookup in enumerate(lookups)
    )
    variables = {
        f"i{place}": {"type": lookup.type, "value": lookup.value} for place, lookup in enumerate(lookups)
    }
    answer = await platform.query(f"query({parameters}) {{ {selections} }}", token, variables)
    assert "errors" not in answer, answer
    return [answer["data"][f"c{place}"] for place in range(len(lookups))]


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


async def _read_own_customers(platform: PlatformUnderTest, numbers: Sequence[int]) -> dict[int, set[str]]:
    """Return the customers that the stranger's logins reach, and those of their cards."""
    of_cards = await _look_up_all(platform, "steward", [Lookup(*card) for card in STRANGERS_CARDS], numbers)
    logins = [(number, rename(account, number)) for number in numbers for account in STRANGERS]
    reached = await _run_side_by_side(_find_login_customer(platform, login) for _, login in logins)
    own = {number: {each["id"] for each in cards if each is not None} for number, cards in of_cards.items()}
    for (number, _), customer in zip(logins, reached, strict=True):
        if customer is not None:
            own[number].add(customer)
    return own


async def _find_login_customer(platform: PlatformUnderTest, login: str) -> str | None:
    token = platform.issue_token("customer", client="reader", subject=login)
    answer = await platform.query("{ me { id } }", token)
    assert "errors" not in answer, answer
    me = answer["data"]["me"]
    return None if me is None else str(me["id"])


def _find_takeovers(after: dict[str, Standing], own: set[str]) -> Iterator[str]:
    for name, standing in after.items():
        if own & standing.customers:
            yield f"takeover: the stranger's login or card reaches {name}"


def _find_wrong_answers(
    answers: Sequence[dict[str, Any] | None], after: dict[str, Standing]
) -> Iterator[str]:
    """Yield whose address leads support to somebody else."""
    for name, customer in zip(ADDRESSEES, answers, strict=True):
        if customer is not None and customer["id"] not in after[name].customers:
            yield f"wrong person: the address of {name} leads support to somebody else"


async def _send(platform: PlatformUnderTest, messages: Mapping[int, Sequence[Message]], prefix: str) -> None:
    """Send the messages of each population in their order, those of all populations side by side."""
    for step in range(max(map(len, messages.values()))):
        batches: dict[str, list[dict[str, Any]]] = {}
        for number, sequence in messages.items():
            if step < len(sequence):
                source, body = sequence[step]
                numbered = {"timestamp": f"2026-03-03T10:{step:02}:00Z", **_rename_ids(body, number)}
                batches.setdefault(source, []).append({**numbered, "messageId": f"{prefix}-{number}-{step}"})
        # No population has messages in two of these batches.
        outcomes = await asyncio.gather(
            *(platform.send_messages(source, *batch) for source, batch in batches.items())
        )
        for outcome in outcomes:
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
