"""The compiled executor answers as stock graphql-core does, errors included."""

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
from discretion.catalogue.model import ValueType
from discretion.edge.graphql.operation_runner import Answer
from discretion.edge.graphql.plan_executor import PlanExecutor
from tests.properties.queries import Asked, queries
from tests.properties.settings import LAW, Loop
from tests.properties.twin_databases import Asker, Values
from tests.properties.twin_platforms import ASKERS, GRETA, UNREADABLE, Base, Pair, people, twins

NOW = int(time.time() * 1000)
STEWARD = Asker("steward", "office", ("essential.legal_obligation",))
EACH = 320
WANTED = 2_000


class Stock(PlanExecutor):
    """graphql-core as Strawberry has it: every field is resolved by itself."""

    complete_list_value = StrawberryGraphQLCoreExecutionContext.complete_list_value
    complete_object_value = StrawberryGraphQLCoreExecutionContext.complete_object_value


def stock(*given: Any) -> app.Platform:
    """A platform without the compiled path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "Answer", partial(Answer, executor=Stock))
        return app.assemble(*given)


@pytest.fixture(scope="module")
def base(run: Loop, mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    """People, two of whom have data that cannot be revealed: a seal that is broken, a date that is none."""
    for made in run.enter(people(mongo_url, tmp_path_factory.mktemp("house"), NOW)):
        run(damage(made))
        yield made


async def damage(base: Base) -> None:
    """Break what is stored of two customers."""
    database = base.database
    one, two, *_ = await database.find("customers", {"allow": {"$bitsAnySet": 0b11111111}}, sort=[("_id", 1)])
    broken = {key: cell[:-1] + bytes([cell[-1] ^ 1]) for key, cell in one["s"].items()}
    await database.update_one("customers", {"_id": one["_id"]}, {"$set": {"s": broken}})
    held = Values(two, base.revealer.buckets.unwrap(two["_id"], two["key"]))
    for attribute in base.catalogue.attributes.values():
        if attribute.type in {ValueType.DATE, ValueType.DATETIME, ValueType.MONEY} and not attribute.many:
            held.set(attribute, UNREADABLE, NOW)
    await database.replace_one("customers", {"_id": two["_id"]}, held.doc)


@pytest.fixture(scope="module", params=[*ASKERS, STEWARD], ids=lambda one: one.name)
def pair(run: Loop, base: Base, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """The same data behind both executors."""
    own = GRETA if request.param.name == "customer" else None
    yield from run.enter(twins(base, request.param, own=own, alike=True, right=stock))


@pytest.fixture(scope="module")
def asked_so_far() -> dict[str, int]:
    """Distinct operations, and how many of them had errors."""
    return {}


def test_both_executors_answer_alike(run: Loop, pair: Pair, asked_so_far: dict[str, int]) -> None:
    """Data and the order of its keys, errors with place and path, and the disclosure."""

    @settings(LAW, max_examples=EACH)
    @given(st.data())
    def law(data: st.DataObject) -> None:
        asked: Asked = data.draw(queries(pair.world, tuple(pair.world.catalogue.purposes)))
        assert run(pair.differs(asked)) is None, asked.text

    law()
    asked_so_far.update(pair.met)


def test_two_thousand_operations_were_compared(asked_so_far: dict[str, int]) -> None:
    """Distinct ones, a tenth of them with errors and most of them without."""
    assert len(asked_so_far) >= WANTED
    assert len(asked_so_far) / 10 < sum(asked_so_far.values()) < len(asked_so_far) * 0.9
