"""``discretion law``: what each law demands, and by when."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from discretion import settings
from discretion.catalogue.load import load as load_catalogue
from discretion.law import terminal as show
from discretion.law.deadline import Extension, Request, deadline
from discretion.law.jurisdiction import Jurisdiction, Lawbook, Right, Step
from discretion.law.load import load


def commands(today: Callable[[], date]) -> typer.Typer:
    """The commands; ``today`` is the day on which nothing else is asked for."""
    laws = typer.Typer(help="What each law demands, and by when.", no_args_is_help=True)

    @laws.command("show")
    def law_show(
        key: Annotated[str | None, typer.Argument(help="A jurisdiction, such as eu; else all.")] = None,
        on: Annotated[
            datetime | None, typer.Option(help="The day, else today.", formats=["%Y-%m-%d"])
        ] = None,
    ) -> None:
        """Show what a law demands, since when, and in which article.

        Without KEY, all of them, a line for each. What is unsure, or not yet in
        force, is dim.
        """
        book = _lawbook()
        day = on.date() if on else today()
        shown = show.everyone(book, day) if key is None else show.whole(_known(book, key), day)
        Console().print(shown)

    laws.command("due")(law_due)
    return laws


def law_due(
    key: Annotated[str, typer.Argument(help="A jurisdiction, such as eu or us-ca.")],
    received: Annotated[datetime, typer.Option(help="When the request, or appeal, came; local time there.")],
    right: Annotated[Right, typer.Option(help="What was asked for.")],
    step: Annotated[Step, typer.Option(help="What is to be done.")] = Step.RESPOND,
    identified: Annotated[
        datetime | None, typer.Option(help="When it was proven who asks, if that was in doubt.")
    ] = None,
    extended: Annotated[
        datetime | None, typer.Option(help="When the person was told that it takes longer, and why.")
    ] = None,
) -> None:
    """Say by when a request must be answered.

    Such as: discretion law due eu --right access --received 2026-01-31T10:00
    """
    one = _known(_lawbook(), key)

    def ms(local: datetime) -> int:
        return int(local.replace(tzinfo=local.tzinfo or ZoneInfo(one.zone)).timestamp() * 1000)

    longer = () if extended is None else (Extension(ms(extended)),)
    asked = Request(ms(received), ms(identified or received), extensions=longer)
    Console().print(show.due(one, deadline(one, right, step, asked)))


def _lawbook() -> Lawbook:
    found = settings.read(os.environ)
    return load(found.jurisdictions_dir, load_catalogue(found.catalogue_dir))


def _known(book: Lawbook, key: str) -> Jurisdiction:
    if key not in book.jurisdictions:
        known = ", ".join(sorted(book.jurisdictions))
        raise typer.BadParameter(f"There is no jurisdiction {key!r}; there are {known}.")
    return book.jurisdictions[key]
