"""The composition root: opens a running platform from settings.

Clock, entropy and keys enter the program here and are handed down; no other package reads them itself
(``tests/architecture/lints.py`` checks it). ``app.wiring`` builds the objects. ``app.background_work`` and
context managers of the domain run beside them. ``app.installations`` opens a platform for single commands.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from discretion.app.background_work import (
    expire_dead_letter_keys,
    recompute_permissions,
    synchronise_outcome_feed,
    watch_bucket_keys,
    write_ledger_postings,
    write_violations,
)
from discretion.app.clock import now_ms
from discretion.app.configuration import RuleConfiguration, load_configuration
from discretion.app.installation_check import build_missing_error, prepare_installation
from discretion.app.installation_watch import InstallationWatch, watch_installation
from discretion.app.keys import (
    find_missing_keys,
    load_root_key,
    require_bucket_keys,
    signing_keys_path,
)
from discretion.app.rulebook import read_trusted_bits, require_rules_in_force
from discretion.app.signing_keys import SigningKeys, watch_signing_keys
from discretion.app.wiring.context import build_wiring_context
from discretion.app.wiring.platform import Platform, wire_platform
from discretion.app.wiring.tokens import build_token_issuer
from discretion.catalogue.load import load_catalogue
from discretion.domain.agents.callbacks import run_callback_sender
from discretion.domain.joins.proposals import run_join_proposals
from discretion.domain.kit.workflow.lease import Checkpoint, no_checkpoint
from discretion.domain.kit.workflow.runner import run_workflows
from discretion.domain.recipients.delivery_worker import run_delivery_worker
from discretion.domain.requests.deadline_monitor import run_deadline_monitor
from discretion.settings import Settings
from discretion.store.driver.connection import CommandListener, connect_database
from discretion.store.driver.database import Database
from discretion.store.driver.server_check import check_server
from discretion.store.embedded.mongo_server import run_embedded_mongo
from discretion.token.issue import TokenIssuer

__all__ = [
    "Platform",
    "build_platform",
    "open_platform",
    "open_signing_keys",
    "open_token_issuer",
]


@asynccontextmanager
async def open_platform(
    settings: Settings,
    listeners: tuple[CommandListener, ...] = (),
    *,
    idle: bool = False,
    restoring: bool = False,
    trial: bool = False,
    on_outdated: Callable[[], None] = lambda: None,
) -> AsyncIterator[Platform]:
    """Open a platform, run its background work, and close it with the context.

    Args:
        settings: Where data, keys and configuration are.
        listeners: Are called with each command that the MongoDB driver sends.
        idle: Run no background work; for single commands.
        restoring: Open a database that may not be served yet, because erasures have to be replayed on it.
        trial: Accept rules that are not in force, to compute what they would change; nothing may be written.
        on_outdated: Is called once if this process has to stop, because its database went on without it; the
            context then ends with the reason.

    Raises:
        Misconfigured: What the operator has to correct before anything is served.
    """
    configuration = load_configuration(settings)
    root = load_root_key(settings)
    async with open_configured_database(settings, listeners) as database:
        indexed_keys = configuration.indexed_keys
        await prepare_installation(
            settings, root, database, indexed_keys, now_ms, os.urandom, restoring=restoring
        )
        # Before ``build_platform``, which creates bucket keys if there are none. New keys would hide that the
        # old ones are lost.
        await require_bucket_keys(settings, database)
        if not restoring and not trial:
            await require_rules_in_force(database, configuration.rules, now_ms())
        trusted_bits = await read_trusted_bits(database, configuration.engine)
        platform = build_platform(settings, configuration, database, root, trusted_bits)
        # A database restored by other means than ``discretion restore`` may hold erased customers again.
        if not restoring:
            await platform.erasure_log.check_replayed()
        # Idle platforms watch the keys too: another process may destroy one while a command runs.
        async with (
            watch_bucket_keys(platform.discloser.revealer.buckets),
            watch_signing_keys(platform.signing_keys),
        ):
            if idle:
                yield platform
                return
            watch = InstallationWatch(database, configuration.rules.version, time.monotonic)
            async with (
                watch_installation(watch, on_outdated),
                expire_dead_letter_keys(platform.dead_letter_recorder),
                recompute_permissions(platform.permission_recomputation),
                write_ledger_postings(platform.posting_writer),
                write_violations(platform.violation_recorder),
                synchronise_outcome_feed(platform.outcome_feed),
                run_workflows(platform.requests.workflow_runner),
                run_delivery_worker(platform.recipients.delivery_worker),
                run_callback_sender(platform.agents.callbacks),
                run_deadline_monitor(platform.requests.deadline_monitor),
                run_join_proposals(platform.join_proposals),
            ):
                yield platform
            if watch.outdated is not None:
                raise watch.outdated


@asynccontextmanager
async def open_configured_database(
    settings: Settings, listeners: tuple[CommandListener, ...] = ()
) -> AsyncIterator[Database]:
    """Connect to the configured MongoDB, check the server, and close the connection with the context."""
    async with provide_mongo_url(settings) as url:
        database = await connect_database(url, settings.mongo_database, settings.mongo_driver, listeners)
        try:
            await check_server(database)
            yield database
        finally:
            await database.close()


@asynccontextmanager
async def provide_mongo_url(settings: Settings) -> AsyncIterator[str]:
    """Give the URL of the configured MongoDB, or of an embedded one that runs as long as the context."""
    if settings.mongo_url is not None:
        yield settings.mongo_url
        return
    async with run_embedded_mongo(settings.data_dir / "mongo") as mongo:
        yield mongo.url


def build_platform(
    settings: Settings,
    configuration: RuleConfiguration,
    database: Database,
    root: bytes,
    trusted_bits: Mapping[str, int] | None = None,
    clock: Callable[[], int] = now_ms,
    entropy: Callable[[int], bytes] = os.urandom,
    on_checkpoint: Checkpoint = no_checkpoint,
) -> Platform:
    """Build a platform on an open database; nothing runs in the background.

    ``trusted_bits`` is what ``read_trusted_bits`` returned, ``clock`` gives ms since 1970. ``on_checkpoint``
    is called with the name of each point at which a workflow step may be cut off.
    """
    context = build_wiring_context(
        settings, configuration, database, root, trusted_bits or {}, clock, entropy
    )
    return wire_platform(context, on_checkpoint)


def open_token_issuer(settings: Settings) -> TokenIssuer:
    """Build the issuer of this installation's tokens; it needs the keys and no database."""
    catalogue = load_catalogue(settings.catalogue_dir)
    return build_token_issuer(settings, open_signing_keys(settings).select, catalogue, now_ms, os.urandom)


def open_signing_keys(settings: Settings) -> SigningKeys:
    """Open the signing keys of this installation; it needs no database.

    Raises:
        Misconfigured: ``KEYS_MISSING``; they are lost, since the bucket keys of the installation are there.
    """
    root = load_root_key(settings)
    if (missing := find_missing_keys(settings)) == [signing_keys_path(settings)]:
        raise build_missing_error(missing)
    return SigningKeys.open_or_create(signing_keys_path(settings), root, now_ms, os.urandom)
