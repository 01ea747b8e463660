"""A dump: every collection at one moment, as BSON files under a manifest.

No key is in it, nor the erasure ledger. Without the folder of keys a dump is shut, so keys are not kept with
it: whoever has both has the people.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from discretion.errors import BadRequest
from discretion.store.driver.database import Database
from discretion.store.dump import counted, documents, one_moment, version, whole

FORMAT = "discretion/dump/1"
MANIFEST = "manifest.json"
Told = Callable[[str, int], None]
"""Told of which collection how many documents more are done."""


@dataclass(frozen=True, slots=True)
class File:
    """One collection in a dump."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a dump is: when it was ``made`` (ms), by and of which versions, and its files by collection."""

    made: int
    discretion: str
    mongodb: str
    catalogue: str
    files: Mapping[str, File]

    @property
    def count(self) -> int:
        """How many documents there are."""
        return sum(one.count for one in self.files.values())


async def backup(
    database: Database, target: Path, made: int, versions: tuple[str, str], told: Told
) -> Manifest:
    """Write a dump into a new folder; it is there when it is whole.

    Args:
        database: Of what.
        target: The folder.
        made: The present (ms).
        versions: Discretion's and the catalogue's.
        told: Told how far it is.

    Raises:
        BadRequest: ``BACKUP_EXISTS``.
    """
    draft = _draft(target)
    files: dict[str, File] = {}
    async with one_moment(database) as session:
        for name in await counted(database):
            files[name] = await _file(database, draft / f"{name}.bson", name, session, told)
    manifest = Manifest(made, versions[0], await version(database), versions[1], files)
    told_files = {name: {"count": one.count, "sha256": one.sha256} for name, one in files.items()}
    body = {
        "format": FORMAT,
        "made": made,
        "discretion": manifest.discretion,
        "mongodb": manifest.mongodb,
        "catalogue": manifest.catalogue,
        "collections": told_files,
    }
    (draft / MANIFEST).write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2))
    draft.rename(target)
    return manifest


def _draft(target: Path) -> Path:
    if target.exists():
        raise BadRequest("BACKUP_EXISTS", f"{target} exists.", "Name a folder that does not exist yet.")
    draft = target.with_name(target.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    return draft


async def _file(database: Database, path: Path, name: str, session: Any, told: Told) -> File:
    digest, count = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        async for batch in documents(database, name, session):
            for one in batch:
                file.write(one)
                digest.update(one)
            count += len(batch)
            told(name, len(batch))
        file.flush()
        os.fsync(file.fileno())
    return File(count, digest.hexdigest())


def checked(source: Path) -> Manifest:
    """The manifest of a dump whose files are what it says.

    Raises:
        BadRequest: ``BACKUP_UNREADABLE``, with what is wrong.
    """
    try:
        told = orjson.loads((source / MANIFEST).read_bytes())
        if told["format"] != FORMAT:
            raise _unreadable(source, "its format is not known")
        files = {name: File(one["count"], one["sha256"]) for name, one in told["collections"].items()}
        manifest = Manifest(told["made"], told["discretion"], told["mongodb"], told["catalogue"], files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise _unreadable(source, f"there is no {MANIFEST} that can be read") from None
    for name, one in files.items():
        path = source / f"{name}.bson"
        if "/" in name or not path.is_file():
            raise _unreadable(source, f"{name}.bson is missing")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != one.sha256:
                raise _unreadable(source, f"{name}.bson was changed")
        if whole(path) != one.count:
            raise _unreadable(source, f"{name}.bson does not hold {one.count} documents")
    return manifest


def _unreadable(source: Path, why: str) -> BadRequest:
    return BadRequest(
        "BACKUP_UNREADABLE", f"{source} is no dump that can be restored: {why}.", "Take another one."
    )
