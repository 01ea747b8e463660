"""Checks that a process and its database belong together, before anything is served or changed.

The first start on a fresh database sets it up: it records the schema's version and whose keys they are. Every
later process must agree with that record, or it refuses to start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from discretion.app.keys import (
    SIGNING_KEYS_NAME,
    bucket_keys_path,
    find_missing_keys,
    load_key_fingerprint,
)
from discretion.errors import Misconfigured
from discretion.seal.fingerprint import KeyFingerprint
from discretion.settings import Settings
from discretion.store.driver.database import Database
from discretion.store.installation import InstallationRecord, InstallationStore
from discretion.store.schema.apply import apply_schema, compute_declaration
from discretion.store.schema.migrate import (
    SCHEMA_VERSION,
    check_schema_not_newer,
    check_schema_version,
    migrate_schema,
)


async def prepare_installation(
    settings: Settings,
    root: bytes,
    database: Database,
    indexed_keys: Sequence[str],
    clock: Callable[[], int],
    entropy: Callable[[int], bytes],
    *,
    restoring: bool = False,
) -> None:
    """Set up a fresh database, or check that this process agrees with the one that was.

    Args:
        settings: Where the keys are.
        root: The root key.
        database: The database.
        indexed_keys: Keys of the attributes that customers are filtered or sorted by with an index.
        clock: The present (ms since 1970).
        entropy: Gives as many random bytes as it is asked for.
        restoring: The command loads a dump. A fresh database gets the record of the dump, and keys are
            checked against the customers in it.

    Raises:
        Misconfigured: ``SCHEMA_UNKNOWN``, ``KEYS_MISSING`` or ``KEYS_DIFFER``, or as
            ``check_schema_version``.
    """
    store = InstallationStore(database)
    record = await store.find()
    if record is None:
        await _require_no_customers(database)
        if restoring:
            await apply_schema(database, indexed_keys)
            return
        # Keys first: of two hosts that made their own, the one whose record is added goes on.
        keys = load_key_fingerprint(settings, root, clock, entropy)
        await store.create(
            InstallationRecord(
                0, SCHEMA_VERSION, compute_declaration(), keys.bucket_keys, keys.signing_keys, clock()
            )
        )
        record = await store.find()
        assert record is not None
    check_schema_version(record)
    if not restoring:
        _check_keys(settings, record, lambda: load_key_fingerprint(settings, root, clock, entropy))
    if record.schema == 0:
        await migrate_schema(database, record, indexed_keys)


BUCKET_KEYS, SIGNING_KEYS = "bucket keys", "signing keys"
_LOST_SIGNING_KEYS = (
    " If the signing keys are lost for good, make new ones, which ends all tokens: "
    "discretion migrate --accept-signing-keys"
)


@dataclass(frozen=True, slots=True)
class SchemaMigration:
    """Moves the schema of a database forward; the arguments are those of ``prepare_installation``."""

    settings: Settings
    root: bytes = field(repr=False)
    database: Database
    indexed_keys: Sequence[str]
    clock: Callable[[], int]
    entropy: Callable[[int], bytes] = field(repr=False)

    async def run(
        self, report: Callable[[str], None], *, accept_signing_keys: bool = False
    ) -> tuple[int, int]:
        """Move the schema, and return the version before and after.

        Args:
            report: Is called with a line before each step.
            accept_signing_keys: Record the signing keys of this host as those of the database.

        Raises:
            Misconfigured: ``SCHEMA_NEWER``. ``KEYS_MISSING`` or ``KEYS_DIFFER``; the bucket keys are missing
                or others, and nothing was changed. ``MIGRATION_UNNEEDED``; the first start sets an empty
                database up.
        """
        store = InstallationStore(self.database)
        record = await store.find()
        if record is None:
            await _require_no_customers(self.database)
            raise Misconfigured(
                "MIGRATION_UNNEEDED", "The database is empty.", "The first start sets it up: discretion serve"
            )
        check_schema_not_newer(record)
        if accept_signing_keys:
            await self._accept_signing_keys(store, record)
        await migrate_schema(self.database, record, self.indexed_keys, report)
        return record.schema, SCHEMA_VERSION

    async def _accept_signing_keys(self, store: InstallationStore, record: InstallationRecord) -> None:
        # Without them the next line would make new bucket keys, which open no customer.
        if bucket_keys_path(self.settings) in (missing := find_missing_keys(self.settings)):
            raise build_missing_error(missing)
        keys = load_key_fingerprint(self.settings, self.root, self.clock, self.entropy)
        if keys.bucket_keys != record.bucket_keys:
            raise _build_differing_error([BUCKET_KEYS])
        await store.accept_signing_keys(keys.signing_keys)


def _check_keys(
    settings: Settings, record: InstallationRecord, load_fingerprint: Callable[[], KeyFingerprint]
) -> None:
    """Refuse keys that are not those the database was set up with. Missing keys are never made anew.

    Raises:
        Misconfigured: ``KEYS_MISSING`` or ``KEYS_DIFFER``.
    """
    if missing := find_missing_keys(settings):
        raise build_missing_error(missing)
    keys = load_fingerprint()
    differing = [
        name
        for name, here, recorded in (
            (BUCKET_KEYS, keys.bucket_keys, record.bucket_keys),
            (SIGNING_KEYS, keys.signing_keys, record.signing_keys),
        )
        if here != recorded
    ]
    if differing:
        raise _build_differing_error(differing)


def build_missing_error(missing: Sequence[Path]) -> Misconfigured:
    """Return the refusal of a host whose files of keys are missing."""
    lost_signing_keys = _LOST_SIGNING_KEYS if [path.name for path in missing] == [SIGNING_KEYS_NAME] else ""
    return Misconfigured(
        "KEYS_MISSING",
        f"The database was set up with keys, and {', '.join(map(str, missing))} is missing.",
        "Share the folder of keys with the host that set the database up, or restore it from its backup."
        f"{lost_signing_keys}",
    )


def _build_differing_error(names: Sequence[str]) -> Misconfigured:
    lost_signing_keys = _LOST_SIGNING_KEYS if names == [SIGNING_KEYS] else ""
    return Misconfigured(
        "KEYS_DIFFER",
        f"The {' and the '.join(names)} of this host are not those that the database was set up with. What "
        "one host writes, the other could not read.",
        "All hosts of a database share one folder of keys and one root key: use those of the host that "
        f"set it up. Or name an empty database with DISCRETION_MONGO_DATABASE.{lost_signing_keys}",
    )


async def _require_no_customers(database: Database) -> None:
    """Refuse a database that was filled and has no record.

    Raises:
        Misconfigured: ``SCHEMA_UNKNOWN``.
    """
    for collection in ("customers", "source_records"):
        if await database.find_one(collection, {}, {"_id": 1}) is not None:
            raise Misconfigured(
                "SCHEMA_UNKNOWN",
                "The database holds customers and does not say which version of the schema they have.",
                "It was restored in part, or an early release wrote it, whose data cannot be migrated. Load "
                "a whole dump into an empty database (DISCRETION_MONGO_DATABASE): discretion restore SOURCE. "
                "Without a dump, start on an empty folder (--data-dir); the demo: discretion demo --fresh",
            )
