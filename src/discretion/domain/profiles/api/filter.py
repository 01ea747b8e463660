"""Filter and order inputs, built from the catalogue's open attributes."""

from __future__ import annotations

import enum
import re
import types
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import strawberry

from discretion.catalogue.model import Attribute, Catalogue, ValueType
from discretion.domain.ingest.value_parsing import WrongType, moment
from discretion.domain.kit.graphql.scalars import PYTHON_TYPES
from discretion.domain.profiles.api.customer_types import pascal
from discretion.errors import BadRequest
from discretion.plan.filter import Condition, Filter, Order

MAX_OPERANDS = 100
MAX_ALTERNATIVES = 20
_EQUAL = ("eq", "in")
_RANGE = ("eq", "in", "gt", "gte", "lt", "lte")
_PYTHON = {"in": "in_"}


class Filtering:
    """The input types, and how what arrives in them is read."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._open = {a.path: a for a in catalogue.attributes.values() if not a.sealed and not a.many}
        self._conditions = {kind: _condition_type(kind) for kind in ValueType}
        fields = self._fields(self._tree(), "")
        self.match: type = _input("CustomerMatch", fields, "Conditions on open attributes; all must hold.")
        self.filter: type = self._filter_type(fields)
        self.order_by: type = self._order_by()
        self.order: type = self._order_type()

    def read(self, given: Any) -> Filter:
        """A filter as it arrived, in the terms of the plan.

        Raises:
            BadRequest: ``FILTER_INVALID`` with the place and what it takes.
        """
        if not given:
            return Filter()
        any_of = _given(given, "any_") or []
        none_of = _given(given, "none_") or []
        if len(any_of) + len(none_of) > MAX_ALTERNATIVES:
            raise BadRequest("FILTER_INVALID", f"A filter takes at most {MAX_ALTERNATIVES} alternatives.")
        return Filter(
            tuple(self._match(given)),
            tuple(_some(tuple(self._match(one))) for one in any_of),
            tuple(_some(tuple(self._match(one))) for one in none_of),
        )

    def read_order(self, given: Any) -> Order:
        """An order as it arrived."""
        if not given:
            return Order()
        return Order(self._open[given.by.value], descending=bool(given.descending))

    def _match(self, given: Any) -> Iterator[Condition]:
        for path, attribute in self._open.items():
            at: Any = given
            for step in path.split("."):
                at = _given(at, step)
                if at is None:
                    break
            if at is not None:
                yield from _conditions(attribute, at)

    def _tree(self) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for path, attribute in self._open.items():
            *steps, last = path.split(".")
            at = tree
            for step in steps:
                at = at.setdefault(step, {})
            at[last] = attribute
        return tree

    def _fields(self, tree: dict[str, Any], prefix: str) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for step, below in tree.items():
            path = f"{prefix}.{step}" if prefix else step
            if isinstance(below, Attribute):
                fields[step] = (self._conditions[below.type], below.description)
            else:
                fields[step] = (_input(f"{pascal(path)}Match", self._fields(below, path), ""), "")
        return fields

    def _filter_type(self, fields: dict[str, Any]) -> type:
        matches: Any = list[self.match]  # type: ignore[name-defined]
        return _input(
            "CustomerFilter",
            {
                **fields,
                "any_": (matches, "At least one of these must match.", "any"),
                "none_": (matches, "None of these may match.", "none"),
            },
            "Matches only customers of whom the token may see every attribute asked about, in clear.",
        )

    def _order_by(self) -> type:
        members = {_constant(path): path for path in self._open}
        made = enum.Enum("CustomerOrderBy", members)  # type: ignore[misc]
        return strawberry.enum(made, description="Open attributes customers can be sorted by.")

    def _order_type(self) -> type:
        fields = {
            "by": (self.order_by, "Customers of whom the token may not see it are left out."),
            "descending": (bool, "Largest first."),
        }
        return _input("CustomerOrder", fields, "", required=("by",))


def stored(attribute: Attribute, value: Any) -> Any:
    """A value of a filter as it is stored.

    Raises:
        BadRequest: ``FILTER_INVALID``.
    """
    try:
        if attribute.type is ValueType.MONEY:
            return int((Decimal(str(value)) * 100).to_integral_value())
        if attribute.type is ValueType.DATE:
            return date.fromisoformat(value).isoformat()
        if attribute.type is ValueType.DATETIME:
            return moment(value)
    except (ValueError, TypeError, ArithmeticError, WrongType):
        raise BadRequest(
            "FILTER_INVALID", f"The filter on {attribute.path} does not hold a {attribute.type}."
        ) from None
    return value


def _given(parent: Any, name: str) -> Any:
    """A member of an input that was given and is not null."""
    value = getattr(parent, name, None)
    return None if value is strawberry.UNSET else value


def _some(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    if not conditions:
        raise BadRequest("FILTER_INVALID", "An alternative of a filter holds no condition.")
    return conditions


def _conditions(attribute: Attribute, given: Any) -> Iterator[Condition]:
    for operator in _RANGE if attribute.type not in (ValueType.STRING, ValueType.BOOLEAN) else _EQUAL:
        operand = _given(given, _PYTHON.get(operator, operator))
        if operand is None:
            continue
        if operator == "in":
            if len(operand) > MAX_OPERANDS:
                raise BadRequest("FILTER_INVALID", f"'in' takes at most {MAX_OPERANDS} values.")
            yield Condition(attribute, operator, [stored(attribute, one) for one in operand])
        else:
            yield Condition(attribute, operator, stored(attribute, operand))


def _constant(path: str) -> str:
    """``commerce.lifetimeValue`` as an enum member: ``COMMERCE_LIFETIME_VALUE``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", path.replace(".", "_")).upper()


def _condition_type(kind: ValueType) -> type:
    one: Any = PYTHON_TYPES[kind]
    operators = _EQUAL if kind in (ValueType.STRING, ValueType.BOOLEAN) else _RANGE
    fields: dict[str, Any] = {}
    for operator in operators:
        wanted = list[one] if operator == "in" else one
        fields[_PYTHON.get(operator, operator)] = (wanted, "", operator)
    return _input(f"{kind.value}Condition", fields, f"Conditions on a {kind.value}; all must hold.")


def _input(name: str, fields: dict[str, Any], description: str, required: tuple[str, ...] = ()) -> type:
    namespace: dict[str, Any] = {"__annotations__": {}}
    for python_name, (kind, words, *graphql_name) in fields.items():
        shown = graphql_name[0] if graphql_name else python_name
        wanted = kind if python_name in required else kind | None
        options: dict[str, Any] = {} if python_name in required else {"default": strawberry.UNSET}
        namespace["__annotations__"][python_name] = wanted
        namespace[python_name] = strawberry.field(name=shown, description=words or None, **options)
    made = types.new_class(name, (), {}, lambda into: into.update(namespace))
    return strawberry.input(made, description=description or None)
