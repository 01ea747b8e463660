"""Erases people of a population while messages arrive, and searches all stored data for their values."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from discretion.plan.customer_members import WRAPPED_KEY
from tests.fixtures.platform import ROOT_KEY
from tests.properties.erasure.encoded_values import EncodedValues
from tests.properties.erasure.population import DATABASE, ErasurePopulation, build_person, open_population
from tests.properties.erasure.scan import Hit, search_everything
from tests.properties.erasure.wrapped_key_attack import can_unwrap, list_candidate_keys

FIRST_OTHER = 1_000_000
"""People with this number or a higher one are not erased."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of a search.

    ``keys_opened`` counts old wrapped keys of erased people that a present bucket key unwraps.
    ``control_locations`` are the kinds of places in which a value was found that had been written in clear.
    """

    people_erased: int
    messages_sent: int
    bytes_searched: int
    hits: list[Hit]
    keys_opened: int
    keys_tried: int
    people_found: int
    control_locations: set[str]


async def erase_and_search(
    folder: Path, people_count: int, report_erased: Callable[[int], None] = lambda _: None
) -> SearchResult:
    """Erase this number of people, and search for them."""
    async with open_population(folder) as population:
        people = [build_person(number) for number in range(people_count)]
        await population.send_messages(people)
        customers = {person.name: await population.find_customer(person) for person in people}
        assert None not in customers.values()
        erased_customers = [customer for customer in customers.values() if customer is not None]
        old_keys = read_wrapped_keys(population, erased_customers)
        stop = asyncio.Event()
        sending = asyncio.create_task(population.keep_sending(people, FIRST_OTHER, stop))
        try:
            await population.erase(erased_customers, report_erased)
        finally:
            stop.set()
        messages_sent = await sending
        await population.send_messages(people)  # the same messages once more
        encoded_values = EncodedValues({person.name: person.values for person in people})
        hits = await asyncio.to_thread(search_everything, encoded_values, population.mongo.url, folder)
        candidate_keys = list_candidate_keys(folder / "data" / "keys" / "buckets.keys", ROOT_KEY)
        keys_opened = [
            customer
            for customer, wrapped in old_keys
            if await asyncio.to_thread(can_unwrap, wrapped, customer, candidate_keys)
        ]
        people_found = [person for person in people if await population.find_customer(person) is not None]
        return SearchResult(
            len(people),
            messages_sent,
            measure_size(folder),
            hits,
            len(keys_opened),
            len(old_keys),
            len(people_found),
            search_control_value(population, folder),
        )


def read_wrapped_keys(population: ErasurePopulation, customers: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Return customer id and wrapped key of customers as they are stored now."""
    client: MongoClient[dict[str, Any]] = MongoClient(population.mongo.url)
    with client:
        documents = client[DATABASE]["customers"].find({"_id": {"$in": customers}}, {WRAPPED_KEY: 1})
        return [(document["_id"], document[WRAPPED_KEY]) for document in documents]


def search_control_value(population: ErasurePopulation, folder: Path) -> set[str]:
    """Return the kinds of places in which a value is found that was stored in clear and deleted again."""
    control_person = build_person(999_999)
    client: MongoClient[dict[str, Any]] = MongoClient(population.mongo.url)
    with client:
        client["control"]["notes"].insert_one({"_id": 1, "text": control_person.values[0]})
        client.admin.command({"fsync": 1})
        client["control"]["notes"].delete_one({"_id": 1})
    encoded_values = EncodedValues({control_person.name: control_person.values})
    locations = {hit.location for hit in search_everything(encoded_values, population.mongo.url, folder)}
    return {
        kind
        for kind in ("oplog", "journal", "collection-")
        if any(kind in location for location in locations)
    }


def measure_size(folder: Path) -> int:
    """Return the total size of all files (bytes)."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
