"""Plants a person in every file of the map, erases them, and says where the map is wrong about the files."""

from __future__ import annotations

import fnmatch
import os
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from discretion.domain.backup.dump import write_dump
from discretion.domain.requests.mailer import Mailer
from discretion.plan.customer_members import WRAPPED_KEY
from discretion.store.dump import DumpStore
from discretion.store.places.place import Departure, PlaceKind
from discretion.store.places.place_map import list_places
from tests.fixtures.erasure_steps import ErasureSteps
from tests.fixtures.platform import ROOT_KEY, PlatformUnderTest
from tests.properties.erasure.wrapped_key_attack import can_unwrap, list_candidate_keys
from tests.store.places.flows import create_person
from tests.store.places.planted_documents import PersonIds

EXAMINED_ELSEWHERE: Mapping[str, Departure] = {
    "mongo/*": Departure.KEY_DESTROYED,
    "keys/root.key": Departure.NO_PERSON,
    "keys/processor.key": Departure.NO_PERSON,
    "demo.json": Departure.NO_PERSON,
    "sown.json": Departure.NO_PERSON,
    "*.log": Departure.NO_PERSON,
}
"""Files of other processes: ``tests/properties/erasure`` searches those of MongoDB and the logs."""

BUCKET_KEYS, DAILY_KEYS = "keys/buckets.keys*", "keys/letters/*"


@dataclass(frozen=True)
class _FilePerson:
    """A person, the address that mail to them has, and their wrapped data key."""

    ids: PersonIds
    address: str
    key: bytes = field(repr=False)

    @property
    def marks(self) -> list[bytes]:
        """What names the person in a file."""
        addresses = self.address.encode(), self.address.lower().encode()
        return [*self.ids.all, *(value.hex().encode() for value in self.ids.all), *addresses]


async def find_faults_of_files(platform: PlatformUnderTest, folder: Path) -> list[str]:
    """Plant Fay and Gus in the files of a data folder, erase Fay, and compare the files with the map."""
    unique = secrets.token_hex(4)
    earlier = await create_person(platform, f"eve-{unique}", f"eve-{unique}@post.example")
    await ErasureSteps(platform).erase_customer(earlier.customer)
    fay, gus = [await _plant_person(platform, folder, f"{name}-{unique}") for name in ("Fay", "Gus")]
    await platform.internals.crypto_shredding.shred([fay.ids.customer])  # as for others of the bucket
    fay = _FilePerson(fay.ids, fay.address, await _read_key(platform, fay.ids.customer))
    dump = folder / "backups" / unique
    await write_dump(DumpStore(platform.internals.database), dump, 1, ("0", "0"), lambda _name, _more: None)
    before, openable = find_files(folder, fay.marks), _is_openable(folder, fay)
    written = list_files(folder)

    await ErasureSteps(platform).erase_customer(fay.ids.customer)
    after = find_files(folder, fay.marks)
    observed: dict[str, Departure | None] = {
        BUCKET_KEYS: Departure.KEY_DESTROYED if openable and not _is_openable(folder, fay) else None,
        # It cannot be opened without the dead letter, which is deleted with the person.
        DAILY_KEYS: Departure.EXPIRES,
    }
    rewritten = [name for name in before if (folder / name).exists()]
    faults = list(_compare(written, _FileNames(before, rewritten, after), {**EXAMINED_ELSEWHERE, **observed}))
    if not fnmatch.filter(find_files(folder, [gus.address.encode()]), "outbox/*"):
        faults.append("outbox/*: the mail of another person is deleted")
    if not _is_openable(folder, _FilePerson(gus.ids, "", await _read_key(platform, gus.ids.customer))):
        faults.append(f"{BUCKET_KEYS}: the key of another person is destroyed")
    return faults


async def _plant_person(platform: PlatformUnderTest, folder: Path, name: str) -> _FilePerson:
    """Create a person who has a dead letter and mail."""
    address = f"{name}@post.example"
    ids = await create_person(platform, name.lower(), address.lower())
    undeclared = {"type": "track", "event": "?", "userId": name.lower(), "messageId": secrets.token_hex(8)}
    await platform.send_messages("web-shop", undeclared)
    mailer = Mailer(None, "office@shop.example", folder / "outbox", os.urandom, lambda: 1)
    await mailer.send(address, "Your code", "123456")
    return _FilePerson(ids, address, await _read_key(platform, ids.customer))


async def _read_key(platform: PlatformUnderTest, customer: bytes) -> bytes:
    document = await platform.internals.database.find_one("customers", {"_id": customer})
    assert document is not None
    key: bytes = document[WRAPPED_KEY]
    return key


def _is_openable(folder: Path, person: _FilePerson) -> bool:
    keys = list_candidate_keys(folder / "keys" / "buckets.keys", ROOT_KEY)
    return can_unwrap(person.key, person.ids.customer, keys)


@dataclass(frozen=True)
class _FileNames:
    """Files that named the person before the erasure, those of them that still exist, and all that do now."""

    before: Collection[str]
    rewritten: Collection[str]
    after: Collection[str]

    def observe(self, pattern: str) -> Departure:
        """Return how the person left the files of a place."""
        before, rewritten, after = (
            fnmatch.filter(names, pattern) for names in (self.before, self.rewritten, self.after)
        )
        if after:
            return Departure.KEY_DESTROYED if before else Departure.EVIDENCE
        if not before:
            return Departure.NO_PERSON
        return Departure.SHRUNK if rewritten else Departure.DELETED


def _compare(
    written: Collection[str], naming: _FileNames, observed: Mapping[str, Departure | None]
) -> Iterator[str]:
    """Yield where the map says another departure than was observed, and files that it does not have.

    Args:
        written: All files before the erasure.
        naming: Those that name the person.
        observed: Departures that the names of the person do not show.
    """
    places = list_places(PlaceKind.FILE)
    for name in sorted({*written, *naming.after}):
        if not any(fnmatch.fnmatch(name, place.name) for place in places):
            yield f"{name}: is not in the map"
    for place in places:
        departure = observed[place.name] if place.name in observed else naming.observe(place.name)
        if place.name not in EXAMINED_ELSEWHERE and not fnmatch.filter(written, place.name):
            yield f"{place.name}: no file is planted"
        elif place.departure is not departure:
            yield f"{place.name}: {departure}, not {place.departure}"


def list_files(folder: Path) -> list[str]:
    """Return the relative paths of all files below a folder."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def find_files(folder: Path, marks: Iterable[bytes]) -> list[str]:
    """Return the relative paths of the files that contain one of these values."""
    sought = list(marks)
    return [
        name for name in list_files(folder) if any(mark in (folder / name).read_bytes() for mark in sought)
    ]
