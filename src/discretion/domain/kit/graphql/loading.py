"""Loading of customers for resolvers, by the projection of the compiled plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.plan.compile import BASE_PROJECTION
from discretion.plan.plan import CustomerProjection
from discretion.purpose.decision import EVERY_BIT
from discretion.reveal.revealer import CustomerRow, Reading


def find_projection(info: ResolverInfo) -> CustomerProjection:
    """Return the projection that the plan has for the root field that is being resolved."""
    path = info.path
    while path.prev is not None:
        path = path.prev
    return info.context.require_reading().plan.projections.get(str(path.key), BASE_PROJECTION)


async def load_customer(info: ResolverInfo, customer: bytes | None) -> CustomerRow | None:
    """Load one customer; None if there is none, or the grant may not read them."""
    reading = info.context.require_reading()
    if customer is None:
        return None
    rows = await load_customers(info, reading, [customer])
    return rows[0]


async def load_customers(
    info: ResolverInfo, reading: Reading, customers: Sequence[bytes | None]
) -> list[CustomerRow | None]:
    """Load customers in the given order, with None for each that the grant may not read."""
    reachable = [customer for customer in customers if customer is not None]
    reach = reading.plan.reach_bits
    # A customer's own token reads that customer only, whatever ids the query names.
    if reading.grant.is_self:
        reachable = [customer for customer in reachable if customer == reading.own_customer]
    if not reachable or reach == 0:
        return [None for _ in customers]
    docs = await info.context.resources.customers.load_many(reachable, find_projection(info), reach)
    rows = {
        customer_id: reading.open_rows([doc])[0]
        for customer_id, doc in zip(reachable, docs, strict=True)
        if doc is not None
    }
    # One result for an unknown id and for a customer who may not be read: a caller
    # cannot find out which ids exist.
    return [rows.get(customer) if customer is not None else None for customer in customers]


async def load_subjects(info: ResolverInfo, customers: Iterable[bytes]) -> dict[bytes, CustomerRow]:
    """Load the customers whom an answer is about, without attributes; return those who exist, by these ids.

    The ledger then names them in the entry of the operation, whichever purposes the grant has: the answer
    says something about them although the grant may read none of their attributes.
    """
    subjects = list(dict.fromkeys(customers))
    docs = await info.context.resources.customers.load_many(subjects, BASE_PROJECTION, EVERY_BIT)
    reading = info.context.require_reading()
    return {
        customer: reading.open_rows([doc])[0]
        for customer, doc in zip(subjects, docs, strict=True)
        if doc is not None
    }
