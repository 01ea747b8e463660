"""GraphQL scalars for the value types of the catalogue."""

from __future__ import annotations

from typing import NewType

import strawberry
from graphql import FloatValueNode, IntValueNode, StringValueNode, ValueNode
from strawberry.types.scalar import ScalarDefinition

from discretion.catalogue.model import ValueType

Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
Decimal = NewType("Decimal", str)
Json = NewType("Json", object)


def _return_unchanged(value: object) -> object:
    return value


def _read_literal(node: ValueNode, variables: object = None) -> object:
    """Return the text of a literal, so that no digit of a number is lost; of other literals, none."""
    del variables
    return node.value if isinstance(node, FloatValueNode | IntValueNode | StringValueNode) else ""


@strawberry.type(
    name="Money",
    description="An amount of money. Amounts of different currencies are never added; where the catalogue "
    "declares exchange rates, they are converted. Where only a coarse form may be revealed, `amount` is in "
    "whole units, rounded down to one significant digit.",
)
class MoneyObject:
    """An amount and its currency; a rendered value (``reveal.forms``) is a mapping of both."""

    amount: Decimal = strawberry.field(
        resolver=lambda root: root["amount"],
        graphql_type=Decimal,
        description="With all decimal places of its currency, such as `27.50` euros or `1000` yen.",
    )
    currency: str = strawberry.field(
        resolver=lambda root: root["currency"],
        graphql_type=str,
        description="Three letters of ISO 4217, such as `EUR`.",
    )


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
    Decimal: strawberry.scalar(
        name="Decimal",
        description='A decimal number as text, such as `"27.50"`, exact at any size: a JSON number would be '
        "read as a binary fraction. `Intl.NumberFormat` takes it as it is. In arguments also a number.",
        serialize=_return_unchanged,
        parse_value=_return_unchanged,
        parse_literal=_read_literal,
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
    ValueType.MONEY: MoneyObject,
}
"""Value type of the catalogue -> the Python type that Strawberry maps to its GraphQL type."""
