"""Loads customers for resolvers by the projection of the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from discretion.domain.kit.graphql.context import Where
from discretion.plan.compile import ALWAYS
from discretion.reveal.revealer import Reading, Row


def projection(info: Where) -> Mapping[str, int]:
    """What the plan asks MongoDB for under the root field being resolved."""
    path = info.path
    while path.prev is not None:
        path = path.prev
    return info.context.meeting().plan.projections.get(str(path.key), ALWAYS)


async def load(info: Where, customer: bytes | None) -> Row | None:
    """One customer the grant may meet, as a row."""
    reading = info.context.meeting()
    if customer is None:
        return None
    rows = await load_many(info, reading, [customer])
    return rows[0]


async def load_many(info: Where, reading: Reading, customers: Sequence[bytes | None]) -> list[Row | None]:
    """Customers in this order, None for whom the grant may not meet."""
    wanted = [one for one in customers if one is not None]
    reach = reading.plan.reach
    if reading.grant.is_self:
        own = reading.identify(reading.grant.subject)
        wanted = [one for one in wanted if one == own]
    if not wanted or reach == 0:
        return [None for _ in customers]
    docs = await info.context.records.customers.by_ids(wanted, projection(info), reach)
    rows = {asked: reading.rows([doc])[0] for asked, doc in zip(wanted, docs, strict=True) if doc is not None}
    return [rows.get(one) if one is not None else None for one in customers]
