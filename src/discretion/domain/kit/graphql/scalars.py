"""GraphQL scalars for the value types of the catalogue."""

from __future__ import annotations

from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from discretion.catalogue.model import ValueType

Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
Money = NewType("Money", float)
Json = NewType("Json", object)


def _return_unchanged(value: object) -> object:
    return value


SCALARS: dict[object, ScalarDefinition] = {
    Date: strawberry.scalar(
        name="Date",
        description="An ISO 8601 calendar date, such as `1990-05-01`. Where only a coarse form may be "
        "revealed, an age band such as `35-44`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=_return_unchanged,
        parse_value=_return_unchanged,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A time in UTC, such as `2026-05-01T09:30:00.000Z`. Where only a coarse form may be "
        "revealed, its month, such as `2026-05`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=_return_unchanged,
        parse_value=_return_unchanged,
    ),
    Money: strawberry.scalar(
        name="Money",
        description="An amount in the retailer's currency, to the cent. Where only a coarse form may be "
        "revealed, rounded down to one significant digit.",
        serialize=_return_unchanged,
        parse_value=_return_unchanged,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_return_unchanged,
        parse_value=_return_unchanged,
    ),
}
"""Python type -> GraphQL scalar; values are already rendered, so serialising returns them unchanged."""

PYTHON_TYPES: dict[ValueType, object] = {
    ValueType.STRING: str,
    ValueType.INT: int,
    ValueType.FLOAT: float,
    ValueType.BOOLEAN: bool,
    ValueType.DATE: Date,
    ValueType.DATETIME: DateTime,
    ValueType.MONEY: Money,
}
"""Value type of the catalogue -> the Python type that Strawberry maps to its GraphQL type."""
