"""The schema of the collections is as declared, whichever process applies it and however often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from discretion.errors import Broken, Misconfigured
from discretion.ledger.positions import begin_watermarks, match_after
from discretion.store.driver.database import Database, build_update
from discretion.store.schema.apply import apply_schema
from discretion.store.schema.collections import COLLECTIONS, INDEX_PREFIX, MAX_INDEXED, build_attribute_index
from tests.fixtures.mongo import CommandRecorder, borrow_database


@pytest_asyncio.fixture
async def database(mongo_url: str, driver: str, commands: CommandRecorder) -> AsyncIterator[Database]:
    """Yield a database without collections."""
    async with borrow_database(mongo_url, driver, [commands], is_new=True) as new_database:
        yield new_database


ID = b"\1" * 16
OTHER = b"\2" * 16

VALID_DOCUMENTS: dict[str, dict[str, Any]] = {
    "customers": {
        "_id": ID,
        "v": 1,
        "a": 2**40,
        "k": b"k",
        "7": b"c",
        "23": "gold",
        "23t": 1_700_000_000_000,
        "25": 2**33,
        "52": ["york", "leeds"],
        "p": {"7": "web-shop"},
        "u": 2**53,
        "l": 2**40,
        "n": {"health": [1, 2**40]},
        "r": "v1",
        "j": ["eu"],
        "s": False,
        "b": 1,
        "w": 1,
        "f": [{"i": OTHER, "k": b"k"}],
    },
    "source_records": {
        "_id": ID,
        "s": "web-shop",
        "c": ID,
        "v": 1,
        "i": [{"e": ID, "k": "email", "t": 1, "w": 2, "c": b"c"}],
        "a": {
            "7": {"t": 1, "m": "m", "c": b"c"},
            "8": {"t": 1, "m": "m", "v": True, "b": -5},
        },
        "f": {"26": {"t": 1, "n": 2.5}, "27": {"t": 1, "e": 1, "n": [["x", 2]]}},
        "d": {"marketing/email": {"g": True, "t": 1, "m": "m1"}},
        "e": {"marketing": {"g": True, "t": 1, "m": "m1", "u": 2**53}},
        "g": {},
        "o": {"gpc": {"f": 1, "t": 2}},
        "p": {"c": "DE", "t": 1, "m": "m"},
        "t": 1,
        "l": 2,
        "b": 3,
        "h": ID,
        "r": [ID],
    },
    "installation": dict.fromkeys(("schema", "target", "created"), 1)
    | {"_id": "installation", "declaration": "0", "bucketKeys": ID, "signingKeys": ID},
    "rulebooks": {
        "_id": 1,
        "version": "v1",
        "permissions": "p1",
        "purposes": {"marketing/email": "d"},
        "sections": "{}",
        "since": 1,
    },
    "identifiers": {"_id": ID, "type": "email", "records": [ID], "customer": ID, "t": 1},
    "messages": {"_id": ID, "record": ID, "t": 1},
    "identity_events": {
        "_id": ID,
        "kind": "merged",
        "at": 1,
        "by": "source:web-shop",
        "customers": [ID, OTHER],
        "sides": [[ID], [OTHER]],
        "evidence": [{"type": "email", "entry": ID}],
    },
    "rulings": {"_id": ID, "joined": True, "sides": [[ID], [OTHER]], "by": "steward", "at": 1},
    "events": {
        "_id": ID,
        "c": ID,
        "r": ID,
        "s": "web-shop",
        "h": "web",
        "k": "Order Completed",
        "t": 1,
        "n": 2,
        "p": b"p",
    },
    "suggestions": {
        "_id": ID,
        "customers": [ID, OTHER],
        "score": 0.97,
        "weight": 5.0,
        "evidence": [{"name": "birth_date", "says": "the same", "weight": 12.2}],
        "model": "0a1b",
        "state": "refused",
        "at": 1,
        "by": "steward:privacy-office",
        "decided": 2,
    },
    "disclosures": {"_id": ID, "n": 1, "e": b"packed"},
    "ledger_postings": {"_id": 1, "c": [b"packed"], "l": ID, "h": OTHER},
    "ledger_posting_state": dict.fromkeys(("_id", "f", "fence", "until", "next"), 0)
    | {"w": [1, 2], "h": ID, "p": b"p"},
    "consents": {
        "_id": ID,
        "schema": "iso-27560:2023",
        "records": [ID, OTHER],
        "customer": ID,
        "purpose": "marketing.communications.email",
        "catalogue": "0123456789abcdef",
        "basis": "consent",
        "laws": ["eu"],
        "state": "given",
        "at": 1,
        "received": 2,
        "method": "explicit_click",
        "by": "self:customer-app",
        "terms": ID,
        "until": 3,
        "notice": {"version": "1", "language": "en", "sha256": "ab"},
        "channel": "web",
        "signal": "1",
        "guardian": "parents/1",
        "conflict": OTHER,
    },
    "consent_terms": {
        "_id": ID,
        "purpose": "marketing.communications.email",
        "label": "E-mail offers",
        "description": "Newsletters.",
        "meaning": "We write to you.",
        "basis": "consent",
        "lasts": "P3Y",
        "data": [{"category": "user.contact.email", "retention": ["P3Y"], "sensitive": []}],
        "controller": {"name": "Shop", "address": "Lane 1", "contact": "office@shop.example"},
        "recipients": [],
        "storage": "Norway",
        "withdrawal": "mutation withdrawConsent",
        "withdrawal_url": "https://shop.example/consent",
        "rights_url": "https://shop.example/rights",
        "authority": "Datatilsynet",
    },
    "dead_letters": {
        "_id": ID,
        "source": "web-shop",
        "code": "EVENT_UNDECLARED",
        "place": "event",
        "received": 1,
        "expires": datetime(2126, 1, 1, tzinfo=UTC),
        "dropped": 2,
        "marks": [ID, OTHER],
        "sealed": b"s",
    },
    "packages": {
        "_id": ID,
        "request": ID,
        "customer": ID,
        "sealed": b"s",
        "expires": datetime(2126, 1, 1, tzinfo=UTC),
    },
    "package_links": {
        "_id": ID,
        "request": ID,
        "customer": ID,
        "until": 1,
        "expires": datetime(2126, 1, 1, tzinfo=UTC),
    },
    "sweeps": {
        "_id": "000000001",
        "started": 1,
        "fence": 1,
        "until": 2,
        "cursor": ID,
        "met": 3,
        "changed": 2,
        "held": 0,
        "values": [{"name": "contact.email", "count": 2}],
        "events": [{"name": "Product Viewed", "count": 1}],
        "finished": 3,
    },
    "requests": {
        "_id": b"r",
        "v": 1,
        "right": "erasure",
        "state": "accepted",
        "client": "customer-app",
        "subject": "someone",
        "kind": "person",
        "by": "self:customer-app",
        "assurance": 3,
        "laws": ["eu"],
        "received": 1,
        "scope": {"channel": "web"},
        "sealed": {"reason": b"s"},
        "decides": False,
        "steps": [{"name": "depart", "state": "open", "attempts": 0}],
        "fence": 0,
        "until": 0,
        "history": [{"state": "accepted", "at": 1, "by": "self:customer-app"}],
    },
    "recipients": {"_id": "ad-partner", "url": "https://partner.example/", "added": 1, "kind": "ad-partner"},
    "deliveries": {
        "_id": ID,
        "request": OTHER,
        "client": "ad-partner",
        "what": "erasure",
        "attributes": ["commerce.loyaltyTier"],
        "purposes": ["marketing.advertising.third_party.targeted"],
        "state": "stuck",
        "attempts": 3,
        "fence": 3,
        "until": 0,
        "created": 1,
        "subjects": ["a"],
        "next": 2,
        "acknowledged": 3,
        "by": "webhook",
        "why": "HTTP_500",
    },
    "clients": {"_id": "web-shop", "kind": "source", "source": "web-shop", "digest": b"d"},
    "tombstones": {"_id": b"t", "at": 1, "back": 2, "n": 1},
    "erasures": {"_id": b"e", "at": 1, "line": True},
    "held": {
        "_id": b"h",
        "law": "eu",
        "why": "an invoice",
        "request": b"r",
        "items": [{"id": b"i", "kind": "event", "type": "Order Completed", "source": "web-shop", "at": 1}],
        "until": 2,
        "key": b"k",
    },
    "holds": {
        "_id": b"h",
        "records": [b"r"],
        "events": [],
        "reason": "a claim",
        "law": "GDPR Art. 17(3)(e)",
        "by": "steward:privacy-office",
        "at": 1,
        "customer": b"c",
    },
    "agents": {
        "_id": "CR_AGENT_1",
        "kind": "agent",
        "name": "An agent",
        "hosts": ["agent.example"],
        "verify_key": b"k",
        "web": "",
        "assurance": "",
        "contact": "",
    },
    "replays": {"_id": b"r", "expires": datetime.now(UTC)},
    "mandates": {
        "_id": b"m",
        "agent": "CR_AGENT_1",
        "kind": "agent",
        "right": "erasure",
        "requests": [b"r"],
        "at": 1,
        "fence": 0,
        "until": 0,
        "callbacks": [{"url": "https://agent.example/", "told": b"", "tries": 0, "due": 1}],
    },
}


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
            dict(list(document.items())[:2]) | {"_id": OTHER if document["_id"] == ID else "r2"},
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
        ("identifiers", {"customer": ID}, {}),
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
