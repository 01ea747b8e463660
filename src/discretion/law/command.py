"""The commands ``discretion law``: what each law requires, and deadlines of rights requests."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from discretion import settings
from discretion.catalogue.load import load_catalogue
from discretion.law import terminal
from discretion.law.deadline import DeadlineExtension, RequestTimes, compute_due_date
from discretion.law.jurisdiction import DeadlineStep, Jurisdiction, Lawbook, Right
from discretion.law.load import load_lawbook


def build_commands(today: Callable[[], date]) -> typer.Typer:
    """Build the ``law`` commands; ``today`` gives the default day."""
    app = typer.Typer(help="What each law requires, and its deadlines.", no_args_is_help=True)

    @app.command("show")
    def law_show(
        key: Annotated[str | None, typer.Argument(help="A jurisdiction, such as eu; all if omitted.")] = None,
        on: Annotated[
            datetime | None, typer.Option(help="The day; today if omitted.", formats=["%Y-%m-%d"])
        ] = None,
    ) -> None:
        """Show what a law requires, since when, and in which article.

        Without KEY, show all laws with one line each. Rules that do not apply,
        because they are unsure or not in force, are dim.
        """
        lawbook = _load_lawbook()
        day = on.date() if on else today()
        renderable = (
            terminal.render_jurisdictions(lawbook, day)
            if key is None
            else terminal.render_jurisdiction(_require_jurisdiction(lawbook, key), day)
        )
        Console().print(renderable)

    app.command("due")(law_due)
    return app


def law_due(
    key: Annotated[str, typer.Argument(help="A jurisdiction, such as eu or us-ca.")],
    received: Annotated[
        datetime, typer.Option(help="When the request or appeal was received; local time of the law.")
    ],
    right: Annotated[Right, typer.Option(help="The right that was exercised.")],
    step: Annotated[DeadlineStep, typer.Option(help="The step of the request.")] = DeadlineStep.RESPOND,
    identified: Annotated[
        datetime | None, typer.Option(help="When the identity was proven, if it was in doubt.")
    ] = None,
    extended: Annotated[
        datetime | None, typer.Option(help="When the person was told of an extension and its reason.")
    ] = None,
) -> None:
    """Show the deadline for a step of a rights request.

    Example: discretion law due eu --right access --received 2026-01-31T10:00
    """
    jurisdiction = _require_jurisdiction(_load_lawbook(), key)

    def to_ms(local: datetime) -> int:
        return int(local.replace(tzinfo=local.tzinfo or ZoneInfo(jurisdiction.zone)).timestamp() * 1000)

    extensions = () if extended is None else (DeadlineExtension(to_ms(extended)),)
    request_times = RequestTimes(to_ms(received), to_ms(identified or received), extensions=extensions)
    Console().print(
        terminal.render_due_date(jurisdiction, compute_due_date(jurisdiction, right, step, request_times))
    )


def _load_lawbook() -> Lawbook:
    loaded_settings = settings.read_settings(os.environ)
    return load_lawbook(loaded_settings.jurisdictions_dir, load_catalogue(loaded_settings.catalogue_dir))


def _require_jurisdiction(lawbook: Lawbook, key: str) -> Jurisdiction:
    if key not in lawbook.jurisdictions:
        known_keys = ", ".join(sorted(lawbook.jurisdictions))
        raise typer.BadParameter(f"There is no jurisdiction {key!r}; there are {known_keys}.")
    return lawbook.jurisdictions[key]
