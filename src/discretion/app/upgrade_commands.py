"""Commands that change what all processes on a database agree on: ``migrate`` and ``rules activate``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from discretion.app.clock import now_ms
from discretion.app.installations import ActivationContext, open_rule_activation, open_schema_migration
from discretion.background import RunCoroutine
from discretion.errors import Misconfigured
from discretion.settings import Settings

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder of the keys and of the embedded MongoDB.")
]
ReadSettings = Callable[[Path | None], Settings]
_HIDDEN_FACT = "other"


def add_upgrade_commands(cli: typer.Typer, read_settings: ReadSettings, run: RunCoroutine) -> None:
    """Add the commands to an application.

    Args:
        cli: The application.
        read_settings: Returns the settings, with another data folder if one is given.
        run: Runs a coroutine and reports its errors.
    """
    cli.add_typer(_build_rules_commands(read_settings, run), name="rules")

    @cli.command("migrate")
    def migrate(
        accept_signing_keys: Annotated[
            bool,
            typer.Option(
                "--accept-signing-keys",
                help="Also record the signing keys of this host as those of the database, after its own were "
                "lost for good. If this host has none, it makes new ones. Tokens issued so far end, and "
                "receipts and certificates issued so far can no longer be verified.",
            ),
        ] = False,
        data_dir: DataDir = None,
    ) -> None:
        """Move the schema of the database to the version of this release.

        Make a backup and stop every server first; servers that still run notice
        within seconds, and stop. There is no way back. An interrupted run can be
        repeated. Nothing else moves the schema, except the first start on an
        empty database.
        """

        async def move() -> None:
            async with open_schema_migration(read_settings(data_dir)) as migration:
                before, after = await migration.run(typer.echo, accept_signing_keys=accept_signing_keys)
            moved = f"moved from version {before} to {after}" if before != after else f"at version {after}"
            typer.echo(f"The schema is {moved}.")

        run(move())


def _build_rules_commands(read_settings: ReadSettings, run: RunCoroutine) -> typer.Typer:
    rules = typer.Typer(help="The rules in force: the catalogue and the laws.", no_args_is_help=True)

    @rules.command("activate")
    def activate(
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
        back: Annotated[
            bool, typer.Option("--back", help="Also if these rules were in force before and were replaced.")
        ] = False,
        data_dir: DataDir = None,
    ) -> None:
        """Put the catalogue and the laws of this process in force, for all processes on the database.

        Shows the difference to the rules in force first, and asks. No start and
        no other command puts rules in force, except the first start on an empty
        database. Servers with the earlier rules go on for ten minutes, in which
        they withhold what the new rules decide otherwise, and then stop; they do
        not start again.
        """

        async def put_in_force() -> None:
            async with open_rule_activation(read_settings(data_dir)) as context:
                if not context.activation.is_needed:
                    await context.activation.run(now_ms)
                    typer.echo("These rules are in force.")
                    return
                await _show_difference(context)
                if context.activation.is_return and not back:
                    raise Misconfigured(
                        "RULES_RETIRED",
                        "These rules were in force before, and others replaced them; nothing was changed.",
                        "To go back on purpose, add --back.",
                    )
                if not yes:
                    typer.confirm("Put these rules in force?", abort=True)
                await context.activation.run(now_ms)
                typer.echo("The rules are in force. Restart the servers.")

        run(put_in_force())

    return rules


async def _show_difference(context: ActivationContext) -> None:
    activation = context.activation
    table = Table("", "entry", "change", title="Difference to the rules in force", title_justify="left")
    for change in activation.changes:
        entry = f"{change.section} {change.key}"
        if change.before is None:
            table.add_row("added", entry, "")
        elif change.after is None:
            table.add_row("removed", entry, "")
        else:
            facts = [
                f"{name}: {before or 'none'} -> {after or 'none'}"
                for name, before, after in change.list_differing_facts()
                if name != _HIDDEN_FACT
            ]
            table.add_row("changed", entry, "\n".join(facts) or "other settings or texts")
    console = Console()
    console.print(table)
    for attribute in activation.list_retired_attributes():
        console.print(
            f"{await context.count_values(attribute.number):,} customers have a value under number "
            f"{attribute.number}, which was {attribute.path} ({attribute.type}). It stays stored under that "
            "number until an erasure or its retention deletes it. Nothing shows it, unless the rules in "
            "force now are put in force again.",
            highlight=False,
        )
    for purpose, count in (await context.count_permitting()).items():
        console.print(f"{count:,} customers permit {purpose} now; its rules change.", highlight=False)
    if activation.changes_permissions:
        console.print(
            f"The permissions of {await context.count_customers():,} customers will be recomputed. Who gains "
            "or loses a purpose: discretion consent recompute --dry-run",
            highlight=False,
        )
