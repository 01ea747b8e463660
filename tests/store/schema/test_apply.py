"""The schema of the collections is as declared, whichever process applies it and however often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from discretion.errors import Broken, Misconfigured
from discretion.ledger.positions import begin_watermarks, match_after
from discretion.store.driver.database import Database, build_update
from discretion.store.schema.apply import apply_schema
from discretion.store.schema.collections import COLLECTIONS, INDEX_PREFIX, MAX_INDEXED, build_attribute_index
from tests.fixtures.mongo import CommandRecorder, borrow_database
from tests.store.schema.valid_documents import ID, OTHER, VALID_DOCUMENTS


@pytest_asyncio.fixture
async def database(mongo_url: str, driver: str, commands: CommandRecorder) -> AsyncIterator[Database]:
    """Yield a database without collections."""
    async with borrow_database(mongo_url, driver, [commands], is_new=True) as new_database:
        yield new_database


async def _list_indexes(database: Database, collection: str) -> set[str]:
    answer = await database.command({"listIndexes": collection})
    return {index["name"] for index in answer["cursor"]["firstBatch"]}


def test_every_collection_has_a_valid_document_here() -> None:
    assert {collection.name for collection in COLLECTIONS} == set(VALID_DOCUMENTS)


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_valid_documents_are_stored_and_an_additional_field_is_refused(database: Database) -> None:
    await apply_schema(database)
    for collection, document in VALID_DOCUMENTS.items():
        await database.insert_many(collection, [document])
        without_id = {key: value for key, value in document.items() if key != "_id"}
        for invalid in (
            {**without_id, "_id": OTHER if document["_id"] == ID else "r2", "surname": "Byron"},
            {**without_id, "_id": 7.5},
            dict(list(document.items())[: min(2, len(document) - 1)])
            | {"_id": OTHER if document["_id"] == ID else "r2"},
        ):
            with pytest.raises(Broken) as caught:
                await database.insert_many(collection, [invalid])
            assert caught.value.code == "STORE_DOCUMENT_INVALID"
            assert "Byron" not in str(caught.value)
        with pytest.raises(Broken):
            await database.bulk_write(
                collection, [build_update({"_id": document["_id"]}, {"$set": {"surname": "Byron"}})]
            )


async def test_additional_fields_inside_a_cell_are_refused(database: Database) -> None:
    await apply_schema(database)
    invalid = {
        **VALID_DOCUMENTS["source_records"],
        "a": {"7": {"t": 1, "m": "m", "clear": "x"}},
    }
    with pytest.raises(Broken):
        await database.insert_many("source_records", [invalid])


async def test_a_second_application_of_the_schema_changes_nothing(
    database: Database, commands: CommandRecorder
) -> None:
    await apply_schema(database, ["23"])
    commands.clear()
    await apply_schema(database, ["23"])
    assert (
        not commands.list_commands("create")
        + commands.list_commands("collMod")
        + commands.list_commands("dropIndexes")
    )
    assert build_attribute_index("23").name in await _list_indexes(database, "customers")


async def test_several_processes_can_apply_the_schema_at_once(database: Database) -> None:
    keys = [str(n + 1) for n in range(5)]
    await asyncio.gather(*(apply_schema(database, keys) for _ in range(4)))
    assert {build_attribute_index(key).name for key in keys} <= await _list_indexes(database, "customers")


async def test_a_changed_declaration_replaces_the_old_one(database: Database) -> None:
    await database.command({"create": "clients"})
    await database.insert_many("clients", [{"_id": 1, "anything": 1}])
    await apply_schema(database, ["70", "71"])
    await apply_schema(database, ["71", "72"])
    names = {name for name in await _list_indexes(database, "customers") if name.startswith(INDEX_PREFIX)}
    assert names == {build_attribute_index("71").name, build_attribute_index("72").name}
    with pytest.raises(Broken):
        await database.insert_many("clients", [{"_id": 2, "anything": 1}])


async def test_too_many_indexed_attributes_are_refused_before_any_change(database: Database) -> None:
    with pytest.raises(Misconfigured) as caught:
        await apply_schema(database, [str(n + 1) for n in range(MAX_INDEXED + 1)])
    assert caught.value.code == "INDEXED_ATTRIBUTES_TOO_MANY"
    assert (await database.command({"listCollections": 1}))["cursor"]["firstBatch"] == []


async def test_the_maximum_of_indexed_attributes_is_accepted(database: Database) -> None:
    await apply_schema(database, [str(n + 1) for n in range(MAX_INDEXED)])


@pytest.mark.parametrize(
    ("collection", "query", "sort"),
    [
        ("customers", {"f.i": {"$in": [ID, OTHER]}}, {}),
        ("customers", {"23": "gold"}, {"_id": 1}),
        ("customers", {"23": {"$gt": "a"}}, {"23": -1, "_id": -1}),
        ("source_records", {"c": {"$in": [ID]}}, {}),
        ("identifiers", {"records": {"$in": [ID]}}, {}),
        ("identifiers", {"claims": {"$in": [ID]}}, {}),
        ("identifiers", {"anonymous": {"$in": [ID]}}, {}),
        ("events", {"c": ID, "t": {"$gte": 1}}, {"t": -1, "_id": -1}),
        ("dead_letters", {"marks": {"$in": [ID]}}, {}),
        ("dead_letters", {"code": "EVENT_UNDECLARED"}, {"code": 1, "place": 1, "source": 1}),
        ("disclosures", match_after(begin_watermarks()), {"n": 1}),
        ("packages", {"_id": {"$gte": ID, "$lte": OTHER}}, {"_id": 1}),
        ("packages", {"request": ID}, {}),
        ("packages", {"customer": ID}, {}),
        ("package_links", {"customer": ID}, {}),
    ],
)
async def test_frequent_queries_use_an_index_and_no_sort(
    database: Database, collection: str, query: dict[str, Any], sort: dict[str, int]
) -> None:
    await apply_schema(database, ["23"])
    await database.insert_many(collection, [VALID_DOCUMENTS[collection]])
    explanation = await database.command(
        {"explain": {"find": collection, "filter": query, "sort": sort}, "verbosity": "queryPlanner"}
    )
    winning_plan = str(explanation["queryPlanner"]["winningPlan"])
    assert "IXSCAN" in winning_plan
    assert "'SORT'" not in winning_plan
