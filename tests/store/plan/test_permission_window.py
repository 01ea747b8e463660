"""What a document permits is the same whether MongoDB is asked or the document is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discretion.plan.permission_window import Document, Query, Standing
from discretion.purpose.permission_engine import HOLDS_MS
from discretion.store.driver.database import Database, connect

NOW = 1_800_000_000_000
VERSIONS = ("now", "before", "long ago", "lost", "of a newer server")
BITS = st.integers(0, 2**63 - 1) | st.sets(st.sampled_from([0, 1, 31, 32, 61, 62]), max_size=3).map(
    lambda bits: sum(1 << one for one in bits)
)
STORED = st.fixed_dictionaries(
    {
        "allow": BITS,
        "later": BITS,
        "until": st.sampled_from([0, NOW - HOLDS_MS, NOW - HOLDS_MS + 1, NOW - 1, NOW, NOW + 1, 2**53]),
        "rules": st.sampled_from(VERSIONS),
    }
)
STANDING = st.builds(
    Standing,
    st.just("now"),
    BITS,
    st.dictionaries(st.sampled_from(["before", "long ago"]), BITS, max_size=2),
)


class Asked:
    """A database and a loop to ask it in."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._database: Database = self._loop.run_until_complete(connect(url, "test_standing", "pymongo"))

    def matched(self, docs: list[Document], query: Query) -> set[int]:
        """Positions of the documents that match."""
        return self._loop.run_until_complete(self._matched(docs, query))

    async def _matched(self, docs: list[Document], query: Query) -> set[int]:
        await self._database.delete_many("standing", {})
        await self._database.insert_many("standing", [{"_id": n, **one} for n, one in enumerate(docs)])
        return {one["_id"] for one in await self._database.find("standing", query, {"_id": 1})}

    def close(self) -> None:
        """Leave nothing."""
        self._loop.run_until_complete(self._database.command({"dropDatabase": 1}))
        self._loop.run_until_complete(self._database.close())
        self._loop.close()


@pytest.fixture(scope="module")
def asked(mongo_url: str) -> Iterator[Asked]:
    """One database for all examples."""
    made = Asked(mongo_url)
    try:
        yield made
    finally:
        made.close()


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STORED, min_size=1, max_size=12), STANDING, BITS)
def test_a_query_matches_exactly_whose_bits_meet_the_mask(
    asked: Asked, docs: list[Document], standing: Standing, mask: int
) -> None:
    """In every version of the rules, before and after ``until``, and for no purpose nobody."""
    wanted = {number for number, one in enumerate(docs) if standing.bits(one, NOW) & mask}
    assert asked.matched(docs, standing.clause(mask, NOW)) == wanted


@given(STORED, STANDING, BITS, BITS)
def test_sensitive_data_are_believed_no_further_than_the_rest(
    doc: Document, standing: Standing, kind: int, later: int
) -> None:
    """The same moment, the same trust; of a kind the document does not tell, nothing."""
    told = {**doc, "kinds": {"health": [kind, later]}}
    alone = standing.bits({**doc, "allow": kind, "later": later}, NOW)
    assert standing.kind_bits(told, "health", NOW) == alone
    assert standing.kind_bits(told, "biometric", NOW) == 0
    assert standing.kind_bits(doc, "health", NOW) == 0


@given(STORED, STANDING)
def test_other_rules_only_ever_take_away(doc: Document, standing: Standing) -> None:
    """What is read of an earlier or a foreign word is never more than it said."""
    said = doc["allow"] if doc["until"] > NOW else doc["later"]
    found = standing.bits(doc, NOW)
    assert found & ~said == 0
    known = -1 if doc["rules"] == "now" else standing.trusted.get(doc["rules"], standing.least)
    forgotten = doc["until"] + HOLDS_MS <= NOW
    assert found == said & (standing.least if forgotten else known)
