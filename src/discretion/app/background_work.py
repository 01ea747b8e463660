"""Background work of a server that belongs to no single package: recomputing permissions, destroying keys."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from discretion.background import run_alongside
from discretion.domain.consent.recompute import PermissionRecomputation
from discretion.domain.ingest.dead_letters.retention import DeadLetterRecorder
from discretion.errors import DiscretionError

EXPIRE_INTERVAL_S = 3600
RECOMPUTE_INTERVAL_S = 20.0
RECOMPUTE_PAUSE_S = 0.05
"""Pause after each batch of customers, so that recomputing does not slow down requests much."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def recompute_permissions(recomputation: PermissionRecomputation) -> AsyncIterator[None]:
    """Recompute permissions every 20 seconds, of customers whose rules or permissions changed.

    A consent that expires or a child that comes of age changes permissions without a message.
    """

    async def run() -> None:
        while True:
            try:
                await recomputation.run(pause_s=RECOMPUTE_PAUSE_S)
            except DiscretionError as error:
                # Only the code is logged: the text of an error may contain personal data.
                _log.error("permissions could not be recomputed: %s", error.code)
            await asyncio.sleep(RECOMPUTE_INTERVAL_S)

    async with run_alongside(run()):
        yield


@asynccontextmanager
async def expire_dead_letter_keys(dead_letters: DeadLetterRecorder) -> AsyncIterator[None]:
    """Destroy the keys of expired dead letters, at the start and then every hour.

    MongoDB deletes the documents by itself. Without the destruction of their key, a backup could still be
    read.
    """
    # At once: keys may have expired while no server was running.
    dead_letters.destroy_expired_keys()

    async def run() -> None:
        while True:
            await asyncio.sleep(EXPIRE_INTERVAL_S)
            try:
                dead_letters.destroy_expired_keys()
            except OSError as error:
                _log.error("keys of dead letters could not be destroyed: %s", type(error).__name__)

    async with run_alongside(run()):
        yield
