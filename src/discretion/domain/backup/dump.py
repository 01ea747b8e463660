"""A dump: all collections at one point in time as BSON files, with a manifest.

A dump contains neither keys nor the erasure ledger. Without the key folder it cannot be decrypted, so keys
must not be stored together with it: anyone who has both can read all personal data.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from discretion.errors import BadRequest, Misconfigured
from discretion.seal.key_files import flush_folder, write_flushed_file
from discretion.store.dump import DumpStore, SnapshotReader, count_bson_documents, read_bson_file
from discretion.store.installation import COLLECTION as INSTALLATION
from discretion.store.installation import parse_installation_record
from discretion.store.schema.apply import compute_declaration
from discretion.store.schema.migrate import SCHEMA_VERSION

DUMP_FORMAT = "discretion/dump/1"
MANIFEST = "manifest.json"
ProgressCallback = Callable[[str, int], None]
"""Called with the name of a collection and the number of documents just processed."""


@dataclass(frozen=True, slots=True)
class DumpFile:
    """The file of one collection: number of documents and SHA-256 digest."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DumpManifest:
    """The manifest of a dump.

    Attributes:
        made_at: When it was made (ms since 1970).
        discretion: Version of Discretion.
        mongodb: Version of the MongoDB server.
        catalogue: Version of the catalogue.
        files: The files by collection.
    """

    made_at: int
    discretion: str
    mongodb: str
    catalogue: str
    files: Mapping[str, DumpFile]

    @property
    def count(self) -> int:
        """The number of documents in all files."""
        return sum(file.count for file in self.files.values())


async def write_dump(
    dumps: DumpStore, target: Path, made_at: int, versions: tuple[str, str], report: ProgressCallback
) -> DumpManifest:
    """Write a dump into a new folder. The folder gets its name when the dump is complete.

    Args:
        dumps: Reads the database.
        target: The folder.
        made_at: The present (ms since 1970).
        versions: Versions of Discretion and of the catalogue.
        report: Called after each batch.

    Raises:
        BadRequest: ``BACKUP_EXISTS``.
    """
    draft = _create_draft(target)
    files: dict[str, DumpFile] = {}
    # One snapshot for all collections: their documents refer to each other and must be of one moment.
    async with dumps.open_snapshot() as reader:
        for name in await dumps.count_all():
            files[name] = await _write_collection(reader, draft / f"{name}.bson", name, report)
    manifest = DumpManifest(made_at, versions[0], await dumps.read_server_version(), versions[1], files)
    file_entries = {name: {"count": file.count, "sha256": file.sha256} for name, file in files.items()}
    body = {
        "format": DUMP_FORMAT,
        "made": made_at,
        "discretion": manifest.discretion,
        "mongodb": manifest.mongodb,
        "catalogue": manifest.catalogue,
        "collections": file_entries,
    }
    write_flushed_file(draft / MANIFEST, orjson.dumps(body, option=orjson.OPT_INDENT_2))
    flush_folder(draft)
    draft.rename(target)  # last: an interrupted dump is never mistaken for a complete one
    flush_folder(target.parent)  # a dump that was reported as complete keeps its name after a power failure
    return manifest


def _create_draft(target: Path) -> Path:
    if target.exists():
        raise BadRequest("BACKUP_EXISTS", f"{target} exists.", "Name a folder that does not exist yet.")
    draft = target.with_name(target.name + ".part")
    # Left behind by a dump that was interrupted.
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)  # open values are readable in a dump
    return draft


async def _write_collection(
    reader: SnapshotReader, path: Path, name: str, report: ProgressCallback
) -> DumpFile:
    digest, count = hashlib.sha256(), 0
    # O_EXCL: the file is created here with these permissions, and never opened
    # through a link of another user.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        async for batch in reader.read_raw(name):
            for document in batch:
                file.write(document)
                digest.update(document)
            count += len(batch)
            report(name, len(batch))
        # Durable before the folder gets its name: a complete dump must not have empty
        # files after a power failure.
        file.flush()
        os.fsync(file.fileno())
    return DumpFile(count, digest.hexdigest())


def check_dump(source: Path) -> DumpManifest:
    """Return the manifest of a dump after checking all its files against it.

    Raises:
        BadRequest: ``BACKUP_UNREADABLE``; the message says what is wrong.
    """
    try:
        body = orjson.loads((source / MANIFEST).read_bytes())
        if body["format"] != DUMP_FORMAT:
            raise _build_unreadable_error(source, "its format is unknown")
        files = {
            name: DumpFile(entry["count"], entry["sha256"]) for name, entry in body["collections"].items()
        }
        manifest = DumpManifest(body["made"], body["discretion"], body["mongodb"], body["catalogue"], files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise _build_unreadable_error(source, f"it has no readable {MANIFEST}") from None
    # All files are checked before the first is loaded: the restore deletes the present data in between.
    for name, entry in files.items():
        path = source / f"{name}.bson"
        # A manifest must not name a file outside the folder of the dump.
        if "/" in name or not path.is_file():
            raise _build_unreadable_error(source, f"{name}.bson is missing")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != entry.sha256:
                raise _build_unreadable_error(source, f"{name}.bson was changed")
        if count_bson_documents(path) != entry.count:
            raise _build_unreadable_error(source, f"{name}.bson does not contain {entry.count} documents")
    return manifest


def check_dump_schema(source: Path, manifest: DumpManifest) -> None:
    """Refuse a dump whose documents are not those of this release.

    Raises:
        Misconfigured: ``BACKUP_SCHEMA_DIFFERS``.
    """
    records = [
        parse_installation_record(document)
        for batch in read_bson_file(source / f"{INSTALLATION}.bson")
        for document in batch
    ]
    versions = {version for record in records for version in (record.schema, record.target)}
    declarations = {record.declaration for record in records}
    if versions == {SCHEMA_VERSION} and declarations == {compute_declaration()}:
        return
    if not versions:
        difference = "does not say which version of the schema it has"
    elif versions == {SCHEMA_VERSION}:
        difference = f"has version {SCHEMA_VERSION} of the schema, and yet declares other documents"
    else:
        difference = f"has version {max(versions)} of the schema, this release has {SCHEMA_VERSION}"
    raise Misconfigured(
        "BACKUP_SCHEMA_DIFFERS",
        f"The dump {source} was made by another release: it {difference}. Nothing was changed.",
        f"Restore it with the release that made it, Discretion {manifest.discretion}. If that is older, then "
        "install this release and run: discretion migrate",
    )


def _build_unreadable_error(source: Path, reason: str) -> BadRequest:
    return BadRequest(
        "BACKUP_UNREADABLE", f"The dump {source} cannot be restored: {reason}.", "Use another dump."
    )
