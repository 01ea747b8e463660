"""The schema is built with the services of its resolvers; without them it can only be printed."""

from __future__ import annotations

from discretion.catalogue.load import load_catalogue
from discretion.edge.graphql.schema_builder import build_schema


async def test_printable_schema_executes_nothing() -> None:
    schema = build_schema(load_catalogue(None))
    assert "type Query" in schema.as_str()
    result = await schema.execute('{ privacyNotice(jurisdiction: "eu", language: "en") { title } }')
    assert result.data is None
