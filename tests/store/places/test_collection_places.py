"""A person who is planted in every collection and index of the map leaves all of them."""

from __future__ import annotations

from pathlib import Path

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from discretion.store.places.place import PlaceKind
from discretion.store.places.place_map import list_places
from discretion.store.places.search import list_id_members
from discretion.store.schema.collections import COLLECTIONS
from tests.fixtures.erasure_steps import ErasureSteps
from tests.fixtures.platform import PlatformUnderTest
from tests.store.places.flows import (
    find_faults_of_erasure,
    find_faults_of_restore,
    find_faults_of_return,
    find_ids,
    plant_people,
)
from tests.store.places.planted_documents import (
    KEPT_BY_DESIGN,
    MEMBERS_WITHOUT_PERSON,
    PLANTERS,
    PersonIds,
)

ANN, BOB = (PersonIds(*(bytes([number, other]) * 8 for other in range(5))) for number in (1, 2))


def test_a_person_is_planted_in_every_collection_of_the_map() -> None:
    collections = {place.name for place in list_places(PlaceKind.COLLECTION)}
    assert set(PLANTERS) == collections


def test_a_person_is_planted_in_every_member_that_may_name_one() -> None:
    """A new binary member is planted, or declared here as one that names nobody."""
    sent = {
        "customers": {"_id", "f.i"},
        "source_records": {"_id", "c", "h", "n", "i.e"},
        "identifiers": {"_id"},
        "requests": {"customer"},
    }
    for collection in COLLECTIONS:
        members = set(list_id_members(collection.schema))
        planted = {
            member
            for item in PLANTERS[collection.name](ANN, BOB)
            for member in members
            if any(value in ANN.all for value in read_member(item.document, member.split(".")))
        }
        declared = planted | sent.get(collection.name, set())
        declared |= MEMBERS_WITHOUT_PERSON.get(collection.name, frozenset())
        assert members <= declared, collection.name


def read_member(value: object, path: list[str]) -> list[object]:
    """Return all values in a member, at any depth of lists."""
    if isinstance(value, list):
        return [inner for item in value for inner in read_member(item, path)]
    if not path:
        return [value]
    return read_member(value[path[0]], path[1:]) if isinstance(value, dict) and path[0] in value else []


async def test_an_erasure_leaves_of_a_person_only_what_is_kept_by_design(
    platform: PlatformUnderTest,
) -> None:
    assert "\n".join(await find_faults_of_erasure(platform)) == ""


async def test_a_restore_leaves_of_an_erased_person_what_the_erasure_left(
    platform: PlatformUnderTest, tmp_path: Path
) -> None:
    assert "\n".join(await find_faults_of_restore(platform, tmp_path)) == ""


async def test_in_large_collections_an_erasure_finds_people_by_indexes(platform: PlatformUnderTest) -> None:
    assert "\n".join(await find_faults_of_erasure(platform, is_large=True)) == ""


async def test_what_came_since_a_person_returned_is_not_erased(platform: PlatformUnderTest) -> None:
    assert "\n".join(await find_faults_of_return(platform)) == ""


async def test_no_index_names_an_erased_person(platform: PlatformUnderTest, mongo_url: str) -> None:
    """The keys of every index are read back, not the documents."""
    people, name = await plant_people(platform), platform.internals.database.name
    indexes = [place.name.split(" ", 1) for place in list_places(PlaceKind.INDEX)]
    searched = [
        *((collection.name, "_id_") for collection in COLLECTIONS),
        *((collection, index) for collection, index in indexes if "$**" not in index),
    ]
    with MongoClient[RawBSONDocument](mongo_url, document_class=RawBSONDocument) as client:

        def list_naming() -> set[str]:
            naming = set()
            for collection, index in searched:
                source = client[name][collection]
                partial = source.index_information()[index].get("partialFilterExpression", {})
                keys = b"".join(
                    key.raw for key in source.find(dict(partial), hint=index, return_key=True, batch_size=100)
                )
                if list(find_ids(keys, people.ann.all)):
                    naming.add(collection)
            return naming

        assert list_naming() >= {"customers", "events", "packages", "consents", "dead_letters"}
        await ErasureSteps(platform).erase_customer(people.ann.customer)
        assert list_naming() <= KEPT_BY_DESIGN
