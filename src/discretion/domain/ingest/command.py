"""The commands ``discretion ingest``: import of files, and replay of refused messages."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from discretion.background import RunCoroutine
from discretion.catalogue.import_mapping import ImportMapping
from discretion.catalogue.nearest_name import suggest_name
from discretion.domain.ingest.dead_letters.replay import DeadLetterReplay
from discretion.domain.ingest.dead_letters.retention import DeadLetterRecorder
from discretion.domain.ingest.dead_letters.terminal import build_replay_table, show_replay_progress
from discretion.domain.ingest.file_import.dry_run import ImportDryRun
from discretion.domain.ingest.file_import.file_import import FileImporter, ImportOrder, ImportResult
from discretion.domain.ingest.file_import.row_file import FileFormat, find_format
from discretion.domain.ingest.file_import.terminal import build_import_report, show_import_progress
from discretion.domain.ingest.outcome_feed.tail import OutcomeTail
from discretion.errors import Misconfigured
from discretion.store.dead_letters import DeadLetterFilter

stderr = Console(stderr=True)
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder of the keys and of the embedded MongoDB.")
]


@dataclass(frozen=True, slots=True)
class IngestCommandContext:
    """What the commands need of an open installation.

    ``check_installation`` raises if this process may not go on, because its database went on without it.
    """

    sources: Collection[str]
    dead_letter_recorder: DeadLetterRecorder
    dead_letter_replay: DeadLetterReplay
    importer: FileImporter
    check_installation: Callable[[], Awaitable[None]]


OpenIngest = Callable[[Path | None], AbstractAsyncContextManager[IngestCommandContext]]
BuildDryRun = Callable[[Path | None], ImportDryRun]
OpenTail = Callable[[Path | None, str | None, str | None], OutcomeTail]


def build_commands(
    open_ingest: OpenIngest, build_dry_run: BuildDryRun, open_tail: OpenTail, run: RunCoroutine
) -> typer.Typer:
    """Build the commands.

    Args:
        open_ingest: Opens the installation of a data folder without serving it.
        build_dry_run: Builds the dry run of imports, which needs no database.
        open_tail: Opens the feed of a running server, given a data folder, its address and a token.
        run: Runs a coroutine and reports its errors.
    """
    commands = typer.Typer(help="Files of the past, and refused messages.", no_args_is_help=True)
    _add_import_command(commands, open_ingest, build_dry_run, run)
    _add_replay_command(commands, open_ingest, run)
    _add_tail_command(commands, open_tail)
    return commands


def _add_import_command(
    commands: typer.Typer, open_ingest: OpenIngest, build_dry_run: BuildDryRun, run: RunCoroutine
) -> None:
    @commands.command("import")
    def import_file(
        file: Annotated[
            Path, typer.Argument(help="A .csv, .jsonl or .parquet file.", exists=True, dir_okay=False)
        ],
        mapping: Annotated[str, typer.Option(help="A name under `imports` in the catalogue.")],
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Only print what would be refused or left out, and why.")
        ] = False,
        file_format: Annotated[
            FileFormat | None,
            typer.Option("--format", help="The format, if the file's name does not say it."),
        ] = None,
        data_dir: DataDir = None,
    ) -> None:
        r"""Import a file of the past: customers, orders, consent.

        A mapping in the catalogue (schema/catalogue/imports.yaml) says which column
        becomes what:

        \b
          imports:
            shop-orders:
              label: Orders of the web shop
              source: web-shop            # the sender, as in sources.yaml
              key: [order_no]             # a row with the same key counts once
              time: {column: ordered, format: '%d.%m.%Y %H:%M'}
              user_id: customer_no
              traits: {email: mail, address.city: city}
              events:
                Order Completed:
                  properties: {order_id: order_no, total: amount}
              zone: Europe/Berlin

        Begin with --dry-run. It reads the whole file, changes nothing, needs no
        database and may run beside a server. It counts what would be refused or
        left out, by code and column, and names the first rows; it never prints a
        value of the file.

        Rows pass the same rules as messages to the tracking API. Times are taken as
        they are. What is refused is not kept: correct the file, the mapping or the
        catalogue, and import again. Nothing is counted twice, also if the file has
        grown meanwhile. A run that was killed is repeated with the same command and
        goes on where it stopped.

        Exit code 1: a message was (or would be) refused. It may run beside servers
        that share a MongoDB. With the embedded MongoDB, stop the server first.
        Parquet needs pip install 'discretion\[parquet]'.
        """
        file_format = file_format or find_format(file)
        if dry_run:
            dry = build_dry_run(data_dir)
            order = ImportOrder(file, _require_mapping(dry.catalogue.imports, mapping), file_format)
            _try_import(dry, order)
            return

        async def import_rows() -> None:
            async with open_ingest(data_dir) as installation:
                importer = installation.importer
                order = ImportOrder(file, _require_mapping(importer.catalogue.imports, mapping), file_format)
                with show_import_progress(stderr, "Importing rows") as progress:
                    result = await importer.run(order, progress, installation.check_installation)
                _report_import(result)

        run(import_rows())


def _try_import(dry: ImportDryRun, order: ImportOrder) -> None:
    with show_import_progress(stderr, "Checking rows") as progress:
        tally = dry.run(order, progress)
    Console().print(build_import_report(tally, dry=True))
    if tally.has_refused:
        raise typer.Exit(1)


def _report_import(result: ImportResult) -> None:
    if result.was_finished:
        stderr.print("This file was imported before, with this mapping and this catalogue:")
    elif result.resumed_after:
        stderr.print(f"Went on after row {result.resumed_after:,}. The counts include those of earlier runs.")
    Console().print(build_import_report(result.tally, dry=False))
    if result.tally.has_refused:
        raise typer.Exit(1)


def _require_mapping(mappings: Mapping[str, ImportMapping], name: str) -> ImportMapping:
    mapping = mappings.get(name)
    if mapping is None:
        raise Misconfigured(
            "IMPORT_MAPPING_UNKNOWN",
            f"The catalogue has no import {name!r}.",
            f"{suggest_name(name, mappings)} Or add it under 'imports' in a file of the catalogue.",
        )
    return mapping


def _add_replay_command(commands: typer.Typer, open_ingest: OpenIngest, run: RunCoroutine) -> None:
    @commands.command("replay")
    def replay_dead_letters(
        reason: Annotated[
            str | None, typer.Option(help="Only messages refused with this code, such as EVENT_UNDECLARED.")
        ] = None,
        source: Annotated[
            str | None, typer.Option(help="Only messages of this source, such as web-shop.")
        ] = None,
        since: Annotated[
            datetime | None, typer.Option(help="Only messages received at this time (UTC) or later.")
        ] = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Only print what would happen; change nothing.")
        ] = False,
        data_dir: DataDir = None,
    ) -> None:
        """Process refused messages again, after the catalogue was corrected.

        Refused messages are kept for 14 days, with the time at which they were
        received. A message that is accepted now is processed and deleted from the
        dead letters; the others remain. An interrupted run can be repeated. With
        the embedded MongoDB, stop the server first.
        """
        since_ms = (
            None if since is None else int(since.replace(tzinfo=since.tzinfo or UTC).timestamp() * 1000)
        )

        async def replay() -> None:
            async with open_ingest(data_dir) as installation:
                # A message past its period must not be read, even if no server has run since.
                installation.dead_letter_recorder.destroy_expired_keys()
                if source is not None and source not in installation.sources:
                    source_names = ", ".join(sorted(installation.sources))
                    raise typer.BadParameter(f"There is no source {source!r}; there are {source_names}.")
                selection = DeadLetterFilter(reason, source, since_ms)
                dead_letter_replay = installation.dead_letter_replay
                with show_replay_progress(
                    stderr, await dead_letter_replay.count_waiting(selection)
                ) as progress:
                    tally = await dead_letter_replay.run(selection, progress, dry=dry_run)
                Console().print(build_replay_table(tally, dry=dry_run))

        run(replay())


def _add_tail_command(commands: typer.Typer, open_tail: OpenTail) -> None:
    @commands.command("tail")
    def tail_outcomes(
        source: Annotated[
            str | None, typer.Option(help="Only messages of this source, such as web-shop.")
        ] = None,
        url: Annotated[
            str | None, typer.Option(help="Address of a server; else that of the settings.")
        ] = None,
        token: Annotated[
            str | None, typer.Option(help="Access token of a steward; else the keys here issue one.")
        ] = None,
        data_dir: DataDir = None,
    ) -> None:
        """Show live what sources send and what becomes of it.

        One line for each message: time, source, type, event, outcome, and the codes
        and places of what was refused or left out. It never shows a value or an id.
        The name of an undeclared event is shown once two messages had it, and never
        if it looks like personal data, as in GraphQL { trackingPlanViolations }.

        It asks a running server every second and shows the messages of all servers
        that share its MongoDB, some seconds after they came; at most 500 a second of
        each. Outcomes are recorded only while it runs, and are kept for ten minutes.
        Ctrl-C ends it.
        """
        try:
            for line in open_tail(data_dir, url, token).follow(source):
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
        except KeyboardInterrupt:
            return
