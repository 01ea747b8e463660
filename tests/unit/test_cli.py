"""The help of the commands can be read in a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from discretion.cli import cli

WIDTH = 78
"""Rich indents the help by a column on each side."""


def list_help(command: object, name: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the help of a command and of all commands below it."""
    yield name, getattr(command, "help", None) or ""
    for below, child in getattr(command, "commands", {}).items():
        yield from list_help(child, f"{name} {below}")


def test_no_line_of_help_is_broken_by_a_terminal_of_80_columns() -> None:
    """Rich joins the lines of the first paragraph only, and breaks longer lines of the others in two."""
    helps = list(list_help(typer.main.get_command(cli), "discretion"))
    assert len(helps) > 30
    assert not [
        (name, line)
        for name, text in helps
        for paragraph in text.split("\n\n")[1:]
        for line in paragraph.splitlines()
        if len(line.replace("\\[", "[")) > WIDTH
    ]
