"""Commands ``discretion keys``: rotate the signing keys and list them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Protocol

import typer

from discretion.token.key_schedule import KeyState, KeyStatus

HELP = """The keys that sign tokens, receipts and certificates.

A key passes through four states by the clock. Published:
/.well-known/jwks.json has it, and for six minutes nothing is signed with it,
because clients may cache that page for five. Signing: everything new is
signed with it. Retiring: its successor signs, and its tokens are accepted
until the last has expired, after a day. Retired: its private part is
destroyed. Its public part stays at /.well-known/receipt-keys.json, so that
consent receipts and erasure certificates can be verified for as long as
somebody keeps them.
"""
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder of the keys and of the embedded MongoDB.")
]
_UNTIL = {
    KeyState.PUBLISHED: "signs from",
    KeyState.SIGNING: "until",
    KeyState.RETIRING: "verifies until",
    KeyState.RETIRED: "since",
}


class RotatableKeys(Protocol):
    """The signing keys of an installation."""

    def list_statuses(self) -> list[KeyStatus]:
        """Return the state of each key now, oldest first."""

    async def rotate(self) -> KeyStatus:
        """Publish a new key, and return its state."""

    async def replace_leaked(self) -> KeyStatus:
        """Replace all keys at once by a new one, because others know them, and return its state."""

    async def destroy_retired(self) -> None:
        """Destroy the private parts of retired keys."""


def build_key_commands(open_keys: Callable[[Path | None], RotatableKeys]) -> typer.Typer:
    """Return the commands. ``open_keys`` returns the keys of an installation, given its data folder."""
    app = typer.Typer(help=HELP, no_args_is_help=True)

    @app.command("rotate")
    def rotate(
        leaked: Annotated[
            bool,
            typer.Option(
                "--leaked",
                help="Others know the keys: replace them within a second. All tokens end, and for up to five "
                "minutes clients that verify tokens themselves may not know the new key.",
            ),
        ] = False,
        data_dir: DataDir = None,
    ) -> None:
        """Publish a new signing key, which replaces the present one six minutes later.

        Servers of the same data folder take it up without a restart, and nobody has
        to log in again. The command may run at any time, on any host that has the
        folder, also from a timer: while a new key is published and does not sign
        yet, it changes nothing. Back up the folder of keys afterwards.
        """
        keys = open_keys(data_dir)

        async def run() -> None:
            await keys.destroy_retired()
            await (keys.replace_leaked() if leaked else keys.rotate())

        asyncio.run(run())
        sys.stdout.write(format_statuses(keys.list_statuses()))

    @app.command("list")
    def list_keys(data_dir: DataDir = None) -> None:
        """List the signing keys, oldest first: key id, state, and until when."""
        sys.stdout.write(format_statuses(open_keys(data_dir).list_statuses()))

    return app


def format_statuses(statuses: Sequence[KeyStatus]) -> str:
    """Return one line for each key."""
    return "".join(
        f"{status.kid}  {status.state:9}  {_format_until(status)}".rstrip() + "\n" for status in statuses
    )


def _format_until(status: KeyStatus) -> str:
    if status.until is None:
        return "until the next rotation"
    moment = datetime.fromtimestamp(status.until / 1000, UTC).isoformat(timespec="seconds")
    return f"{_UNTIL[status.state]} {moment.replace('+00:00', 'Z')}"
