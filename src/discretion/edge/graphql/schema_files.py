"""The files under ``schema/`` that are printed from what is written: the API, and the shapes of our YAML."""

from __future__ import annotations

from pathlib import Path

from discretion.catalogue.entry import json_schema
from discretion.catalogue.load import load, shipped
from discretion.domain.access.format.json_format import schema_text as package_schema
from discretion.domain.notices.load import json_schemas as notice_schemas
from discretion.edge.graphql.schema_builder import build_schema
from discretion.law.entry import json_schema as law_schema

SDL = shipped().parent / "discretion.graphql"
SHAPE = shipped().parent / "jsonschema" / "catalogue.schema.json"
LAW_SHAPE = SHAPE.with_name("jurisdiction.schema.json")
PACKAGE_SHAPE = SHAPE.with_name("package.schema.json")


def printed(catalogue: Path | None) -> dict[Path, str]:
    """What they should say of a catalogue, by their place in the checkout or the installed package."""
    sdl = build_schema(load(catalogue)).as_str() + "\n"
    notice_shapes = {
        SHAPE.with_name(f"notices-{kind}.schema.json"): text for kind, text in notice_schemas().items()
    }
    shapes = {SHAPE: json_schema(), LAW_SHAPE: law_schema(), PACKAGE_SHAPE: package_schema()}
    return {SDL: sdl, **shapes, **notice_shapes}
