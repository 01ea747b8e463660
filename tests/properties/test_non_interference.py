"""An answer depends only on what the asker may see (promise 1), and only that is asked for (promise 2)."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, NoSuchExample

from discretion.catalogue.model import Form
from discretion.domain.profiles.api import customers as query
from discretion.domain.profiles.api import provenance
from discretion.plan import filter as plan_filter
from discretion.plan import plan_cache as plans
from discretion.purpose import decide as decision
from discretion.purpose.decision import EVERY_BIT, Allow, Decision, Way
from discretion.reveal import revealer as reading
from discretion.reveal.forms import iso
from discretion.store.customers import Customers
from tests.properties.queries import queries
from tests.properties.settings import LAW, Loop
from tests.properties.twin_platforms import ASKERS, GRETA, Base, Pair, beyond, people, twins

NOW = int(time.time() * 1000)


@pytest.fixture(scope="module")
def base(run: Loop, mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    """People to make twins of."""
    yield from run.enter(people(mongo_url, tmp_path_factory.mktemp("house"), NOW))


@pytest.fixture(scope="module", params=ASKERS, ids=lambda one: one.name)
def pair(run: Loop, base: Base, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Twins for an asker."""
    yield from run.enter(twins(base, request.param, own=GRETA if request.param.name == "customer" else None))


def test_twins_cannot_be_told_apart(run: Loop, pair: Pair) -> None:
    """Values, nulls, filters, order, cursors, counts, errors and disclosures: byte for byte alike."""
    assert pair.changed > 20

    @LAW
    @given(st.data())
    def law(data: st.DataObject) -> None:
        asked = data.draw(queries(pair.world, tuple(pair.world.catalogue.purposes)))
        assert run(pair.differs(asked)) is None, asked.text

    law()


def test_the_queries_have_answers(run: Loop, pair: Pair) -> None:
    """A law over queries that are all refused would hold of anything."""
    answered: list[bool] = []

    @settings(LAW, max_examples=40)
    @given(st.data())
    def count(data: st.DataObject) -> None:
        asked = data.draw(queries(pair.world, tuple(pair.world.catalogue.purposes)))
        answer = run(pair.answer(asked))
        assert "data" in answer, answer
        answered.append(any(root for name, root in (answer["data"] or {}).items() if name.startswith("r")))

    count()
    assert sum(answered) > len(answered) / 5


SEARCH = settings(LAW, max_examples=2_000, phases=(Phase.generate,))
"""For each asker: a mutant that few queries tell is found after some hundred of them."""


def everything(*_: Any) -> Decision:
    """What a stage says that skips the decision."""
    return Allow((Way(EVERY_BIT, Form.CLEAR),), ("anything",))


def in_a_filter(patch: pytest.MonkeyPatch) -> None:
    """Conditions match everybody, visible or not."""
    patch.setattr(plan_filter, "_holds", lambda one, _: {f"o.{one.attribute.key}": plan_filter._match(one)})


def in_a_negated_filter(patch: pytest.MonkeyPatch) -> None:
    """``none`` matches those of whom the value may not be seen."""
    match = plan_filter._match
    patch.setattr(
        plan_filter,
        "_fails",
        lambda one, by: by.clause(one.attribute) and {f"o.{one.attribute.key}": {"$not": match(one)}},
    )


def in_an_order(patch: pytest.MonkeyPatch) -> None:
    """Sorting leaves nobody out."""
    patch.setattr(query, "compile_order", lambda _order, _visibility: [])


def in_a_count(patch: pytest.MonkeyPatch) -> None:
    """``totalCount`` counts by the filter's words alone."""
    count = Customers.count

    async def counted(self: Customers, wanted: Any) -> int:
        return await count(self, without_allow(wanted))

    patch.setattr(Customers, "count", counted)


def without_allow(part: Any) -> Any:
    """A query without its conditions on what persons permit."""
    if isinstance(part, dict):
        return {name: without_allow(inner) for name, inner in part.items() if name not in {"allow", "later"}}
    return [without_allow(one) for one in part] if isinstance(part, list) else part


def in_a_fragment(patch: pytest.MonkeyPatch) -> None:
    """Nothing is decided for operations that have fragments."""
    decide_only(patch, lambda text: "fragment F" not in text and "... on" not in text)


