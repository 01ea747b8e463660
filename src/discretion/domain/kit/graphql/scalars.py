"""Scalars of the catalogue's value types, as GraphQL shows them."""

from __future__ import annotations

from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from discretion.catalogue.model import ValueType

Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
Money = NewType("Money", float)
Json = NewType("Json", object)


def _as_is(value: Any) -> Any:
    return value


SCALARS: dict[object, ScalarDefinition] = {
    Date: strawberry.scalar(
        name="Date",
        description="An ISO 8601 calendar date, such as `1990-05-01`. Where only a coarse form may be "
        "revealed, an age band such as `35-44`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=_as_is,
        parse_value=_as_is,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A time in UTC, such as `2026-05-01T09:30:00.000Z`. Where only a coarse form may be "
        "revealed, its month, such as `2026-05`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=_as_is,
        parse_value=_as_is,
    ),
    Money: strawberry.scalar(
        name="Money",
        description="An amount in the retailer's currency, to the cent. Where only a coarse form may be "
        "revealed, rounded down to one significant digit.",
        serialize=_as_is,
        parse_value=_as_is,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_as_is,
        parse_value=_as_is,
    ),
}
"""Python type -> GraphQL scalar; values arrive rendered, so serialising leaves them alone."""

PYTHON_TYPES: dict[ValueType, object] = {
    ValueType.STRING: str,
    ValueType.INT: int,
    ValueType.FLOAT: float,
    ValueType.BOOLEAN: bool,
    ValueType.DATE: Date,
    ValueType.DATETIME: DateTime,
    ValueType.MONEY: Money,
}
"""What a catalogue type is called when a GraphQL type is built from it."""
