"""Generated files follow their sources; the register of numbers lies beside its catalogue."""

from __future__ import annotations

from pathlib import Path

from discretion.catalogue.attribute_register import REGISTER_NAME
from discretion.catalogue.load import find_shipped_catalogue, load_catalogue
from discretion.edge.graphql.schema_files import (
    SDL_PATH,
    list_stale_files,
    print_sdl,
    render_schema_files,
    write_schema_files,
)
from tests.unit.catalogue.small_catalogue import SMALL_CATALOGUE, write_catalogue

NEW_ATTRIBUTE = """\
  commerce.visits:
    number: 5
    type: Int
    category: user.behavior.purchase_history
    description: Visits.
identifiers:
"""


def test_the_shipped_files_are_current() -> None:
    assert list_stale_files(None) == []
    assert "type Customer" in SDL_PATH.read_text("utf-8")
    assert (find_shipped_catalogue() / REGISTER_NAME).read_text("utf-8").startswith("# yaml-language-server")


def test_a_new_attribute_makes_the_register_stale_until_it_is_written(tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path)
    assert list_stale_files(folder) == [folder / REGISTER_NAME]
    write_schema_files(folder)
    assert list_stale_files(folder) == []
    before = (folder / REGISTER_NAME).read_text("utf-8")
    write_catalogue(folder, SMALL_CATALOGUE.replace("identifiers:\n", NEW_ATTRIBUTE))
    assert list_stale_files(folder) == [folder / REGISTER_NAME]
    write_schema_files(folder)
    after = (folder / REGISTER_NAME).read_text("utf-8")
    assert after == before.replace("numbers_given: 4", "numbers_given: 5") + (
        "  5: {path: commerce.visits, type: Int, sealed: true}\n"
    )


def test_a_removed_attribute_keeps_its_line(tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path, SMALL_CATALOGUE.replace("identifiers:\n", NEW_ATTRIBUTE))
    write_schema_files(folder)
    write_catalogue(folder)
    assert list_stale_files(folder) == [folder / REGISTER_NAME]
    write_schema_files(folder)
    register = load_catalogue(folder).register
    assert register[5].path == "commerce.visits"
    assert [number for number, line in register.items() if line.retired] == [5]
    assert list_stale_files(folder) == []


def test_of_another_catalogue_only_the_register_is_written(tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path)
    assert list(render_schema_files(folder)) == [folder / REGISTER_NAME]
    assert "type Customer" in print_sdl(folder)
