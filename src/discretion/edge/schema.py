"""Assembles what the domains offer into the one schema."""

from __future__ import annotations

import types
from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig

from discretion.catalogue.model import Catalogue
from discretion.domain.inventory.api import inventory_fields
from discretion.domain.letters.api import letters_field
from discretion.domain.profiles.api.directives import narrow_purpose
from discretion.domain.profiles.api.query import query_fields
from discretion.domain.profiles.api.scalars import SCALARS
from discretion.domain.profiles.api.timeline import events_field
from discretion.domain.profiles.api.types import object_type
from discretion.domain.rights.api import disclosures_field
from discretion.edge.executor import PlanExecutor


def build_schema(catalogue: Catalogue) -> strawberry.Schema:
    """The schema of this catalogue; the compiled executor is its execution context class."""
    fields = query_fields(catalogue, [events_field(), disclosures_field()])
    query: Any = object_type(
        "Query", [*fields, *inventory_fields(), letters_field()], "Everything that can be asked."
    )
    return strawberry.Schema(
        query=query,
        types=_customer_types(fields),
        directives=[narrow_purpose],
        execution_context_class=PlanExecutor,
        config=StrawberryConfig(scalar_map=SCALARS),
    )


def _customer_types(fields: list[Any]) -> list[Any]:
    """``Customer`` is also reached through ``Node``, which names no implementation."""
    named = next(field for field in fields if field.python_name == "me")
    inner = named.type.of_type
    assert isinstance(inner, type | types.GenericAlias)
    return [inner]
