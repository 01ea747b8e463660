"""Commands ``discretion backup`` and ``discretion restore``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from discretion.background import RunCoroutine
from discretion.domain.backup.dump import ProgressCallback, check_dump, write_dump
from discretion.domain.backup.restore import DatabaseRestore, RestoreResult
from discretion.domain.erasure.erasure_log import ErasureLog
from discretion.store.dump import DumpStore

stderr = Console(stderr=True)
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder of MongoDB's data and of the keys.")]


@dataclass(frozen=True, slots=True)
class BackupInstallation:
    """What the commands need: the collections of the database, and what is kept beside it.

    Attributes:
        versions: The versions of Discretion and of the catalogue.
    """

    dumps: DumpStore
    erasure_log: ErasureLog
    restore: DatabaseRestore
    key_folder: Path
    versions: tuple[str, str]


OpenInstallation = Callable[[Path | None], AbstractAsyncContextManager[BackupInstallation]]


def add_backup_commands(
    cli: typer.Typer, open_installation: OpenInstallation, run: RunCoroutine, clock: Callable[[], int]
) -> None:
    """Add the commands to an application.

    Args:
        cli: The application.
        open_installation: Opens the installation of a data folder without serving it.
        run: Runs a coroutine and reports its errors.
        clock: The present (ms since 1970).
    """
    _add_backup_command(cli, open_installation, run, clock)
    _add_restore_command(cli, open_installation, run)


def _add_backup_command(
    cli: typer.Typer, open_installation: OpenInstallation, run: RunCoroutine, clock: Callable[[], int]
) -> None:
    @cli.command("backup")
    def backup_command(
        target: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
        data_dir: DataDir = None,
    ) -> None:
        """Write a dump of the database: all collections at one point in time.

        The dump contains no keys, so sealed values in it cannot be read; open
        values in it are stored under random ids. Keep two things elsewhere,
        each as one copy that is always the latest: the key folder, because an
        older copy of it would open data erased since, and the erasure ledger,
        because a restore without it would bring erased people back.

        An existing folder is not overwritten. If Discretion runs its own
        MongoDB, stop the server first.
        """

        async def write() -> None:
            async with open_installation(data_dir) as installation:
                await _back_up(installation, target, clock())

        run(write())


def _add_restore_command(cli: typer.Typer, open_installation: OpenInstallation, run: RunCoroutine) -> None:
    @cli.command("restore")
    def restore_command(
        source: Annotated[
            Path | None, typer.Argument(help="A folder that `discretion backup` wrote.")
        ] = None,
        replace: Annotated[
            bool, typer.Option("--replace", help="Delete the present data of the database first.")
        ] = False,
        replay_only: Annotated[
            bool,
            typer.Option(
                "--replay-only",
                help="Load nothing: only replay erasures, in a database restored by other tools.",
            ),
        ] = False,
        accept_lost_ledger: Annotated[
            bool,
            typer.Option(
                "--accept-lost-ledger",
                help="Also if the erasure ledger is lost for good. Late messages about people erased since "
                "the dump may then be taken in again.",
            ),
        ] = False,
        data_dir: DataDir = None,
    ) -> None:
        """Load a dump, and delete everyone who was erased since it was made.

        The dump is checked before anything is changed. Keys that were replaced
        since are read from the key folder, and the erasure ledger is replayed;
        both must be the latest copies. A dump of another schema version is
        refused, and so is a ledger that lacks erasures. If it is lost for good,
        people are recognised by their destroyed keys, left out, and written to
        a new ledger.

        Stop every server first. No server starts on the database before the
        restore is complete. If it was interrupted, run it again.
        """
        if (source is None) is not replay_only:
            raise typer.BadParameter("Give the folder of a dump, or --replay-only.")

        async def load() -> None:
            async with open_installation(data_dir) as installation:
                result = await _restore(
                    installation, source, replace=replace, accept_lost_ledger=accept_lost_ledger
                )
                stderr.print(_describe_result(result), soft_wrap=True)

        run(load())


async def _back_up(installation: BackupInstallation, target: Path, now: int) -> None:
    # For the progress bar only: the dump counts the documents of its own snapshot.
    total = sum((await installation.dumps.count_all()).values())
    with _progress("Dumping", total) as report:
        manifest = await write_dump(installation.dumps, target, now, installation.versions, report)
    stderr.print(f"{manifest.count:,} documents of {len(manifest.files)} collections are in {target}.")
    stderr.print(
        f"Not in the dump, and to be kept elsewhere: the keys in {installation.key_folder}, and "
        f"the erasure ledger {installation.erasure_log.ledger.path}.",
        highlight=False,
        soft_wrap=True,
    )


async def _restore(
    installation: BackupInstallation, source: Path | None, *, replace: bool, accept_lost_ledger: bool
) -> RestoreResult:
    if source is None:
        return await installation.restore.replay(accept_lost_ledger=accept_lost_ledger)
    with _progress("Loading", check_dump(source).count) as report:
        return await installation.restore.run(
            source, report, replace=replace, accept_lost_ledger=accept_lost_ledger
        )


def _describe_result(result: RestoreResult) -> str:
    return (
        f"Restored: {result.replayed_erasures:,} erasures were replayed, {result.renewed_keys:,} keys "
        f"renewed, and {result.unreadable_customers:,} customers left out whose key is destroyed."
    )


@contextmanager
def _progress(label: str, total: int) -> Iterator[ProgressCallback]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=stderr) as progress:
        task = progress.add_task(label, total=total)

        def report(name: str, count: int) -> None:
            progress.update(task, description=f"{label} {name}", advance=count)

        yield report
