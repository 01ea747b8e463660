"""``discretion token``: access tokens for operators."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from discretion.token.grant import SELF
from discretion.token.issue import Issuer


def commands(issuer: Callable[[Path | None], Issuer]) -> typer.Typer:
    """The commands; ``issuer`` gives an installation's, by its folder."""
    tokens = typer.Typer(help="Access tokens.", no_args_is_help=True)

    @tokens.callback()
    def token() -> None:
        """Access tokens."""

    @tokens.command("issue")
    def issue(
        client: Annotated[
            str, typer.Option(help="Who the token is for: shop-frontend, or a source that sends messages.")
        ],
        subject: Annotated[
            str | None,
            typer.Option(help="On whose behalf, else the client's own; a customer's id for purpose 'self'."),
        ] = None,
        purpose: Annotated[
            list[str] | None, typer.Option(help="A purpose it may use; repeat for several.")
        ] = None,
        scope: Annotated[
            list[str] | None, typer.Option(help="A scope, such as steward or ingest; repeat for several.")
        ] = None,
        category: Annotated[list[str] | None, typer.Option(help="Narrow it to data categories.")] = None,
        minutes: Annotated[int, typer.Option(help="How long it holds.", min=1, max=1440)] = 60,
        auth_time: Annotated[
            datetime | None,
            typer.Option(help="When the customer logged in (UTC); some rights take a login of ten minutes."),
        ] = None,
        data_dir: Annotated[
            Path | None, typer.Option("--data-dir", help="Where MongoDB's data and the keys are kept.")
        ] = None,
    ) -> None:
        """Issue an access token (RFC 9068) and print it."""
        if not purpose and not scope:
            raise typer.BadParameter("It would allow nothing: give a --purpose, a --scope, or both.")
        if subject is None and SELF in (purpose or ()):
            raise typer.BadParameter("A customer's own token needs the customer's id as its --subject.")
        at = None if auth_time is None else auth_time.replace(tzinfo=auth_time.tzinfo or UTC)
        made = issuer(data_dir).issue(
            client,
            subject or client,
            scope or [],
            purpose or [],
            category,
            lifetime_s=minutes * 60,
            authenticated=None if at is None else int(at.timestamp()),
        )
        sys.stdout.write(f"{made}\n")

    return tokens
