"""Asking the platform, as a steward, which customer each record is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import httpx

from tests.bench.linking.evidence import Record

TOGETHER: Final = 20
"""Customers looked up by one query: as many root fields as a document may have."""
CONCURRENCY: Final = 4

_ARGUMENTS = ", ".join(f"$w{n}: IdentifierInput!" for n in range(TOGETHER))
_FIELDS = " ".join(f"c{n}: customer(identifier: $w{n}) {{ id }}" for n in range(TOGETHER))
QUERY: Final = f"query Who({_ARGUMENTS}) {{ {_FIELDS} }}"

Who = tuple[str, Record]


async def customers(
    url: str, token: str, records: Mapping[str, Record], told: Callable[[int], None]
) -> dict[str, str | None]:
    """The customer of each record, found by the record's own id; None where nobody is found.

    Raises:
        RuntimeError: an answer has errors.
    """
    found: dict[str, str | None] = {}
    everybody = list(records.items())
    waiting = iter([everybody[n : n + TOGETHER] for n in range(0, len(everybody), TOGETHER)])
    headers = {"authorization": f"Bearer {token}"}

    async def work(http: httpx.AsyncClient) -> None:
        for some in waiting:
            found.update(await _look_up(http, some))
            told(len(found))

    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as http,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(CONCURRENCY):
            group.create_task(work(http))
    return found


async def _look_up(http: httpx.AsyncClient, some: Sequence[Who]) -> dict[str, str | None]:
    variables: dict[str, Any] = {}
    for number in range(TOGETHER):  # the last query asks for its last one again, and is the same document
        kind, value = some[min(number, len(some) - 1)][1].own
        variables[f"w{number}"] = {"type": kind, "value": value}
    answer = (await http.post("/graphql", json={"query": QUERY, "variables": variables})).json()
    if "errors" in answer:
        raise RuntimeError(str(answer["errors"])[:2000])
    shown = [answer["data"][f"c{number}"] for number in range(len(some))]
    return {name: one and one["id"] for (name, _), one in zip(some, shown, strict=True)}
