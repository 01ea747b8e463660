"""Reads of customers: which are listed and loaded, in which order, and what is read besides."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from discretion.plan.customer_members import (
    ALLOW,
    CONTESTED,
    CONTESTS,
    FORMER,
    FORMER_ID,
    FORMER_KEY,
    LATER,
    RULES,
    UNTIL,
)
from discretion.plan.permission_window import PermissionWindow, Query
from discretion.plan.plan import CustomerProjection
from discretion.purpose.permission_engine import FORECAST_MS
from discretion.store.customer_codec import CustomerDocument, StoredPermissions, build_customer_document
from discretion.store.customers import CustomerStore
from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database
from tests.fixtures.mongo import CommandRecorder

NOW = 1_800_000_000_000
MASK = 0b0110
PROJECTION = CustomerProjection((ALLOW, LATER, RULES, "7", UNTIL), ("c.7",))
CONTESTED_CELL = {"t": 1, "p": "web-shop", "c": b"d"}
WINDOW = PermissionWindow("now", 0b0100, {"before": 0b0110})

CURRENT = {RULES: "now", UNTIL: NOW + 1}
EXPIRED = {RULES: "now", UNTIL: NOW}
WINDOWS: tuple[dict[str, Any], ...] = (
    CURRENT,
    EXPIRED,
    {RULES: "now", UNTIL: NOW - FORECAST_MS},
    {RULES: "before", UNTIL: NOW + 1},
    {RULES: "lost", UNTIL: NOW + 1},
    {RULES: "lost", UNTIL: NOW - 1},
)


def build_customers(windows: tuple[dict[str, Any], ...]) -> list[MutableDocument]:
    """Build customers with these windows and all combinations of four purposes, in an arbitrary order."""
    contents = [
        {**window, ALLOW: allow, LATER: later}
        for window in windows
        for allow in range(16)
        for later in range(16)
    ]
    random.Random(7).shuffle(contents)
    return [{**build_customer(number.to_bytes(2)), **content} for number, content in enumerate(contents)]


def build_customer(customer: bytes) -> MutableDocument:
    """Build a customer with one sealed value, who permits nothing."""
    return build_customer_document(
        CustomerDocument(
            id=customer,
            version=1,
            wrapped_key=b"k",
            permissions=StoredPermissions(0, 0, 0, {}, "now", (), restricted=False),
            created=1,
            updated=1,
            sealed={"7": b"c"},
        )
    )


def list_permitting(documents: list[MutableDocument]) -> list[bytes]:
    """Return the ids of the customers who permit one of the purposes."""
    return [document["_id"] for document in documents if WINDOW.permitted_bits(document, NOW) & MASK]


async def insert(database: Database, documents: list[MutableDocument]) -> CustomerStore:
    """Insert customers, and return the store."""
    await database.insert_many("customers", documents)
    return CustomerStore(database, WINDOW, lambda: NOW)


async def list_all(store: CustomerStore, size: int, build_exact_query: Callable[[], Query]) -> list[bytes]:
    """List all customers page by page."""
    listed: list[bytes] = []
    while True:
        after: Query = {"_id": {"$gt": listed[-1]}} if listed else {}
        page = await store.list_page(
            {"$and": [WINDOW.build_candidate_clause(MASK, NOW), after]},
            lambda after=after: {"$and": [build_exact_query(), after]},  # type: ignore[misc]
            [("_id", 1)],
            size,
            PROJECTION,
            NOW,
        )
        listed += [document["_id"] for document in page]
        if len(page) < size:
            return listed


@pytest.mark.parametrize("size", [1, 7, 500])
async def test_pages_hold_every_customer_who_permits_a_purpose_and_nobody_else(
    database: Database, size: int
) -> None:
    """Also where windows have ended or other rules computed them; in order, and nobody twice."""
    documents = build_customers(WINDOWS)[: 1000 if size > 1 else 200]
    store = await insert(database, documents)
    listed = await list_all(store, size, lambda: WINDOW.build_clause(MASK, NOW))
    assert listed == list_permitting(documents)


async def test_the_exact_query_is_asked_only_if_a_window_is_not_current(database: Database) -> None:
    """A customer whose window ended this millisecond is judged by the permissions after it."""
    asked: list[bool] = []

    def build_exact_query() -> Query:
        asked.append(True)
        return WINDOW.build_clause(MASK, NOW)

    documents = build_customers((CURRENT,))
    store = await insert(database, documents)
    assert await list_all(store, 50, build_exact_query) == list_permitting(documents)
    assert not asked
    ended = {**build_customer(b"\0"), **EXPIRED, ALLOW: MASK, LATER: 0}
    still = {**build_customer(b"\1"), **EXPIRED, ALLOW: 0, LATER: MASK}
    await database.insert_many("customers", [ended, still])
    assert (await list_all(store, 500, build_exact_query))[:1] == [still["_id"]]
    assert asked


async def test_a_customer_who_permits_nothing_is_loaded_like_one_who_does_not_exist(
    database: Database,
) -> None:
    """One at a time and many at once, by present and by former ids."""
    documents = build_customers(WINDOWS)[:300]
    documents[0][FORMER] = [{FORMER_ID: b"former", FORMER_KEY: b"k"}]
    store = await insert(database, documents)
    ids = [document["_id"] for document in documents]
    permitting = set(list_permitting(documents))
    together = await store.load_many(ids, PROJECTION, MASK)
    for customer, loaded in zip(ids, together, strict=True):
        assert (loaded is not None) == (customer in permitting)
        alone = await store.load(customer, PROJECTION, MASK)
        assert alone == loaded
    assert (await store.load(b"former", PROJECTION, MASK) is not None) == (ids[0] in permitting)
    assert await store.load(b"former", PROJECTION, -1) is not None


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_contested_values_are_read_only_of_customers_who_contest(
    commands: CommandRecorder, database: Database
) -> None:
    """No other query names them, and a plan that may not read them does not look for them."""
    plain, contesting = build_customers((CURRENT,))[:2]
    plain[ALLOW] = contesting[ALLOW] = MASK
    del contesting["7"]
    contesting |= {CONTESTS: True, CONTESTED: {"7": CONTESTED_CELL, "9": CONTESTED_CELL}}
    store = await insert(database, [plain, contesting])
    ids = [plain["_id"], contesting["_id"]]
    commands.clear()
    first, second = await store.load_many(ids, PROJECTION.add(CONTESTS), MASK)
    assert first
    assert CONTESTED not in first
    assert second
    assert second[CONTESTED] == {"7": CONTESTED_CELL}
    looks = commands.list_commands("find")
    assert ["c.7" in look["projection"] for look in looks] == [False, True]
    assert looks[1]["filter"] == {"_id": {"$in": [contesting["_id"]]}}
    commands.clear()
    await store.load_many(ids, CustomerProjection(PROJECTION.names), MASK)
    assert not any(
        name in (CONTESTS, CONTESTED, "c.7") for look in commands.sent for name in look.get("projection", ())
    )
