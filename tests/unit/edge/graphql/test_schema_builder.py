"""The schema follows from the catalogue; without the services of a platform it executes nothing."""

from __future__ import annotations

from discretion.catalogue.load import load_catalogue
from discretion.edge.graphql.schema_builder import build_schema


async def test_a_schema_without_services_executes_nothing() -> None:
    schema = build_schema(load_catalogue(None))
    assert "type Query" in schema.as_str()
    result = await schema.execute('{ privacyNotice(jurisdiction: "eu", language: "en") { title } }')
    assert result.data is None
