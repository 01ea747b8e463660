"""GraphQL fields whose types are built from the catalogue."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.types.field import StrawberryField


def build_field(resolve: Any, name: str, graphql_type: Any, description: str) -> StrawberryField:
    """Build a field with a type that exists only after the catalogue was loaded."""
    graphql_field: Any = strawberry.field(
        resolver=resolve, name=name, graphql_type=graphql_type, description=description
    )
    graphql_field.python_name = name
    return graphql_field  # type: ignore[no-any-return]
