"""A GraphQL field whose type depends on the catalogue."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.types.field import StrawberryField


def field(resolve: Any, name: str, kind: Any, description: str) -> StrawberryField:
    """A field whose type is known only when the catalogue is."""
    made: Any = strawberry.field(resolver=resolve, name=name, graphql_type=kind, description=description)
    made.python_name = name
    return made  # type: ignore[no-any-return]
