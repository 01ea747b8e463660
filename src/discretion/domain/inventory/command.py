"""The command ``discretion inventory``: every place that may hold personal data."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from discretion.domain.inventory.place_report import render_places
from discretion.store.places.place import PlaceKind


class InventoryKind(StrEnum):
    """The kind of a place, as an option of the command."""

    COLLECTION = "collection"
    INDEX = "index"
    MEMORY = "memory"
    FILE = "file"
    OUTSIDE = "outside"


def add_inventory_command(cli: typer.Typer) -> None:
    """Add the command to an application."""

    @cli.command("inventory")
    def show_inventory(
        kind: Annotated[InventoryKind | None, typer.Option(help="Only places of this kind.")] = None,
    ) -> None:
        """Show every place that may hold personal data, and how a person leaves it.

        Places are collections, indexes, the memory of the processes, files and
        outside parties. Each has what happens in it when a person is erased,
        and the law behind that. It is the map that the erasure itself reads;
        schema/places.md is printed from it. Needs no database.
        """
        Console().print(render_places(_select_kinds(kind)))


def _select_kinds(kind: InventoryKind | None) -> Sequence[PlaceKind]:
    return tuple(PlaceKind) if kind is None else (PlaceKind[kind.name],)
