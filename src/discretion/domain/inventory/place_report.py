"""The map of places as a table: for the terminal, and in Markdown as ``schema/places.md``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.table import Table

from discretion.store.places.place import Place, PlaceKind
from discretion.store.places.place_map import list_places

TITLES: dict[PlaceKind, str] = {
    PlaceKind.COLLECTION: "Collections",
    PlaceKind.INDEX: "Indexes",
    PlaceKind.MEMORY: "Memory of the processes",
    PlaceKind.FILE: "Files",
    PlaceKind.OUTSIDE: "Outside parties",
}
COLUMNS = ("place", "data", "a person leaves", "how", "at the latest after", "law")

_HEAD = """\
# Places of personal data

Printed from the code by `discretion schema print --write`; do not edit. Every place that may hold data of a
person is listed, with how the person leaves it when they are erased and the law behind that. The erasure, its
dry run and its verification, the replay of erasures after a restore and `discretion inventory` read the same
map.
"""
_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


def list_rows(kind: PlaceKind) -> Iterator[Sequence[str]]:
    """Yield the cells of each place of a kind, in the order of ``COLUMNS``."""
    for place in list_places(kind):
        yield _list_cells(place)


def render_places(kinds: Iterable[PlaceKind]) -> RenderableType:
    """Render the places of some kinds for the terminal."""
    return Group(*(_render_kind(kind) for kind in kinds))


def print_place_reference() -> str:
    """Return the text of ``schema/places.md`` in Markdown."""
    return "\n".join([_HEAD, *(_print_kind(kind) for kind in PlaceKind)])


def describe_duration(duration: timedelta | None) -> str:
    """Return a duration in its largest whole unit; empty for None."""
    if duration is None:
        return ""
    name, unit = next(
        ((name, unit) for name, unit in _UNITS if duration >= unit and not duration % unit),
        ("second", timedelta(seconds=1)),
    )
    count = duration // unit
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def _list_cells(place: Place) -> Sequence[str]:
    return (
        place.name,
        place.holds,
        str(place.departure),
        place.how,
        describe_duration(place.expires_after),
        place.law,
    )


def _render_kind(kind: PlaceKind) -> Table:
    table = Table(title=TITLES[kind], title_justify="left")
    for name in COLUMNS:
        # Names are folded, not cut, in a narrow terminal.
        table.add_column(name, overflow="fold")
    for cells in list_rows(kind):
        table.add_row(*cells)
    return table


def _print_kind(kind: PlaceKind) -> str:
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    for name, *cells in list_rows(kind):
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return f"## {TITLES[kind]}\n\n" + "\n".join(lines) + "\n"
