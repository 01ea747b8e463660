"""The compiled executor gives the same answers as unmodified graphql-core, errors included."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from discretion import app
from discretion.app.wiring import endpoints
from discretion.catalogue.model import ValueType
from discretion.edge.graphql.operation_runner import OperationRunner
from discretion.edge.graphql.plan_executor import PlanExecutor
from discretion.plan.customer_members import WRAPPED_KEY
from discretion.store.customer_codec import parse_customer
from tests.fixtures.examples import scale_examples
from tests.properties.queries import GeneratedQuery, queries
from tests.properties.settings import PROPERTY_SETTINGS, LoopRunner
from tests.properties.twin_databases import CustomerValues, TokenHolder
from tests.properties.twin_platforms import (
    GRETA,
    TOKEN_HOLDERS,
    UNREADABLE,
    BaseDatabase,
    TwinPair,
    open_base,
    open_twins,
)

NOW = int(time.time() * 1000)
STEWARD = TokenHolder("steward", "office", ("essential.legal_obligation",))
EXAMPLES_PER_HOLDER = scale_examples(100)
MIN_OPERATIONS = scale_examples(600)


class StockExecutor(PlanExecutor):
    """The graphql-core executor of Strawberry, which resolves each field separately."""

    complete_list_value = StrawberryGraphQLCoreExecutionContext.complete_list_value
    complete_object_value = StrawberryGraphQLCoreExecutionContext.complete_object_value


def build_stock_platform(*arguments: Any) -> app.Platform:
    """Build a platform without the compiled executor."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(endpoints, "OperationRunner", partial(OperationRunner, executor=StockExecutor))
        return app.build_platform(*arguments)


@pytest.fixture(scope="module")
def base(
    loop: LoopRunner, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BaseDatabase]:
    """Yield a database with unreadable data of two customers: damaged ciphertexts and invalid dates."""
    for base_database in loop.enter(open_base(mongo_url, tmp_path_factory.mktemp("platform"), NOW)):
        loop.run(damage_two_customers(base_database))
        yield base_database


async def damage_two_customers(base: BaseDatabase) -> None:
    """Damage the stored values of two customers."""
    database = base.database
    first, second, *_ = await database.find(
        "customers", {"a": {"$bitsAnySet": 0b11111111}}, sort=[("_id", 1)]
    )
    broken_cells = {
        key: cell[:-1] + bytes([cell[-1] ^ 1]) for key, cell in parse_customer(first).sealed.items()
    }
    await database.update_one("customers", {"_id": first["_id"]}, {"$set": broken_cells})
    values = CustomerValues(second, base.revealer.buckets.unwrap(second["_id"], second[WRAPPED_KEY]))
    for attribute in base.catalogue.attributes.values():
        if attribute.type in {ValueType.DATE, ValueType.DATETIME, ValueType.MONEY} and not attribute.many:
            values.set(attribute, UNREADABLE, NOW)
    await database.replace_one("customers", {"_id": second["_id"]}, values.doc)


@pytest.fixture(scope="module", params=[*TOKEN_HOLDERS, STEWARD], ids=lambda holder: holder.name)
def pair(loop: LoopRunner, base: BaseDatabase, request: pytest.FixtureRequest) -> Iterator[TwinPair]:
    """Yield two platforms with the same data and different executors."""
    own_email = GRETA if request.param.name == "customer" else None
    yield from loop.enter(
        open_twins(base, request.param, own_email=own_email, same_data=True, build_right=build_stock_platform)
    )


@pytest.fixture(scope="module")
def compared_operations() -> dict[str, int]:
    """Return the distinct operations so far, and whether each had errors."""
    return {}


def test_both_executors_give_the_same_answers(
    loop: LoopRunner, pair: TwinPair, compared_operations: dict[str, int]
) -> None:
    """Data and the order of its keys, errors with location and path, and the disclosure are equal."""

    @settings(PROPERTY_SETTINGS, max_examples=EXAMPLES_PER_HOLDER)
    @given(st.data())
    def check_equality(data: st.DataObject) -> None:
        query: GeneratedQuery = data.draw(
            queries(pair.query_space, tuple(pair.query_space.catalogue.purposes))
        )
        assert loop.run(pair.find_difference(query)) is None, query.text

    check_equality()
    compared_operations.update(pair.compared)


def test_hundreds_of_operations_were_compared(compared_operations: dict[str, int]) -> None:
    """They are distinct; more than a tenth has errors, and fewer than nine tenths."""
    assert len(compared_operations) >= MIN_OPERATIONS
    assert len(compared_operations) / 10 < sum(compared_operations.values()) < len(compared_operations) * 0.9
