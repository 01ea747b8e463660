"""Opens the installation on this machine for commands, each with no more than what the command needs."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from discretion import __version__
from discretion.app import open_configured_database, open_platform, open_token_issuer
from discretion.app.clock import now_ms
from discretion.app.configuration import load_configuration
from discretion.app.installation_check import SchemaMigration, prepare_installation
from discretion.app.installation_watch import InstallationWatch
from discretion.app.keys import bucket_keys_path, load_root_key
from discretion.app.rulebook import RuleActivation, prepare_activation
from discretion.app.wiring.agents import build_processor_signing_request
from discretion.app.wiring.ingest import build_message_validator
from discretion.domain.agents.agent_register import AgentRegister
from discretion.domain.backup.command import BackupInstallation
from discretion.domain.ingest.command import IngestCommandContext
from discretion.domain.ingest.file_import.dry_run import ImportDryRun
from discretion.domain.ingest.file_import.file_import import accept_past_notice
from discretion.domain.ingest.outcome_feed.tail import OutcomeTail
from discretion.domain.recipients.command import RecipientCommandContext
from discretion.plan.permission_window import PermissionWindow
from discretion.settings import Settings, read_settings
from discretion.store.customers import CustomerStore
from discretion.store.dump import DumpStore

TAIL_TOKEN_S = 24 * 3600
"""How long the token is valid that ``discretion ingest tail`` issues for itself."""


@asynccontextmanager
async def open_backup_installation(data_dir: Path | None) -> AsyncIterator[BackupInstallation]:
    """Open the installation that the environment names, in ``data_dir`` if one is given.

    It opens a database on which erasures have not been replayed yet, so that they can be.
    """
    settings = _read_settings(data_dir)
    async with open_platform(settings, idle=True, restoring=True) as platform:
        yield BackupInstallation(
            DumpStore(platform.database),
            platform.erasure_log,
            platform.backup_restore,
            bucket_keys_path(settings).parent,
            (__version__, platform.catalogue.version),
        )


@asynccontextmanager
async def open_ingest(data_dir: Path | None) -> AsyncIterator[IngestCommandContext]:
    """Open the intake of the installation, to import files and to replay refused messages."""
    settings = _read_settings(data_dir)
    rules = load_configuration(settings).rules
    async with open_platform(settings, idle=True) as platform:
        yield IngestCommandContext(
            sources=platform.catalogue.sources,
            dead_letter_recorder=platform.dead_letter_recorder,
            dead_letter_replay=platform.dead_letter_replay,
            importer=platform.file_importer,
            # An import may run for hours, and other rules or another schema may be put in force meanwhile.
            check_installation=InstallationWatch(platform.database, rules.version, time.monotonic).check,
        )


def build_import_dry_run(data_dir: Path | None) -> ImportDryRun:
    """Build the dry run of imports; it needs the catalogue, no key and no database."""
    settings = _read_settings(data_dir)
    catalogue = load_configuration(settings).catalogue
    validator = build_message_validator(settings, catalogue, os.urandom, accept_past_notice)
    return ImportDryRun(catalogue, validator, now_ms)


def open_tail(data_dir: Path | None, url: str | None, token: str | None) -> OutcomeTail:
    """Open the feed of a running server; without a token, the keys of this installation issue one."""
    settings = _read_settings(data_dir)
    if token is None:
        client = "ingest-tail"
        issuer = open_token_issuer(settings)
        token = issuer.issue_token(client, client, ["steward"], [], lifetime_s=TAIL_TOKEN_S)
    return OutcomeTail(url or f"http://{settings.host}:{settings.port}", token)


@asynccontextmanager
async def open_recipients(settings: Settings) -> AsyncIterator[RecipientCommandContext]:
    """Open the register of recipients and their notifications."""
    async with open_platform(settings, idle=True) as platform:
        recipients = platform.recipients
        yield RecipientCommandContext(
            register=recipients.recipient_register,
            notifier=recipients.notifier,
            acknowledgements=recipients.acknowledgements,
            now_ms=now_ms,
        )


@asynccontextmanager
async def open_agent_register(settings: Settings) -> AsyncIterator[AgentRegister]:
    """Open the register of authorised agents and controllers."""
    async with open_platform(settings, idle=True) as platform:
        yield platform.agents.agent_register


@dataclass(frozen=True, slots=True)
class ActivationContext:
    """What ``discretion rules activate`` needs: the activation, and how many people it affects."""

    activation: RuleActivation
    customers: CustomerStore
    window: PermissionWindow

    async def count_permitting(self) -> dict[str, int]:
        """Return how many customers permit each purpose whose rules change."""
        return {
            purpose: await self.customers.count(self.window.build_clause(1 << bit, now_ms()))
            for purpose, bit in self.activation.list_changed_purposes().items()
        }

    async def count_values(self, number: int) -> int:
        """Return how many customers have a value under the number of an attribute."""
        return await self.customers.count({str(number): {"$exists": True}})

    async def count_customers(self) -> int:
        """Return the number of customers."""
        return await self.customers.count({})


@asynccontextmanager
async def open_rule_activation(settings: Settings) -> AsyncIterator[ActivationContext]:
    """Open the database to put the rules of the settings in force."""
    configuration = load_configuration(settings)
    root = load_root_key(settings)
    async with open_configured_database(settings) as database:
        indexed_keys = configuration.indexed_keys
        await prepare_installation(settings, root, database, indexed_keys, now_ms, os.urandom)
        activation = await prepare_activation(database, configuration.rules, indexed_keys)
        in_force = activation.in_force.permissions if activation.in_force else ""
        window = PermissionWindow(in_force, 0)
        customers = CustomerStore(database, window, now_ms)
        yield ActivationContext(activation, customers, window)


@asynccontextmanager
async def open_schema_migration(settings: Settings) -> AsyncIterator[SchemaMigration]:
    """Open the database to move its schema."""
    configuration = load_configuration(settings)
    root = load_root_key(settings)
    async with open_configured_database(settings) as database:
        yield SchemaMigration(settings, root, database, configuration.indexed_keys, now_ms, os.urandom)


def build_certificate_request(settings: Settings) -> bytes:
    """Build the request for the certificate that signs answers to controllers; it needs no database."""
    return build_processor_signing_request(settings, load_root_key(settings), os.urandom)


def _read_settings(data_dir: Path | None) -> Settings:
    settings = read_settings(os.environ)
    return settings if data_dir is None else replace(settings, data_dir=data_dir)
