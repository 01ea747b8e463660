"""Command ``discretion token``: issues access tokens for operators."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from discretion.token.grant import SELF
from discretion.token.issue import TokenIssuer

DEFAULT_LOGIN_TYPE = "user_id"
"""The identifier type of a customer's login, if the operator names none."""


def build_commands(open_issuer: Callable[[Path | None], TokenIssuer]) -> typer.Typer:
    """Return the commands. ``open_issuer`` returns the issuer of an installation, given its data folder."""
    app = typer.Typer(help="Access tokens.", no_args_is_help=True)

    @app.callback()
    def token() -> None:
        """Access tokens."""

    @app.command("issue")
    def issue(
        client: Annotated[
            str,
            typer.Option(help="The client the token is for: shop-frontend, or a source that sends messages."),
        ],
        subject: Annotated[
            str | None,
            typer.Option(
                help="The subject, by default the client; for purpose 'self' what the customer logged in "
                "with, such as their account number."
            ),
        ] = None,
        login_type: Annotated[
            str | None,
            typer.Option(help="For purpose 'self': the identifier type of the subject, by default user_id."),
        ] = None,
        purpose: Annotated[
            list[str] | None, typer.Option(help="A purpose it may use; repeat the option for several.")
        ] = None,
        scope: Annotated[
            list[str] | None,
            typer.Option(help="A scope, such as steward or ingest; repeat the option for several."),
        ] = None,
        category: Annotated[
            list[str] | None, typer.Option(help="Limit it to a data category; repeat the option for several.")
        ] = None,
        minutes: Annotated[int, typer.Option(help="Lifetime in minutes.", min=1, max=1440)] = 60,
        auth_time: Annotated[
            datetime | None,
            typer.Option(
                help="When the customer logged in (UTC); some rights require a login within ten minutes."
            ),
        ] = None,
        data_dir: Annotated[
            Path | None, typer.Option("--data-dir", help="Folder of MongoDB's data and of the keys.")
        ] = None,
    ) -> None:
        """Issue an access token (RFC 9068) and print it."""
        if not purpose and not scope:
            raise typer.BadParameter("The token would allow nothing: give a --purpose, a --scope, or both.")
        if subject is None and SELF in (purpose or ()):
            raise typer.BadParameter("A customer's own token needs their account number as its --subject.")
        if login_type is None and SELF in (purpose or ()):
            login_type = DEFAULT_LOGIN_TYPE
        login_time = None if auth_time is None else auth_time.replace(tzinfo=auth_time.tzinfo or UTC)
        access_token = open_issuer(data_dir).issue_token(
            client,
            subject or client,
            scope or [],
            purpose or [],
            category,
            lifetime_s=minutes * 60,
            authenticated=None if login_time is None else int(login_time.timestamp()),
            login_type=login_type,
        )
        sys.stdout.write(f"{access_token}\n")

    return app
