"""The command ``discretion``. The texts of ``--help`` are the docstrings of the commands."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from discretion import __version__
from discretion.app import Platform, open_platform, open_signing_keys, open_token_issuer
from discretion.app.clock import now_ms
from discretion.app.installations import (
    build_certificate_request,
    build_import_dry_run,
    open_agent_register,
    open_backup_installation,
    open_ingest,
    open_recipients,
    open_tail,
)
from discretion.app.upgrade_commands import add_upgrade_commands
from discretion.demo.run import run_demo
from discretion.domain.agents.command import build_commands as build_agent_commands
from discretion.domain.backup.command import add_backup_commands
from discretion.domain.consent.terminal import build_recompute_table, show_recompute_progress
from discretion.domain.identity.duplicates.comparison import Backend
from discretion.domain.identity.duplicates.match_rules import DEFAULT_THRESHOLD
from discretion.domain.identity.duplicates.terminal import build_suggestion_table, show_search_progress
from discretion.domain.ingest.command import build_commands as build_ingest_commands
from discretion.domain.inventory.command import add_inventory_command
from discretion.domain.notices.command import build_commands as build_notice_commands
from discretion.domain.notices.command import describe_stale_notice, print_notice, ropa_app
from discretion.domain.recipients.command import build_commands as build_recipient_commands
from discretion.domain.requests.command import RequestCommandContext
from discretion.domain.requests.command import build_commands as build_rights_commands
from discretion.domain.retention.daily_sweep import run_daily_sweep
from discretion.domain.retention.terminal import build_sweep_table, show_sweep_progress
from discretion.edge.graphql.schema_files import list_stale_files, print_sdl, write_schema_files
from discretion.errors import DiscretionError
from discretion.law.command import build_commands as build_law_commands
from discretion.serve import (
    install_stop_signals,
    open_listening_socket,
    run_on_fast_loop,
    serve_app,
    wait_until_stopped,
)
from discretion.settings import Settings, read_settings
from discretion.token.command import build_commands as build_token_commands
from discretion.token.key_command import build_key_commands

cli = typer.Typer(
    help="Discretion: a customer data platform that reveals each attribute only for a purpose that the "
    "token holds, the catalogue allows and the person has not refused.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
schema_commands = typer.Typer(help="The generated files under schema/.", no_args_is_help=True)
identity_commands = typer.Typer(help="Identity resolution: duplicates.", no_args_is_help=True)
source_commands = typer.Typer(help="Registered sources and their write keys.", no_args_is_help=True)
retention_commands = typer.Typer(help="Retention periods.", no_args_is_help=True)
consent_commands = typer.Typer(help="Permissions of customers.", no_args_is_help=True)
cli.add_typer(schema_commands, name="schema")
cli.add_typer(source_commands, name="source")
cli.add_typer(identity_commands, name="identity")
cli.add_typer(
    build_ingest_commands(open_ingest, build_import_dry_run, open_tail, run_on_fast_loop), name="ingest"
)
cli.add_typer(consent_commands, name="consent")
cli.add_typer(build_law_commands(lambda: datetime.now(UTC).date()), name="law")
cli.add_typer(retention_commands, name="retention")
cli.add_typer(build_notice_commands(now_ms), name="notice")
cli.add_typer(ropa_app, name="ropa")
cli.add_typer(build_recipient_commands(open_recipients, run_on_fast_loop), name="recipient")
add_backup_commands(cli, open_backup_installation, run_on_fast_loop, now_ms)
cli.add_typer(
    build_agent_commands(open_agent_register, run_on_fast_loop, build_certificate_request), name="agent"
)
error_console = Console(stderr=True)

DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder of the keys and of the embedded MongoDB.")
]


def _print_version(is_requested: bool) -> None:
    if is_requested:
        sys.stdout.write(f"{__version__}\n")
        raise typer.Exit


@cli.callback()
def accept_global_options(
    _: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Accept the options that every command has."""


