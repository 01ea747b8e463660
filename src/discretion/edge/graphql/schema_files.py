"""The generated files under ``schema/``: the SDL, the error codes and the JSON schemas."""

from __future__ import annotations

from pathlib import Path

from discretion.catalogue.entry import print_catalogue_schema
from discretion.catalogue.load import find_shipped_catalogue, load_catalogue
from discretion.domain.access.format.json_format import build_package_schema_text as package_schema
from discretion.domain.notices.load import build_json_schemas
from discretion.edge.error_reference import print_error_reference
from discretion.edge.graphql.schema_builder import build_schema
from discretion.law.entry import print_jurisdiction_schema

SDL_PATH = find_shipped_catalogue().parent / "discretion.graphql"
CATALOGUE_SCHEMA_PATH = find_shipped_catalogue().parent / "jsonschema" / "catalogue.schema.json"
ERRORS_PATH = find_shipped_catalogue().parent / "errors.md"
LAW_SCHEMA_PATH = CATALOGUE_SCHEMA_PATH.with_name("jurisdiction.schema.json")
PACKAGE_SCHEMA_PATH = CATALOGUE_SCHEMA_PATH.with_name("package.schema.json")


def render_schema_files(catalogue_dir: Path | None) -> dict[Path, str]:
    """Return the text of each file for a catalogue, by its path in the checkout or the installed package."""
    sdl = build_schema(load_catalogue(catalogue_dir)).as_str() + "\n"
    notice_files = {
        CATALOGUE_SCHEMA_PATH.with_name(f"notices-{kind}.schema.json"): text
        for kind, text in build_json_schemas().items()
    }
    json_schema_files = {
        CATALOGUE_SCHEMA_PATH: print_catalogue_schema(),
        LAW_SCHEMA_PATH: print_jurisdiction_schema(),
        PACKAGE_SCHEMA_PATH: package_schema(),
    }
    return {SDL_PATH: sdl, ERRORS_PATH: print_error_reference(), **json_schema_files, **notice_files}
