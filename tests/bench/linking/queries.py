"""Lookups of the customers of records, with a steward's token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import httpx

from tests.bench.linking.evidence import SentRecord

BATCH_SIZE: Final = 20
"""Customers looked up by one query: the maximum number of root fields of a document."""
CONCURRENCY: Final = 4

_ARGUMENTS = ", ".join(f"$w{n}: IdentifierInput!" for n in range(BATCH_SIZE))
_FIELDS = " ".join(f"c{n}: customer(identifier: $w{n}) {{ id }}" for n in range(BATCH_SIZE))
QUERY: Final = f"query LookUp({_ARGUMENTS}) {{ {_FIELDS} }}"

NamedRecord = tuple[str, SentRecord]


async def find_customers(
    url: str, token: str, records: Mapping[str, SentRecord], report_progress: Callable[[int], None]
) -> dict[str, str | None]:
    """Return the customer id of each record, looked up by the record's own id, or None without a customer.

    Raises:
        RuntimeError: an answer contains errors.
    """
    customer_by_record: dict[str, str | None] = {}
    named_records = list(records.items())
    batches = iter([named_records[n : n + BATCH_SIZE] for n in range(0, len(named_records), BATCH_SIZE)])
    headers = {"authorization": f"Bearer {token}"}

    async def look_up_batches(http: httpx.AsyncClient) -> None:
        for batch in batches:
            customer_by_record.update(await _look_up_batch(http, batch))
            report_progress(len(customer_by_record))

    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as http,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(CONCURRENCY):
            group.create_task(look_up_batches(http))
    return customer_by_record


async def _look_up_batch(http: httpx.AsyncClient, batch: Sequence[NamedRecord]) -> dict[str, str | None]:
    variables: dict[str, Any] = {}
    for number in range(
        BATCH_SIZE
    ):  # the last query repeats its last record, so that all queries are one document
        identifier_type, value = batch[min(number, len(batch) - 1)][1].own_identifier
        variables[f"w{number}"] = {"type": identifier_type, "value": value}
    answer = (await http.post("/graphql", json={"query": QUERY, "variables": variables})).json()
    if "errors" in answer:
        raise RuntimeError(str(answer["errors"])[:2000])
    customers = [answer["data"][f"c{number}"] for number in range(len(batch))]
    return {name: customer and customer["id"] for (name, _), customer in zip(batch, customers, strict=True)}
