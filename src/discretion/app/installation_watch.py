"""Watches, while a server runs, that it still agrees with its database.

A server whose schema was moved stops at once: its documents would not fit. A server whose rules were
superseded goes on for ``SUPERSEDED_GRACE_S``, so that servers with the new rules can take its place one by
one, and then stops too. In that time it takes nothing back: it recomputes no permissions
(``PermissionRecomputation``), and of customers that others have recomputed it trusts only the purposes whose
rules are the same (``PermissionWindow``), so permissions fail closed. It stops in the end because it still
reveals under the earlier catalogue, which may allow what the rules in force do not. Until then it logs an
error about once a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from discretion.app.rulebook import build_superseded_error
from discretion.background import run_alongside
from discretion.errors import DiscretionError, Misconfigured
from discretion.store.driver.database import Database
from discretion.store.installation import InstallationStore
from discretion.store.rulebooks import RulebookStore
from discretion.store.schema.migrate import check_schema_version

POLL_S = 2.0
"""Seconds between two checks."""
SUPERSEDED_GRACE_S = 600.0
"""Seconds for which a server goes on after other rules were put in force."""
LOG_INTERVAL_S = 60.0
"""Seconds between two lines of the log about superseded rules."""

_log = logging.getLogger(__name__)


class InstallationWatch:
    """Compares a process with its database. ``version`` is that of its rules, ``clock`` gives seconds.

    ``outdated`` says why the process has to stop, None as long as it may go on.
    """

    def __init__(self, database: Database, version: str, clock: Callable[[], float]) -> None:
        self._installations = InstallationStore(database)
        self._rulebooks = RulebookStore(database)
        self._version = version
        self._clock = clock
        self._superseded_at: float | None = None
        self._logged_at = float("-inf")
        self.outdated: Misconfigured | None = None

    async def check(self) -> None:
        """Return if this process may go on.

        Raises:
            Misconfigured: As ``check_schema_version``, or ``RULES_SUPERSEDED`` after the grace period.
            Unavailable: The store cannot be reached.
        """
        record = await self._installations.find()
        # Without a record a restore is under way.
        if record is not None:
            check_schema_version(record)
        in_force = await self._rulebooks.find_version_in_force()
        if in_force is None or in_force[0] == self._version:
            self._superseded_at = None
            return
        now = self._clock()
        self._superseded_at = now if self._superseded_at is None else self._superseded_at
        left = self._superseded_at + SUPERSEDED_GRACE_S - now
        if left <= 0:
            raise build_superseded_error(self._version, in_force[0])
        if now >= self._logged_at + LOG_INTERVAL_S:
            self._logged_at = now
            _log.error(
                "RULES_SUPERSEDED: version %s of the rules is in force and this server has %s; it stops in "
                "%d s. Restart it with the catalogue and laws in force.",
                *(in_force[0], self._version, left),
            )


@asynccontextmanager
async def watch_installation(
    watch: InstallationWatch, on_outdated: Callable[[], None]
) -> AsyncIterator[None]:
    """Check every ``POLL_S`` while the block runs, and call back once if this process may not go on."""

    async def run() -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await watch.check()
            except Misconfigured as outdated:
                _log.error("%s: %s", outdated.code, outdated)
                watch.outdated = outdated
                on_outdated()
                return
            except DiscretionError:
                # A store that cannot be reached serves nobody; it is asked again.
                continue

    async with run_alongside(run()):
        yield
