"""The command line. Every command says what it does with ``--help``."""

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
from discretion.app import Platform, platform, token_issuer
from discretion.app.backup_installation import opening
from discretion.app.clock import now_ms
from discretion.app.registration_installation import registering, registering_agents, wanted_certificate
from discretion.demo.run import demo as run_demo
from discretion.domain.agents.command import commands as agents
from discretion.domain.backup.command import commands as archive
from discretion.domain.consent.terminal import judged, judging_customers
from discretion.domain.identity.duplicates.comparison import Backend
from discretion.domain.identity.duplicates.match_rules import THRESHOLD
from discretion.domain.identity.duplicates.terminal import found, reading_customers
from discretion.domain.ingest.dead_letters.terminal import became, sending
from discretion.domain.notices.command import commands as notices
from discretion.domain.notices.command import print_notice, ropa, stale_notice
from discretion.domain.recipients.command import commands as recipients
from discretion.domain.requests.command import Desk
from discretion.domain.requests.command import commands as rights
from discretion.domain.retention.daily_sweep import sweeping
from discretion.domain.retention.terminal import deleted, looking
from discretion.edge.graphql.schema_files import SDL, printed
from discretion.errors import DiscretionError, Misconfigured
from discretion.law.command import commands as laws
from discretion.serve import listen, serving, stop_asked, until
from discretion.serve import run as _run
from discretion.settings import Settings, read
from discretion.store.dead_letters import Wanted
from discretion.token.command import commands as tokens

cli = typer.Typer(
    help="Discretion: a customer data platform that reveals each attribute only for a purpose that the "
    "token holds, the catalogue allows and the person has not refused.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
schemas = typer.Typer(help="The printed GraphQL schema.", no_args_is_help=True)
identities = typer.Typer(help="Who is one person.", no_args_is_help=True)
sources = typer.Typer(help="Registered senders and their write keys.", no_args_is_help=True)
ingest = typer.Typer(help="Messages that were sent.", no_args_is_help=True)
retention = typer.Typer(help="How long data are kept.", no_args_is_help=True)
consents = typer.Typer(help="What customers permit.", no_args_is_help=True)
cli.add_typer(schemas, name="schema")
cli.add_typer(sources, name="source")
cli.add_typer(identities, name="identity")
cli.add_typer(ingest, name="ingest")
cli.add_typer(consents, name="consent")
cli.add_typer(laws(lambda: datetime.now(UTC).date()), name="law")
cli.add_typer(retention, name="retention")
cli.add_typer(notices(now_ms), name="notice")
cli.add_typer(ropa, name="ropa")
cli.add_typer(recipients(registering, _run), name="recipient")
archive(cli, opening, _run, now_ms)
cli.add_typer(agents(registering_agents, _run, wanted_certificate), name="agent")
errors = Console(stderr=True)

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where MongoDB's data and the keys are kept.")
]


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"{__version__}\n")
        raise typer.Exit


@cli.callback()
def command(
    _: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """What every command takes."""


@cli.command()
def demo(
    port: Annotated[
        int | None, typer.Option(help="Port to serve on; 0 picks a free one.", min=0, max=65535)
    ] = None,
    data_dir: DataDir = None,
    customers: Annotated[
        int, typer.Option(help="Generated customers, beside the cast.", min=0, max=100_000)
    ] = 1000,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw away what an earlier demo left.")] = False,
) -> None:
    """Start everything on an empty machine, sow customers through the public API, and serve.

    Prints a token for each role with a first query, and writes the same to DATA_DIR/demo.json.
    """
    settings = _settings(data_dir)
    settings = replace(settings, port=settings.port if port is None else port)
    _run(run_demo(settings, customers, fresh=fresh))


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=0, max=65535)] = None,
    data_dir: DataDir = None,
) -> None:
    """Serve, on what the environment names (DISCRETION_MONGO_URL, DISCRETION_ROOT_KEY, ...)."""
    settings = _settings(data_dir)
    settings = replace(
        settings,
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
    )

    async def run() -> None:
        listening = listen(settings.host, settings.port)
        stop = stop_asked()
        async with (
            platform(settings) as running,
            sweeping(running.sweep, also=running.erasing.lapse),
            serving(running.app, listening) as server,
        ):
            shown = listening.getsockname()[1]
            errors.print(f"Serving on http://{settings.host}:{shown}/graphql, Ctrl-C stops.")
            await until(stop, server)

    _run(run())


