"""Fills the caches of a platform with one person, and says which caches hold them."""

from __future__ import annotations

import asyncio
import gc
import secrets
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

from discretion.store.places.memory_places import KEY_CHANGE_HORIZON
from discretion.store.places.place import Departure, PlaceKind
from discretion.store.places.place_map import list_places
from tests.fixtures.erasure_steps import ErasureSteps
from tests.fixtures.platform import PlatformUnderTest
from tests.store.places.flows import create_person

MAX_DEPTH = 40
CONTAINERS = (Mapping, list, tuple, set, frozenset, deque)

Marks = Collection[Any]
"""Values that identify a person: ids, texts, and of a bucket key its number and generation."""


async def find_faults_of_memory(platform: PlatformUnderTest) -> list[str]:
    """Let the caches of a platform hold Mona, erase her, and compare what holds her with the map."""
    names = [place.name for place in list_places(PlaceKind.MEMORY)]
    buckets = platform.internals.discloser.revealer.buckets
    # Buckets have the same numbers in every installation: keys of another platform hold nobody here.
    others = [keys for keys in gc.get_objects() if type(keys) is type(buckets) and keys is not buckets]
    unique = secrets.token_hex(4)
    email = f"mona-{unique}@post.example"
    mona = await create_person(platform, f"mona-{unique}", email)
    client_id = await fill_caches(platform, email)
    bucket = buckets.bucket_of(mona.customer)
    marks: Marks = [
        *mona.all,
        f"mona-{unique}",
        email,
        client_id,
        client_id.encode(),
        (bucket, buckets.ring[bucket].generation),
    ]
    before = list_holding(names, marks, others)
    # Another erasure shares the bucket: the key is destroyed, and Mona's own key is wrapped again.
    await platform.internals.crypto_shredding.shred([mona.customer])
    await fill_caches(platform, email)
    before |= list_holding(names, marks, others)
    await ErasureSteps(platform).erase_customer(mona.customer)
    await asyncio.sleep(KEY_CHANGE_HORIZON.total_seconds())
    buckets.forget_destroyed_keys()  # as the background work of every process does
    return find_memory_faults(before, list_holding(names, marks, others))


async def fill_caches(platform: PlatformUnderTest, email: str) -> str:
    """Let a person and the staff use the platform, as clients do; return the person's id for an app."""
    token = await platform.issue_customer_token("email", email)
    me = "{ me { identity { givenName } } }"
    headers = {"authorization": f"Bearer {token}", "sec-gpc": "1"}
    response = await platform.http.post("/graphql", json={"query": me}, headers=headers)
    assert response.status_code == 200, response.text
    written = (
        "query($n: Int) { customers(first: $n) { nodes { id } } "
        f'customer(identifier: {{type: "email", value: "{email}"}}) {{ id contact {{ email }} }} }}'
    )
    for role in ("support", "steward"):
        answer = await platform.query(written, platform.issue_token(role), {"n": 5})
        assert answer["data"]["customer"] is not None
    steward = platform.issue_token("steward", client="customer-app")
    answer = await platform.query(written, steward, {"n": 5})
    client_id: str = answer["data"]["customer"]["id"]
    return client_id


def find_memory_faults(before: Collection[str], after: Collection[str]) -> list[str]:
    """Return where the map of places is wrong about the caches that held a person before and after."""
    faults = []
    for place in list_places(PlaceKind.MEMORY):
        leaves = place.departure in (Departure.DELETED, Departure.KEY_DESTROYED)
        if place.departure is Departure.NO_PERSON and place.name in before:
            faults.append(f"{place.name}: holds a person")
        elif leaves and place.name not in before:
            faults.append(f"{place.name}: no person is planted")
        elif place.departure is not Departure.EVIDENCE and place.name in after:
            faults.append(f"{place.name}: still holds the person")
    names = {place.name for place in list_places(PlaceKind.MEMORY)}
    return faults + [f"{name}: is not in the map" for name in sorted(before) if name not in names]


def list_holding(names: Collection[str], marks: Marks, others: Sequence[Any]) -> set[str]:
    """Return those of these caches that hold a value that identifies the person; of other objects, none."""
    gc.collect()  # what only waits to be freed holds nobody
    instances: dict[type, list[Any]] = {}
    ignored = {id(other) for other in others}
    for candidate in gc.get_objects():
        if id(candidate) not in ignored and str(type(candidate).__module__).startswith("discretion."):
            instances.setdefault(type(candidate), []).append(candidate)
    return {
        name
        for name in names
        if any(_holds(store, marks, MAX_DEPTH, set()) for store in _find_stores(name, instances))
    }


def _find_stores(name: str, instances: Mapping[type, Sequence[Any]]) -> Iterator[Any]:
    """Yield the containers of a declared cache, of all objects that exist."""
    module_name, variable = name.split(" ")
    class_name, _, attribute = variable.partition(".")
    owner = getattr(import_module(f"discretion.{module_name}"), class_name, None)
    if owner is None:
        return  # a function within a function: its cache lives as long as the object that it builds
    if not attribute:
        yield owner
        return
    for instance in instances.get(owner, ()):
        if hasattr(instance, attribute):
            yield getattr(instance, attribute)


def _holds(value: Any, marks: Marks, depth: int, seen: set[int]) -> bool:
    if isinstance(value, str):
        return any(mark in value for mark in marks if isinstance(mark, str))
    if isinstance(value, bytes):
        return any(mark in value for mark in marks if isinstance(mark, bytes))
    if id(value) in seen or depth == 0:
        return False
    seen.add(id(value))
    if isinstance(value, tuple) and value in marks:
        return True
    return any(_holds(inner, marks, depth - 1, seen) for inner in _list_inner(value))


def _list_inner(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from [*value.keys(), *value.values()]
    elif isinstance(value, CONTAINERS):
        yield from list(value)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from [getattr(value, field.name, None) for field in fields(value)]
    elif type(value).__module__ == "graphql.language.ast":
        yield from [getattr(value, key, None) for key in getattr(value, "keys", ())]
    elif hasattr(value, "cache_info") or type(value).__name__ == "_lru_list_elem":
        yield from gc.get_referents(value)  # the entries of an ``lru_cache``
