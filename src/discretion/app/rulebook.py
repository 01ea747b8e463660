"""Puts in force the rules of the catalogue and the laws that decide permissions."""

from __future__ import annotations

from discretion.app.clock import now_ms
from discretion.purpose.permission_engine import PermissionEngine
from discretion.store.driver.database import Database
from discretion.store.rulebooks import RulebookStore


async def enforce_rulebook(
    database: Database, engine: PermissionEngine, *, enforce: bool = True
) -> dict[str, int]:
    """Put the rules in force, and return which purposes earlier rules decide in the same way.

    Returns:
        By the version of each earlier rulebook, the bits of the purposes whose rules are unchanged. Stored
        permissions of that version can be trusted for these purposes until they are recomputed.
    """
    rulebooks = RulebookStore(database)
    if enforce:
        await rulebooks.save(engine.version, engine.purposes, now_ms())
    return {
        version: engine.compute_trusted_bits(purposes)
        for version, purposes in (await rulebooks.list_all()).items()
        if version != engine.version
    }