@cli.command()
def demo(
    port: Annotated[
        int | None, typer.Option(help="Port to serve on; 0 picks a free one.", min=0, max=65535)
    ] = None,
    data_dir: DataDirOption = None,
    customers: Annotated[
        int, typer.Option(help="Generated customers, besides the cast (seed/cast.yaml).", min=0, max=100_000)
    ] = 1000,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete the data of an earlier demo first.")] = False,
) -> None:
    """Start a platform with generated customers, and serve it.

    The customers are sent through the public API. Prints a token and a first
    query for each role, and writes them to DATA_DIR/demo.json.
    """
    settings = _read_settings(data_dir)
    settings = replace(settings, port=settings.port if port is None else port)
    run_on_fast_loop(run_demo(settings, customers, fresh=fresh))


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=0, max=65535)] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Serve the platform that the environment configures (DISCRETION_MONGO_URL, DISCRETION_ROOT_KEY, ...)."""
    settings = _read_settings(data_dir)
    settings = replace(
        settings,
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
    )

    async def run() -> None:
        listening = open_listening_socket(settings.host, settings.port)
        stop = install_stop_signals()
        async with (
            open_platform(settings, on_outdated=stop.set) as platform,
            run_daily_sweep(
                platform.retention_sweep,
                delete_also=platform.erasure.retained_data_expiry.run,
            ),
            serve_app(platform.app, listening) as server,
        ):
            bound_port = listening.getsockname()[1]
            error_console.print(f"Serving on http://{settings.host}:{bound_port}/graphql, Ctrl-C stops.")
            await wait_until_stopped(stop, server)

    run_on_fast_loop(run())


@source_commands.command("key")
def issue_source_key(
    source: Annotated[str, typer.Argument(help="A source of the catalogue, such as web-shop.")],
    data_dir: DataDirOption = None,
) -> None:
    """Create a new write key for a source and print it; the previous one stops working."""
    settings = _read_settings(data_dir)

    async def run() -> None:
        async with open_platform(settings, idle=True) as platform:
            _require_source(platform, source)
            sys.stdout.write(await platform.write_keys.issue_key(source) + "\n")

    run_on_fast_loop(run())


@identity_commands.command("suggest")
def suggest_duplicates(
    threshold: Annotated[
        float, typer.Option(help="The lowest probability that two customers are one person.", min=0.5, max=1)
    ] = DEFAULT_THRESHOLD,
    backend: Annotated[
        Backend, typer.Option(help="Engine of the comparison; spark is for data larger than one machine.")
    ] = Backend.DUCKDB,
    limit: Annotated[
        int | None, typer.Option(help="The most new suggestions, the most probable first.", min=1)
    ] = None,
    data_dir: DataDirOption = None,
) -> None:
    r"""Search for customers who share no identifier and are probably one person.

    The search compares names, birth dates, addresses, e-mail and phone of all
    customers who have not objected, with Splink, which estimates from these
    data how much each agreement counts. They are read for the purpose
    essential.service.operations.improve. Every page that is read is in the
    ledger of disclosures, and the data stay in memory.

    No customers are merged. Each pair becomes a suggestion with its probability
    and the values that agree. A steward reads suggestions in GraphQL, with
    { suggestions { nodes { id score evidence { name says } customers { id } } } }
    and answers with acceptSuggestion(id:) or refuseSuggestion(id:). A refused
    pair is not suggested again.

    Needs pip install 'discretion\[suggest]'. With the embedded MongoDB, stop
    the server first.
    """
    settings = _read_settings(data_dir)

    async def run() -> None:
        async with open_platform(settings, idle=True) as platform:
            with show_search_progress(error_console) as progress:
                outcome = await platform.duplicate_search.run(threshold, backend, limit, progress)
            Console().print(build_suggestion_table(outcome, threshold))

    run_on_fast_loop(run())


@retention_commands.command("run")
def run_retention(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be deleted; change nothing.")
    ] = False,
    data_dir: DataDirOption = None,
) -> None:
    """Delete values and events whose retention period in the catalogue has ended.

    Servers do this every day, and never show expired data in between.
    Statements about purposes, the ledger of disclosures and identifiers are
    kept, and so are all data of customers who restricted processing.

    An interrupted run can be repeated after a minute and goes on where it was
    stopped. Each run is recorded in the collection 'sweeps'. With the embedded
    MongoDB, stop the server first.
    """
    settings = _read_settings(data_dir)

    async def run() -> None:
        async with open_platform(settings, idle=True) as platform:
            sweep = platform.retention_sweep
            with show_sweep_progress(error_console, await sweep.count_customers()) as progress:
                tally = await (sweep.preview(progress) if dry_run else sweep.run(progress))
            Console().print(build_sweep_table(tally, dry=dry_run))

    run_on_fast_loop(run())


@consent_commands.command("recompute")
def recompute_consent(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would change; change nothing.")
    ] = False,
    data_dir: DataDirOption = None,
) -> None:
    """Recompute the permissions of all customers, after the catalogue or a law changed.

    Until a customer is recomputed, the stricter of the old and the new rules
    holds for them: purposes whose rules changed are withheld, the others stay
    as they were. Servers recompute by themselves, slowly, from their start;
    this command does it at once.

    The rules have to be in force (discretion rules activate). It may run beside
    servers, also beside those that still have the old rules: these recompute
    nobody, and withhold what the rules in force decide otherwise. A run that
    was killed can be repeated and continues with the remaining customers. With
    the embedded MongoDB, stop the server first.

    The table shows how many customers gained or lost each purpose. To try
    another catalogue before it is in force, run
    DISCRETION_CATALOGUE_DIR=... discretion consent recompute --dry-run
    """
    settings = _read_settings(data_dir)

    async def run() -> None:
        async with open_platform(settings, idle=True, trial=dry_run) as platform:
            recomputation = platform.permission_recomputation
            with show_recompute_progress(error_console, await recomputation.count_due()) as progress:
                outcome = await recomputation.run(progress, dry_run=dry_run)
            remaining = await recomputation.count_due()
            Console().print(build_recompute_table(platform.catalogue, outcome, remaining, dry_run=dry_run))
            if outcome.superseded:
                raise typer.Exit(1)

    run_on_fast_loop(run())


@schema_commands.command("print")
def print_schema(
    write: Annotated[bool, typer.Option("--write", help="Write every generated file under schema/.")] = False,
) -> None:
    """Print the GraphQL schema of the catalogue, or write it and the other generated files under schema/.

    With DISCRETION_CATALOGUE_DIR, --write extends the register of numbers in
    that folder and writes nothing else.
    """
    settings = read_settings(os.environ)
    if not write:
        sys.stdout.write(print_sdl(settings.catalogue_dir))
        return
    write_schema_files(settings.catalogue_dir)
    if settings.catalogue_dir is None:
        print_notice(settings)


@schema_commands.command("check")
def check_schema() -> None:
    """Compare the generated files under schema/ with their sources; exit 1 if one is out of date."""
    settings = read_settings(os.environ)
    stale = list_stale_files(settings.catalogue_dir)
    for path in stale:
        error_console.print(f"{path} is stale.")
    if stale:
        error_console.print("Generate them with: discretion schema print --write")
    if notice_complaint := describe_stale_notice(settings):
        error_console.print(notice_complaint, highlight=False, markup=False)
    if stale or notice_complaint:
        raise typer.Exit(1)


@asynccontextmanager
async def _open_request_context(data_dir: Path | None) -> AsyncIterator[RequestCommandContext]:
    async with open_platform(_read_settings(data_dir), idle=True) as platform:
        requests = platform.requests
        yield RequestCommandContext(requests.store, requests.deadlines, requests.decisions, now_ms)


def main() -> None:
    """Run the command line; errors are printed with their code, and the exit status is 1."""
    try:
        cli()
    except DiscretionError as error:
        error_console.print(f"[red]{error.code}[/red] {error.message}", highlight=False)
        if error.advice:
            error_console.print(error.advice, highlight=False, markup=False)
        raise SystemExit(1) from None
    except OSError as error:
        error_console.print(f"[red]FILE_UNUSABLE[/red] {error.strerror}: {error.filename}", highlight=False)
        error_console.print("Check that --data-dir is a folder that this user may write to.", highlight=False)
        raise SystemExit(1) from None


def _require_source(platform: Platform, source: str) -> None:
    if source not in platform.catalogue.sources:
        source_names = ", ".join(sorted(platform.catalogue.sources))
        raise typer.BadParameter(f"There is no source {source!r}; there are {source_names}.")


def _read_settings(data_dir: Path | None) -> Settings:
    settings = read_settings(os.environ)
    return settings if data_dir is None else replace(settings, data_dir=data_dir)


add_inventory_command(cli)
add_upgrade_commands(cli, _read_settings, run_on_fast_loop)
cli.add_typer(build_token_commands(lambda folder: open_token_issuer(_read_settings(folder))), name="token")
cli.add_typer(build_key_commands(lambda folder: open_signing_keys(_read_settings(folder))), name="keys")
cli.add_typer(build_rights_commands(_open_request_context, run_on_fast_loop), name="rights")