@sources.command("key")
def source_key(
    source: Annotated[str, typer.Argument(help="A source of the catalogue, such as web-shop.")],
    data_dir: DataDir = None,
) -> None:
    """Make a new write key for a source and print it; the one before stops working."""
    settings = _settings(data_dir)

    async def run() -> None:
        async with platform(settings) as running:
            _known_source(running, source)
            sys.stdout.write(await running.write_keys.issue(source) + "\n")

    _run(run())


@identities.command("suggest")
def identity_suggest(
    threshold: Annotated[
        float, typer.Option(help="The least probability that two are one person.", min=0.5, max=1)
    ] = THRESHOLD,
    backend: Annotated[
        Backend, typer.Option(help="Where they are compared; spark is for more than one machine holds.")
    ] = Backend.DUCKDB,
    limit: Annotated[
        int | None, typer.Option(help="At most so many new suggestions, the likeliest first.", min=1)
    ] = None,
    data_dir: DataDir = None,
) -> None:
    r"""Look for customers who share no identifier and are probably one person.

    Names, birth dates, addresses, e-mail and phone of all customers who do
    not object are compared with Splink, which learns from them how much each
    agreement says. They are read for essential.service.operations.improve,
    every page of them is in the ledger, and they stay in memory.

    Nobody is merged. Each pair becomes a suggestion: how likely it is, and
    what agrees. A steward reads them in GraphQL, with
    { suggestions { nodes { id score evidence { name says } customers { id } } } },
    and answers with acceptSuggestion(id:) or refuseSuggestion(id:). What was
    refused is not suggested again.

    Needs pip install 'discretion\[suggest]'; with MongoDB of our own, stop
    the server first.
    """
    settings = _settings(data_dir)

    async def run() -> None:
        async with platform(settings) as running:
            with reading_customers(errors) as told:
                outcome = await running.suggest(threshold, backend, limit, told)
            Console().print(found(outcome, threshold))

    _run(run())


