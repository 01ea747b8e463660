"""A person who is in every file of the map is readable in none of them after their erasure."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from discretion.domain.backup.dump import write_dump
from discretion.domain.requests.mailer import Mailer
from discretion.store.dump import DumpStore
from discretion.store.places.place import Departure, PlaceKind
from discretion.store.places.place_map import list_places
from tests.fixtures.erasure_steps import ErasureSteps
from tests.fixtures.platform import ROOT_KEY, PlatformUnderTest
from tests.properties.erasure.wrapped_key_attack import can_unwrap, list_candidate_keys
from tests.store.places.flows import create_person

EMAIL, OTHER_EMAIL = "Fay.Files@Post.example", "gus.files@post.example"
ELSEWHERE = frozenset({"mongo/*", "demo.json", "*.log", "keys/processor.key", "keys/root.key"})
"""Files of other processes: ``tests/properties/erasure`` searches those of MongoDB and the logs."""


async def test_no_file_names_an_erased_person(platform: PlatformUnderTest, tmp_path: Path) -> None:
    internals = platform.internals
    earlier, fay, gus = [
        await create_person(platform, name, email)
        for name, email in (("eve", "eve@post.example"), ("fay", EMAIL.lower()), ("gus", OTHER_EMAIL))
    ]
    await ErasureSteps(platform).erase_customer(earlier.customer)
    await platform.send_messages("web-shop", {"type": "track", "event": "?", "userId": "fay"})
    await internals.crypto_shredding.shred([fay.customer])  # somebody else of the bucket is erased
    mailer = Mailer(None, "office@shop.example", tmp_path / "outbox", os.urandom, lambda: 1)
    for address in (EMAIL, OTHER_EMAIL):
        await mailer.send(address, "Your code", "123456")
    dump = tmp_path / "backups" / "monday"
    await write_dump(DumpStore(internals.database), dump, 1, ("0", "0"), lambda _name, _more: None)
    customer = await internals.database.find_one("customers", {"_id": fay.customer})
    assert customer is not None
    written = list_files(tmp_path)
    for place in list_places(PlaceKind.FILE):
        assert place.name in ELSEWHERE or any(fnmatch(name, place.name) for name in written), place.name
    marks = [*fay.all, *(value.hex().encode() for value in fay.all), EMAIL.encode(), EMAIL.lower().encode()]
    assert {"keys/rewrapped/*", "outbox/*", "backups/*"} <= find_patterns(tmp_path, marks)

    await ErasureSteps(platform).erase_customer(fay.customer)
    # The ledger is kept as evidence, and what a dump holds cannot be read.
    allowed = {
        place.name
        for place in list_places(PlaceKind.FILE)
        if place.departure in (Departure.EVIDENCE, Departure.KEY_DESTROYED)
    }
    assert allowed & {"outbox/*", "keys/rewrapped/*", "keys/letters/*"} == set()
    assert find_patterns(tmp_path, marks) <= allowed
    keys = list_candidate_keys(tmp_path / "keys" / "buckets.keys", ROOT_KEY)
    assert not can_unwrap(customer["key"], fay.customer, keys)
    assert find_patterns(tmp_path, [OTHER_EMAIL.encode()]) == {"outbox/*"}
    gus_customer = await internals.database.find_one("customers", {"_id": gus.customer})
    assert gus_customer is not None
    assert can_unwrap(gus_customer["key"], gus.customer, keys)


def list_files(folder: Path) -> list[str]:
    """Return the relative paths of all files below a folder."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def find_patterns(folder: Path, marks: Iterable[bytes]) -> set[str]:
    """Return the places whose files contain one of these values; the path of a file that is in no place."""
    patterns, sought = [place.name for place in list_places(PlaceKind.FILE)], list(marks)
    return {
        next((pattern for pattern in patterns if fnmatch(name, pattern)), name)
        for name in list_files(folder)
        if any(mark in (folder / name).read_bytes() for mark in sought)
    }
