"""Background work of a server that belongs to no single package: permissions, keys that end, postings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from discretion.domain.consent.recompute import PermissionRecomputation
from discretion.domain.ingest.dead_letters.retention import DeadLetterRecorder
from discretion.domain.ingest.outcome_feed.outcome_feed import OutcomeFeed
from discretion.domain.ingest.tracking_plan.violation_recorder import ViolationRecorder
from discretion.domain.kit.workflow.poll import run_polling
from discretion.errors import DiscretionError
from discretion.ledger.posting_writer import PostingWriter
from discretion.seal.bucket_keys import POLL_S, BucketKeys

EXPIRE_INTERVAL_S = 3600
RECOMPUTE_INTERVAL_S = 20.0
POSTING_INTERVAL_S = 1.0
VIOLATION_INTERVAL_S = 5.0
FEED_INTERVAL_S = 1.0
RECOMPUTE_PAUSE_S = 0.05
"""Pause after each batch of customers, so that recomputing does not slow down requests much."""


@asynccontextmanager
async def recompute_permissions(recomputation: PermissionRecomputation) -> AsyncIterator[None]:
    """Recompute permissions every 20 seconds, of customers whose rules or permissions changed.

    A consent that expires or a child that comes of age changes permissions without a message.
    """

    async def recompute() -> None:
        await recomputation.run(pause_s=RECOMPUTE_PAUSE_S)

    async with run_polling("recomputing permissions", recompute, RECOMPUTE_INTERVAL_S):
        yield


@asynccontextmanager
async def expire_dead_letter_keys(dead_letters: DeadLetterRecorder) -> AsyncIterator[None]:
    """Destroy the keys of expired dead letters, at the start and then every hour.

    MongoDB deletes the documents by itself. Without the destruction of their key, a backup could still be
    read.
    """
    # At once: keys may have expired while no server was running. A failure ends the start.
    dead_letters.destroy_expired_keys()

    async def destroy() -> None:
        dead_letters.destroy_expired_keys()

    async with run_polling("destroying keys of dead letters", destroy, EXPIRE_INTERVAL_S):
        yield


@asynccontextmanager
async def write_ledger_postings(writer: PostingWriter) -> AsyncIterator[None]:
    """Write every second which ledger entries are about whom; until then they are found by a scan."""
    async with run_polling("writing postings of the ledger", writer.run, POSTING_INTERVAL_S):
        yield


@asynccontextmanager
async def write_violations(recorder: ViolationRecorder) -> AsyncIterator[None]:
    """Write every few seconds, and at the end, how often messages broke the tracking plan."""
    async with run_polling("writing violations of the tracking plan", recorder.flush, VIOLATION_INTERVAL_S):
        yield
    with suppress(DiscretionError):
        await recorder.flush()


@asynccontextmanager
async def synchronise_outcome_feed(feed: OutcomeFeed) -> AsyncIterator[None]:
    """Look every second who watches, and write for them what became of messages."""
    async with run_polling("writing outcomes of messages", feed.synchronise, FEED_INTERVAL_S):
        yield


@asynccontextmanager
async def watch_bucket_keys(buckets: BucketKeys, poll_s: float = POLL_S) -> AsyncIterator[None]:
    """Check the file of bucket keys while the block runs, and forget destroyed keys."""

    async def check() -> None:
        try:
            buckets.reload_if_changed()
        finally:
            # Destroyed keys have to be forgotten on time, even if the file cannot be read.
            buckets.forget_destroyed_keys()

    async with run_polling("checking the file of bucket keys", check, poll_s):
        yield
