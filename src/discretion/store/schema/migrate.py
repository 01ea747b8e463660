"""The version of the schema in a database, and the steps that move it forward.

The database records its version (``store.installation``). A process whose release has another version refuses
to start, so an old and a new release never write to one database at the same time. ``discretion migrate``
runs the steps between two versions; there is no step back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from discretion.errors import Misconfigured
from discretion.store.driver.database import Database
from discretion.store.installation import InstallationRecord, InstallationStore
from discretion.store.schema.apply import apply_schema, compute_declaration, lift_validators

SCHEMA_VERSION = 1
"""Increase it with every change to the declared collections, validators or indexes of a release."""


@dataclass(frozen=True, slots=True)
class MigrationStep:
    """What turns the documents of the version before into those of a version.

    ``run`` may be interrupted and is then run again from its beginning, so it must skip what it has done.
    """

    description: str
    run: Callable[[Database], Awaitable[None]]


MIGRATION_STEPS: Mapping[int, MigrationStep] = MappingProxyType({})
"""By the version that a step leads to. A version whose documents are those of the one before has none."""


def check_schema_version(record: InstallationRecord) -> None:
    """Refuse a database whose schema is not the one of this release.

    A database that a first start was still setting up is accepted: it holds no data.

    Raises:
        Misconfigured: ``SCHEMA_NEWER``, ``SCHEMA_OLDER``, ``SCHEMA_DIFFERS`` or ``MIGRATION_UNFINISHED``.
    """
    check_schema_not_newer(record)
    if record.schema not in {0, record.target}:
        raise Misconfigured(
            "MIGRATION_UNFINISHED",
            f"The database was being moved to version {record.target} of the schema and the move was "
            "interrupted.",
            "Stop every server, then run: discretion migrate",
        )
    if record.target < SCHEMA_VERSION:
        raise Misconfigured(
            "SCHEMA_OLDER",
            f"The database has version {record.target} of the schema, this release has {SCHEMA_VERSION}.",
            "Make a backup, stop every server, then run: discretion migrate",
        )
    if record.declaration != compute_declaration():
        raise Misconfigured(
            "SCHEMA_DIFFERS",
            f"The database and this build both have version {SCHEMA_VERSION} of the schema, and yet they "
            "declare other documents.",
            "Start the release that set the database up, or start on another database.",
        )


def check_schema_not_newer(record: InstallationRecord, version: int = SCHEMA_VERSION) -> None:
    """Refuse a database that was moved, or is being moved, beyond a version.

    Raises:
        Misconfigured: ``SCHEMA_NEWER``.
    """
    if max(record.schema, record.target) > version:
        raise Misconfigured(
            "SCHEMA_NEWER",
            f"The database has version {max(record.schema, record.target)} of the schema, "
            f"this release has {version}.",
            "Start the release that the database was moved to. There is no way back, except a backup.",
        )


async def migrate_schema(
    database: Database,
    record: InstallationRecord,
    indexed_keys: Sequence[str],
    report: Callable[[str], None] = lambda _: None,
    steps: Mapping[int, MigrationStep] = MIGRATION_STEPS,
    version: int = SCHEMA_VERSION,
) -> None:
    """Move the schema of a database forward to ``version``; interrupted, it can be run again.

    No server may run. Those that do notice within seconds, and stop (``app.installation_watch``).

    Args:
        database: The database.
        record: Its record.
        indexed_keys: Keys of the attributes that customers are filtered or sorted by with an index.
        report: Is called with a line before each step.
        steps: The steps by the version they lead to.
        version: The version to reach.

    Raises:
        Misconfigured: ``SCHEMA_NEWER``.
    """
    check_schema_not_newer(record, version)
    store = InstallationStore(database)
    await store.begin_migration(version)
    # A fresh database has no documents that a step could change.
    missing = [number for number in sorted(steps) if 0 < record.schema < number <= version]
    if missing:
        # Old documents do not fit the new validators, and new ones do not fit the old validators.
        await lift_validators(database)
    for number in missing:
        report(f"{number}: {steps[number].description}")
        await steps[number].run(database)
    await apply_schema(database, indexed_keys)
    await store.end_migration(version, compute_declaration())
