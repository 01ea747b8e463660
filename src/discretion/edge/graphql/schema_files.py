"""The generated files: the SDL, error codes, map of places, register of numbers and JSON schemas."""

from __future__ import annotations

from pathlib import Path

from discretion.catalogue.attribute_register import REGISTER_NAME, render_register
from discretion.catalogue.entry import print_catalogue_schema
from discretion.catalogue.load import find_shipped_catalogue, load_catalogue
from discretion.catalogue.model import Catalogue
from discretion.domain.access.format.json_format import build_package_schema_text as package_schema
from discretion.domain.inventory.place_report import print_place_reference
from discretion.domain.notices.load import build_json_schemas
from discretion.edge.error_reference import print_error_reference
from discretion.edge.graphql.schema_builder import build_schema
from discretion.law.entry import print_jurisdiction_schema

SDL_PATH = find_shipped_catalogue().parent / "discretion.graphql"
CATALOGUE_SCHEMA_PATH = find_shipped_catalogue().parent / "jsonschema" / "catalogue.schema.json"
ERRORS_PATH = find_shipped_catalogue().parent / "errors.md"
PLACES_PATH = ERRORS_PATH.with_name("places.md")
LAW_SCHEMA_PATH = CATALOGUE_SCHEMA_PATH.with_name("jurisdiction.schema.json")
PACKAGE_SCHEMA_PATH = CATALOGUE_SCHEMA_PATH.with_name("package.schema.json")


def print_sdl(catalogue_dir: Path | None) -> str:
    """Return the GraphQL schema of a catalogue as text."""
    return _print_sdl(load_catalogue(catalogue_dir))


def _print_sdl(catalogue: Catalogue) -> str:
    return build_schema(catalogue).as_str() + "\n"


def render_schema_files(catalogue_dir: Path | None) -> dict[Path, str]:
    """Return the text of each file for a catalogue, by its path.

    Of another catalogue than the shipped one, only the register of numbers is kept in a file: it lies beside
    that catalogue.
    """
    catalogue = load_catalogue(catalogue_dir)
    folder = find_shipped_catalogue() if catalogue_dir is None else catalogue_dir
    register_file = {folder / REGISTER_NAME: render_register(catalogue.register)}
    if catalogue_dir is not None:
        return register_file
    notice_files = {
        CATALOGUE_SCHEMA_PATH.with_name(f"notices-{kind}.schema.json"): text
        for kind, text in build_json_schemas().items()
    }
    json_schema_files = {
        CATALOGUE_SCHEMA_PATH: print_catalogue_schema(),
        LAW_SCHEMA_PATH: print_jurisdiction_schema(),
        PACKAGE_SCHEMA_PATH: package_schema(),
    }
    return {
        SDL_PATH: _print_sdl(catalogue),
        ERRORS_PATH: print_error_reference(),
        PLACES_PATH: print_place_reference(),
        **register_file,
        **json_schema_files,
        **notice_files,
    }


def write_schema_files(catalogue_dir: Path | None) -> None:
    """Write every generated file of a catalogue."""
    for path, text in render_schema_files(catalogue_dir).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def list_stale_files(catalogue_dir: Path | None) -> list[Path]:
    """Return the generated files of a catalogue that differ from what their sources say."""
    return [
        path
        for path, text in render_schema_files(catalogue_dir).items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