def in_an_alias(patch: pytest.MonkeyPatch) -> None:
    """Nothing is decided for operations that rename attributes."""
    decide_only(patch, lambda text: " a0_" not in text)


def decide_only(patch: pytest.MonkeyPatch, when: Callable[[str], bool]) -> None:
    """Skip the decision on documents of which ``when`` does not hold."""
    compiled, decide = plans.Plans.plan, decision.decide

    def plan(self: Any, key: Any, grant: Any, uses: Any, operation: Any, *rest: Any) -> Any:
        text = operation.loc.source.body
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(plans, "decide", decide if when(text) else everything)
            return compiled(self, key, grant, uses, operation, *rest)

    patch.setattr(plans.Plans, "plan", plan)


def in_time(patch: pytest.MonkeyPatch) -> None:
    """What is past its retention is still shown."""
    patch.setattr(reading, "lapse", lambda _duration, _now: 0)
    patch.setattr(reading, "shorter", lambda _attribute, _now: ())
    reading.cut_offs.cache_clear()


def in_whom_it_meets(patch: pytest.MonkeyPatch) -> None:
    """Persons' choices are not looked at: ``allow`` is taken to permit everything."""
    rows = reading.Reading.rows

    def every(self: Any, docs: Any) -> Any:
        return rows(self, [{**doc, "allow": 2**62 - 1, "later": 2**62 - 1} for doc in docs])

    patch.setattr(reading.Reading, "rows", every)


def in_provenance(patch: pytest.MonkeyPatch) -> None:
    """Who told a value, and when, is told of one that is not shown as it is."""
    told = provenance._told

    def wider(catalogue: Any, asked: Any, row: Any, sight: reading.Sight) -> Any:
        return told(catalogue, asked, row, replace(sight, form=Form.CLEAR))

    patch.setattr(provenance, "_told", wider)


def in_when_it_was_told(patch: pytest.MonkeyPatch) -> None:
    """The moment is told to everybody."""
    patch.setattr(provenance, "month", iso)


SOONEST = "marketing"
"""Whose twins are searched first: it is shown a form of most things, and meets each mutant in 150 queries."""

MUTANTS = (
    in_a_filter,
    in_a_negated_filter,
    in_an_order,
    in_a_count,
    in_a_fragment,
    in_an_alias,
    in_time,
    in_whom_it_meets,
    in_provenance,
    in_when_it_was_told,
)


# A broken platform raises where a whole one cannot; graphql-core then cancels what it has not begun to await.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.__name__)
def test_the_law_notices_a_decision_skipped(
    run: Loop, base: Base, mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mutant is the platform, broken once; the law finds a query by which the twins differ."""
    mutant(monkeypatch)
    try:
        for asker in sorted(ASKERS[:5], key=lambda one: one.name != SOONEST):
            if caught(run, base, asker):
                return
        pytest.fail("no query tells the twins apart")
    finally:
        reading.cut_offs.cache_clear()
        gc.collect()


def caught(run: Loop, base: Base, asker: Any) -> bool:
    """Whether a query tells the asker's twins apart."""
    context = twins(base, asker)
    pair: Pair = run(context.__aenter__())
    try:
        asked = queries(pair.world, tuple(pair.world.catalogue.purposes))
        find(asked, lambda one: run(pair.differs(one)) is not None, settings=SEARCH)
    except NoSuchExample:
        return False
    except Flaky:
        pass  # told apart once and not when asked again: what a broken platform leaves on record differs too
    finally:
        run(context.__aexit__(None, None, None))
    return True


def test_the_listener_knows_what_nobody_may_ask_for(base: Base) -> None:
    """A wider projection, none at all, and a sort or count by a withheld attribute are seen."""
    asker, catalogue = ASKERS[4], base.catalogue
    shut = next(a for a in catalogue.attributes.values() if not asker.askable(a))
    for command in (
        {"find": "customers", "projection": {"_id": 1, f"s.{shut.key}": 1}},
        {"find": "customers", "projection": {"s": 1}},
        {"find": "customers", "filter": {}},
        {"find": "customers", "projection": {"_id": 1}, "sort": {f"o.{shut.key}": 1}},
        {"aggregate": "customers", "pipeline": [{"$match": {"$or": [{f"o.{shut.key}": 1}]}}]},
    ):
        assert beyond(asker, catalogue, [command])
    assert not beyond(asker, catalogue, [{"find": "customers", "projection": {"allow": 1, "key": 1}}])
