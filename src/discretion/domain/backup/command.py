"""``discretion backup`` and ``discretion restore``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from discretion.domain.backup.dump import Told, backup, checked
from discretion.domain.backup.restore import Restore, Restored
from discretion.domain.erasure.erasure_log import Remember
from discretion.store.driver.database import Database
from discretion.store.dump import counted

errors = Console(stderr=True)
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where MongoDB's data and the keys are kept.")
]


@dataclass(frozen=True, slots=True)
class Archive:
    """What is dumped and restored, and what is kept beside it."""

    database: Database
    remember: Remember
    restore: Restore
    keys: Path
    versions: tuple[str, str]
    """Discretion's and the catalogue's."""


Opening = Callable[[Path | None], AbstractAsyncContextManager[Archive]]
Run = Callable[[Coroutine[Any, Any, None]], None]


def commands(cli: typer.Typer, opening: Opening, run: Run, clock: Callable[[], int]) -> None:
    """Add the commands; ``opening`` opens an installation that serves nobody."""

    @cli.command("backup")
    def backup_command(
        target: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
        data_dir: DataDir = None,
    ) -> None:
        """Write a dump of the database: each collection as it is at one moment.

        No key is in it, so nobody who finds it can read what is sealed; what is
        open stands there under random ids. Keep two things elsewhere, each in
        one copy that is always the latest: the folder of keys, whose older
        copies would open what was erased since, and the erasure ledger, without
        which a dump would bring the erased back.

        A folder that exists is not written over. With MongoDB of our own it
        runs while the server is stopped.
        """

        async def work() -> None:
            async with opening(data_dir) as archive:
                total = sum((await counted(archive.database)).values())
                with _progress("Dumping", total) as told:
                    made = await backup(archive.database, target, clock(), archive.versions, told)
                errors.print(f"{made.count:,} documents of {len(made.files)} collections are in {target}.")
                errors.print(
                    f"Not in it, and to be kept elsewhere: the keys in {archive.keys}, and the erasure "
                    f"ledger {archive.remember.ledger.path}.",
                    highlight=False,
                    soft_wrap=True,
                )

        run(work())

    @cli.command("restore")
    def restore_command(
        source: Annotated[Path | None, typer.Argument(help="What `discretion backup` wrote.")] = None,
        replace: Annotated[
            bool, typer.Option("--replace", help="Delete what the database holds now.")
        ] = False,
        replay_only: Annotated[
            bool,
            typer.Option("--replay-only", help="Load nothing; for a database that other tools restored."),
        ] = False,
        data_dir: DataDir = None,
    ) -> None:
        """Load a dump, and take out whoever was erased since it was made.

        The dump is checked before anything is touched. Keys that were replaced
        since are taken from beside the key file, and the erasure ledger is
        replayed: both must be the latest there are.

        Stop every server first; none starts on the database before it is done.
        Cut short, it is started again.
        """
        if (source is None) is not replay_only:
            raise typer.BadParameter("Give the folder of a dump, or --replay-only.")

        async def work() -> None:
            async with opening(data_dir) as archive:
                errors.print(_became(await _restored(archive, source, replace=replace)), soft_wrap=True)

        run(work())


async def _restored(archive: Archive, source: Path | None, *, replace: bool) -> Restored:
    if source is None:
        return await archive.restore.replay()
    with _progress("Loading", checked(source).count) as told:
        return await archive.restore(source, told, replace=replace)


def _became(done: Restored) -> str:
    return (
        f"Restored: {done.replayed:,} erasures were replayed, {done.renewed:,} keys renewed, and "
        f"{done.dead:,} customers left out whose key is destroyed."
    )


@contextmanager
def _progress(what: str, total: int) -> Iterator[Told]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=errors) as progress:
        task = progress.add_task(what, total=total)

        def told(name: str, more: int) -> None:
            progress.update(task, description=f"{what} {name}", advance=more)

        yield told
