"""Searches everything an installation keeps for values of people: documents, oplog, dumps, logs, raw files.

It knows MongoDB and the file system, and nothing of the code that erases.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from tests.properties.erasure.encoded_values import Needles

TOGETHER = 1 << 24


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A value was found."""

    place: str
    owner: str
    form: str


def everywhere(needles: Needles, url: str, *folders: Path) -> list[Hit]:
    """What is found in any database of a server, its oplog too, and in any file below some folders."""
    return sorted({*in_database(needles, url), *(hit for one in folders for hit in in_files(needles, one))})


def in_database(needles: Needles, url: str) -> Iterator[Hit]:
    """What is found in documents; those of ``local`` are the oplog."""
    client: MongoClient[RawBSONDocument] = MongoClient(url, document_class=RawBSONDocument)
    with client:
        client.admin.command({"fsync": 1})
        for name in client.list_database_names():
            for collection in client[name].list_collection_names():
                yield from _in_collection(needles, client[name][collection])


def _in_collection(needles: Needles, collection: Any) -> Iterator[Hit]:
    together = bytearray()
    for document in collection.find({}, batch_size=1000):
        together += document.raw
        if len(together) > TOGETHER:
            yield from _hits(needles, collection.full_name, bytes(together))
            together.clear()
    yield from _hits(needles, collection.full_name, bytes(together))


def in_files(needles: Needles, folder: Path) -> Iterator[Hit]:
    """What is found in files, whatever they are."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield from _hits(needles, str(path.relative_to(folder)), path.read_bytes())


def _hits(needles: Needles, place: str, haystack: bytes) -> Iterator[Hit]:
    for owner, form in needles.found_in(haystack):
        yield Hit(place, owner, form)
