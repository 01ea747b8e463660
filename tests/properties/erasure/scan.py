"""Searches all data of an installation for values of people: documents, oplog, dumps, logs, raw files.

It uses MongoDB and the file system, and shares no code with the erasure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from tests.properties.erasure.encoded_values import EncodedValues

BATCH_BYTES = 1 << 24


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """A place in which a value was found."""

    location: str
    owner: str
    form: str


def search_everything(encoded_values: EncodedValues, url: str, *folders: Path) -> list[Hit]:
    """Return the hits in all databases of a server, including the oplog, and in all files below folders."""
    return sorted(
        {
            *search_databases(encoded_values, url),
            *(hit for folder in folders for hit in search_files(encoded_values, folder)),
        }
    )


def search_databases(encoded_values: EncodedValues, url: str) -> Iterator[Hit]:
    """Yield the hits in documents; those of ``local`` are the oplog."""
    client: MongoClient[RawBSONDocument] = MongoClient(url, document_class=RawBSONDocument)
    with client:
        client.admin.command({"fsync": 1})
        for name in client.list_database_names():
            for collection in client[name].list_collection_names():
                yield from _search_collection(encoded_values, client[name][collection])


def _search_collection(encoded_values: EncodedValues, collection: Any) -> Iterator[Hit]:
    batch = bytearray()
    for document in collection.find({}, batch_size=1000):
        batch += document.raw
        if len(batch) > BATCH_BYTES:
            yield from _find_hits(encoded_values, collection.full_name, bytes(batch))
            batch.clear()
    yield from _find_hits(encoded_values, collection.full_name, bytes(batch))


def search_files(encoded_values: EncodedValues, folder: Path) -> Iterator[Hit]:
    """Yield the hits in files of any kind."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield from _find_hits(encoded_values, str(path.relative_to(folder)), path.read_bytes())


def _find_hits(encoded_values: EncodedValues, location: str, content: bytes) -> Iterator[Hit]:
    for owner, form in encoded_values.find_in(content):
        yield Hit(location, owner, form)
