"""Directives: ``@personal`` describes personal data in the schema, ``@purpose`` narrows an operation."""

from __future__ import annotations

import strawberry
from strawberry.directive import DirectiveLocation, DirectiveValue
from strawberry.schema_directive import Location


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="Personal data: its Fideslang category, and the purposes it may be revealed for.",
)
class Personal:
    """The directive ``@personal(category:, purposes:)`` on the field of every attribute."""

    category: str
    purposes: list[str]


@strawberry.directive(
    locations=[DirectiveLocation.QUERY, DirectiveLocation.MUTATION],
    name="purpose",
    description="Narrows this operation to some of the token's purposes, so that it sees, and is recorded "
    "as using, no more than it needs. A node of the purpose tree covers its descendants.",
)
def narrow_purpose(value: DirectiveValue[object], uses: list[str]) -> object:
    """Return the value unchanged: ``@purpose`` takes effect when the plan is compiled, before execution."""
    del uses
    return value