@ingest.command("replay")
def ingest_replay(
    reason: Annotated[
        str | None, typer.Option(help="Those refused with this code, such as EVENT_UNDECLARED.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Those of this source, such as web-shop.")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Those that came at this time (UTC) or later.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would become of them; change nothing.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Send refused messages again, after the catalogue was mended.

    They are kept for 14 days and keep the time they came. What is accepted now is taken in and no longer
    kept, what is not stays. Stopped half-way it can be started again. With MongoDB of our own it runs while
    the server is stopped.
    """
    settings = _settings(data_dir)
    at = None if since is None else int(since.replace(tzinfo=since.tzinfo or UTC).timestamp() * 1000)

    async def run() -> None:
        async with platform(settings) as running:
            if source is not None:
                _known_source(running, source)
            wanted = Wanted(reason, source, at)
            with sending(errors, await running.replay.waiting(wanted)) as told:
                tally = await running.replay.run(wanted, told, dry=dry_run)
            Console().print(became(tally, dry=dry_run))

    _run(run())


@retention.command("run")
def retention_run(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be deleted; change nothing.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Delete what was observed longer ago than the catalogue lets it be kept.

    A server does so by itself every day, and shows to nobody what has
    lapsed meanwhile. Values and events go. What people said about
    purposes, the ledger, and the ids that say who is one person stay; so
    does everything of whoever asked for restriction.

    Stopped half-way it can be started again, after a minute, and goes on
    from there. Each run is on record in the collection 'sweeps'. With
    MongoDB of our own it runs while the server is stopped.
    """
    settings = _settings(data_dir)

    async def run() -> None:
        async with platform(settings) as running:
            sweep = running.sweep
            with looking(errors, await sweep.waiting()) as told:
                done = await (sweep.rehearse(told) if dry_run else sweep.run(told))
            Console().print(deleted(done, dry=dry_run))

    _run(run())


@consents.command("recompute")
def consent_recompute(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would become of them; change nothing.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Work out anew what each customer permits, after the catalogue or a law changed.

    Until it has come to somebody, the stricter of the old rules and the new
    holds for them: what has other rules now is withheld, the rest stays as it
    was. Servers do the same on their own, slowly, from their start; this is
    for whoever does not want to wait.

    It runs beside servers, those that still have the old rules too; they stop
    judging, and keep to the stricter as well. Killed half-way it can be
    started again, and goes on with whoever is left. With MongoDB of our own it
    runs while the server is stopped.

    The table says for how many customers a purpose was gained or lost. Try
    another catalogue or law before anybody has it, with
    DISCRETION_CATALOGUE_DIR=... discretion consent recompute --dry-run
    """
    settings = _settings(data_dir)

    async def run() -> None:
        async with platform(settings, idle=True) as running:
            rejudge = running.rejudge
            if not dry_run:
                await rejudge.enforce()
            with judging_customers(errors, await rejudge.waiting()) as told:
                outcome = await rejudge.run(told, dry=dry_run)
            left = await rejudge.waiting()
            Console().print(judged(running.catalogue, outcome, left, dry=dry_run))
            if outcome.superseded:
                raise typer.Exit(1)

    _run(run())


@schemas.command("print")
def schema_print(
    write: Annotated[bool, typer.Option("--write", help="Write every printed file under schema/.")] = False,
) -> None:
    """Print the GraphQL schema that the catalogue makes, or write it where it is kept."""
    settings = read(os.environ)
    made = printed(settings.catalogue_dir)
    if not write:
        sys.stdout.write(made[SDL])
        return
    if settings.catalogue_dir is not None:
        raise Misconfigured(
            "CATALOGUE_NOT_SHIPPED",
            "--write writes what the shipped catalogue makes; DISCRETION_CATALOGUE_DIR names another.",
            "Leave --write out and put what is printed where you keep yours.",
        )
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    print_notice(settings)


@schemas.command("check")
def schema_check() -> None:
    """Compare the printed files under schema/ with what makes them; exit 1 if one is stale."""
    settings = read(os.environ)
    stale = [
        path
        for path, text in printed(settings.catalogue_dir).items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    for path in stale:
        errors.print(f"{path} is stale.")
    if stale:
        errors.print("Print them anew with: discretion schema print --write")
    if told := stale_notice(settings):
        errors.print(told, highlight=False, markup=False)
    if stale or told:
        raise typer.Exit(1)


@asynccontextmanager
async def _desk(data_dir: Path | None) -> AsyncIterator[Desk]:
    async with platform(_settings(data_dir), idle=True) as running:
        asked = running.rights
        yield Desk(asked.requests, asked.clock, asked.decide, now_ms)


def main() -> None:
    """The ``discretion`` command."""
    try:
        cli()
    except DiscretionError as error:
        errors.print(f"[red]{error.code}[/red] {error.message}", highlight=False)
        if error.advice:
            errors.print(error.advice, highlight=False, markup=False)
        raise SystemExit(1) from None
    except OSError as error:
        errors.print(f"[red]FILE_UNUSABLE[/red] {error.strerror}: {error.filename}", highlight=False)
        errors.print("See that --data-dir is a folder this user may write to.", highlight=False)
        raise SystemExit(1) from None


def _known_source(running: Platform, source: str) -> None:
    if source not in running.catalogue.sources:
        known = ", ".join(sorted(running.catalogue.sources))
        raise typer.BadParameter(f"There is no source {source!r}; there are {known}.")


def _settings(data_dir: Path | None) -> Settings:
    settings = read(os.environ)
    return settings if data_dir is None else replace(settings, data_dir=data_dir)


cli.add_typer(tokens(lambda folder: token_issuer(_settings(folder))), name="token")
cli.add_typer(rights(_desk, _run), name="rights")
