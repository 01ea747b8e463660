"""A document permits the same whether MongoDB evaluates the query or the document is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discretion.plan.customer_members import ALLOW, KINDS, LATER, RULES, UNTIL
from discretion.plan.permission_window import PermissionWindow, Query
from discretion.purpose.permission_engine import FORECAST_MS
from discretion.store.document import Document
from discretion.store.driver.connection import connect_database
from discretion.store.driver.database import Database
from tests.fixtures.examples import scale_examples

NOW = 1_800_000_000_000
VERSIONS = ("now", "before", "long ago", "lost", "of a newer server")
BITS = st.integers(0, 2**63 - 1) | st.sets(st.sampled_from([0, 1, 31, 32, 61, 62]), max_size=3).map(
    lambda bits: sum(1 << bit for bit in bits)
)
STORED = st.fixed_dictionaries(
    {
        ALLOW: BITS,
        LATER: BITS,
        UNTIL: st.sampled_from([0, NOW - FORECAST_MS, NOW - FORECAST_MS + 1, NOW - 1, NOW, NOW + 1, 2**53]),
        RULES: st.sampled_from(VERSIONS),
    }
)
WINDOWS = st.builds(
    PermissionWindow,
    st.just("now"),
    BITS,
    st.dictionaries(st.sampled_from(["before", "long ago"]), BITS, max_size=2),
)


class ClauseDatabase:
    """A database for queries, and an event loop to run them."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._database: Database = self._loop.run_until_complete(
            connect_database(url, "test_permission_window", "pymongo")
        )

    def find_matching(self, docs: list[Document], query: Query) -> set[int]:
        """Return the positions of the documents that match."""
        return self._loop.run_until_complete(self._find_matching(docs, query))

    async def _find_matching(self, docs: list[Document], query: Query) -> set[int]:
        await self._database.delete_many("windows", {})
        await self._database.insert_many(
            "windows", [{"_id": number, **document} for number, document in enumerate(docs)]
        )
        return {document["_id"] for document in await self._database.find("windows", query, {"_id": 1})}

    def close(self) -> None:
        """Drop the database and close the loop."""
        self._loop.run_until_complete(self._database.command({"dropDatabase": 1}))
        self._loop.run_until_complete(self._database.close())
        self._loop.close()


@pytest.fixture(scope="module")
def clause_database(mongo_url: str) -> Iterator[ClauseDatabase]:
    """Yield one database for all examples."""
    clause_database = ClauseDatabase(mongo_url)
    try:
        yield clause_database
    finally:
        clause_database.close()


@settings(
    max_examples=scale_examples(150),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(STORED, min_size=1, max_size=12), WINDOWS, BITS)
def test_a_query_matches_the_documents_that_permit_the_mask(
    clause_database: ClauseDatabase, docs: list[Document], window: PermissionWindow, mask: int
) -> None:
    """This holds for all versions of the rules, before and after ``until``; an empty mask matches nothing."""
    expected = {number for number, document in enumerate(docs) if window.permitted_bits(document, NOW) & mask}
    assert clause_database.find_matching(docs, window.build_clause(mask, NOW)) == expected
    # The cheaper clause matches them too, and besides only documents that are not current.
    candidates = clause_database.find_matching(docs, window.build_candidate_clause(mask, NOW))
    assert candidates >= expected
    assert not any(window.is_current(docs[number], NOW) for number in candidates - expected)


@given(STORED, WINDOWS, BITS, BITS)
def test_bits_of_sensitive_kinds_are_trusted_as_the_ordinary_bits(
    doc: Document, window: PermissionWindow, kind: int, later: int
) -> None:
    """The same times and versions apply; a kind that the document does not contain is not permitted."""
    with_kind = {**doc, KINDS: {"health": [kind, later]}}
    as_ordinary = window.permitted_bits({**doc, ALLOW: kind, LATER: later}, NOW)
    assert window.permitted_kind_bits(with_kind, "health", NOW) == as_ordinary
    assert window.permitted_kind_bits(with_kind, "biometric", NOW) == 0
    assert window.permitted_kind_bits(doc, "health", NOW) == 0


@given(STORED, WINDOWS)
def test_other_versions_of_the_rules_only_remove_permissions(doc: Document, window: PermissionWindow) -> None:
    """Bits of an earlier or unknown version of the rules are never extended."""
    stored_bits = doc[ALLOW] if doc[UNTIL] > NOW else doc[LATER]
    permitted = window.permitted_bits(doc, NOW)
    assert permitted & ~stored_bits == 0
    trusted = -1 if doc[RULES] == "now" else window.trusted_versions.get(doc[RULES], window.fallback_bits)
    is_outdated = doc[UNTIL] + FORECAST_MS <= NOW
    assert permitted == stored_bits & (window.fallback_bits if is_outdated else trusted)
