"""An id from before a merge identifies the customer that it was merged into."""

from __future__ import annotations

import pytest

from discretion.store.customer_codec import (
    CustomerDocument,
    FormerCustomer,
    StoredPermissions,
    build_customer_document,
)
from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database
from discretion.store.people import CurrentCustomer, PeopleStore
from discretion.store.schema.apply import apply_schema
from discretion.store.transactions import PendingWrite, TransactionAborted, Transactions, plan_update

ANN, FORMER, NOBODY = b"a" * 16, b"f" * 16, b"n" * 16


def build_customer(customer: bytes, *former: bytes) -> MutableDocument:
    """Build a customer's document."""
    return build_customer_document(
        CustomerDocument(
            id=customer,
            version=2,
            wrapped_key=b"k" + customer,
            permissions=StoredPermissions(0, 0, 0, {}, "", ("eu",), restricted=False),
            created=5,
            updated=5,
            former=tuple(FormerCustomer(former_id, b"k" + former_id) for former_id in former),
        )
    )


@pytest.mark.parametrize("named_id", [ANN, FORMER])
async def test_a_customer_is_found_by_every_id_they_had(database: Database, named_id: bytes) -> None:
    await apply_schema(database)
    await database.insert_many("customers", [build_customer(ANN, FORMER)])
    current = await PeopleStore(database).current(named_id)
    former = (FormerCustomer(FORMER, b"k" + FORMER),)
    assert current == CurrentCustomer(ANN, 2, b"k" + ANN, former, ("eu",), 5, restricted=False)
    assert current is not None
    assert current.ids == (ANN, FORMER)


async def test_an_id_of_nobody_is_not_found(database: Database) -> None:
    await apply_schema(database)
    await database.insert_many("customers", [build_customer(ANN, FORMER)])
    assert await PeopleStore(database).current(NOBODY) is None


async def test_a_write_that_must_match_and_does_not_aborts(database: Database) -> None:
    await apply_schema(database)
    await database.insert_many("customers", [build_customer(ANN)])
    stale: PendingWrite = plan_update("customers", {"_id": ANN, "v": 1}, {"$set": {"w": 6}}, must_match=True)
    with pytest.raises(TransactionAborted):
        await Transactions(database).send([stale])
