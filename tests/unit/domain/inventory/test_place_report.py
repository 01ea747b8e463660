"""The printed map of places has every place, how a person leaves it, and the law."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from discretion.cli import cli
from discretion.domain.inventory.command import InventoryKind
from discretion.domain.inventory.place_report import describe_duration, print_place_reference
from discretion.store.places import place_map
from discretion.store.places.place import PlaceKind
from discretion.store.places.place_map import list_places

PRINTED = Path(__file__).resolve().parents[4] / "schema" / "places.md"


def run_inventory(*arguments: str) -> str:
    """Return what the command prints on a wide terminal, in words."""
    result = CliRunner().invoke(cli, ["inventory", *arguments], env={"COLUMNS": "600"})
    assert result.exit_code == 0, result.output
    return result.stdout


def list_shown(*arguments: str) -> list[str]:
    """Return the first cell of each row that the command prints."""
    return [line.split("│")[1].strip() for line in run_inventory(*arguments).splitlines() if line[0] == "│"]


def test_every_place_is_printed_with_departure_and_law() -> None:
    rows = [line for line in print_place_reference().splitlines() if line.startswith("| `")]
    assert len(rows) == len(place_map.PLACES)
    for row, place in zip(rows, place_map.PLACES, strict=True):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert (cells[0], cells[2], cells[5]) == (f"`{place.name}`", place.departure, place.law)
    assert PRINTED.read_text("utf-8") == print_place_reference()


def test_the_command_shows_every_place_and_how_a_person_leaves_it() -> None:
    assert list_shown() == [place.name for kind in PlaceKind for place in list_places(kind)]
    shown = run_inventory()
    assert [place.name for place in place_map.PLACES if place.how not in shown] == []


def test_the_command_shows_the_places_of_one_kind() -> None:
    assert [kind.name for kind in InventoryKind] == [kind.name for kind in PlaceKind]
    parties = [place.name for place in list_places(PlaceKind.OUTSIDE)]
    assert list_shown("--kind", "outside") == parties


def test_the_command_reads_the_map_at_the_time_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "customers" in list_shown("--kind", "collection")
    monkeypatch.setattr(place_map, "PLACES", place_map.PLACES[1:])
    assert "customers" not in list_shown("--kind", "collection")


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (None, ""),
        (timedelta(days=14), "14 days"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=2), "2 seconds"),
    ],
)
def test_a_duration_is_shown_in_its_largest_whole_unit(duration: timedelta | None, text: str) -> None:
    assert describe_duration(duration) == text
