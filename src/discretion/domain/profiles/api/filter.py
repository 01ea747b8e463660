"""Filter and order inputs, built from the open (unencrypted) attributes of the catalogue."""

from __future__ import annotations

import enum
import re
import types
from collections.abc import Iterator
from datetime import date
from typing import Any

import strawberry

from discretion.catalogue.model import Attribute, Catalogue, ValueType
from discretion.catalogue.money import UnreadableAmount, parse_amount
from discretion.domain.ingest.value_codes import read_operand
from discretion.domain.ingest.value_parsing import WrongType, parse_timestamp
from discretion.domain.kit.graphql.scalars import PYTHON_TYPES, Decimal
from discretion.domain.profiles.api.customer_types import to_pascal_case
from discretion.errors import BadRequest
from discretion.plan.filter import CustomerFilter, FilterCondition, SortOrder

# Limits on the work that one query causes in the database.
MAX_OPERANDS = 100
MAX_ALTERNATIVES = 20
_EQUAL = ("eq", "in")
_RANGE = ("eq", "in", "gt", "gte", "lt", "lte")
_PYTHON_NAMES = {"in": "in_"}


class CustomerFilterInputs:
    """The GraphQL input types for filters and orders, and the parsing of their values."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._open_attributes = {attribute.path: attribute for attribute in _list_filterable(catalogue)}
        self._condition_types = {value_type: _build_condition_type(value_type) for value_type in PYTHON_TYPES}
        fields = self._build_fields(self._build_tree(), "")
        self.match_type: type = _build_input_type(
            "CustomerMatch", fields, "Conditions on open attributes; all must hold."
        )
        self.filter_type: type = self._build_filter_type(fields)
        self.order_by_type: type = self._build_order_by_type()
        self.order_type: type = self._build_order_type()

    def parse_filter(self, raw_filter: Any) -> CustomerFilter:
        """Parse a filter input into a filter of ``plan.filter``.

        Raises:
            BadRequest: ``FILTER_INVALID``, with the attribute and the expected type.
        """
        if not raw_filter:
            return CustomerFilter()
        any_of = _read_member(raw_filter, "any_") or []
        none_of = _read_member(raw_filter, "none_") or []
        if len(any_of) + len(none_of) > MAX_ALTERNATIVES:
            raise BadRequest("FILTER_INVALID", f"A filter takes at most {MAX_ALTERNATIVES} alternatives.")
        return CustomerFilter(
            tuple(self._parse_match(raw_filter)),
            tuple(_require_conditions(tuple(self._parse_match(alternative))) for alternative in any_of),
            tuple(_require_conditions(tuple(self._parse_match(alternative))) for alternative in none_of),
        )

    def parse_order(self, raw_order: Any) -> SortOrder:
        """Parse an order input into an order of ``plan.filter``."""
        if not raw_order:
            return SortOrder()
        return SortOrder(self._open_attributes[raw_order.by.value], descending=bool(raw_order.descending))

    def _parse_match(self, raw_match: Any) -> Iterator[FilterCondition]:
        for path, attribute in self._open_attributes.items():
            member: Any = raw_match
            for step in path.split("."):
                member = _read_member(member, step)
                if member is None:
                    break
            if member is not None:
                yield from _parse_conditions(attribute, member)

    def _build_tree(self) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for path, attribute in self._open_attributes.items():
            *steps, leaf = path.split(".")
            branch = tree
            for step in steps:
                branch = branch.setdefault(step, {})
            branch[leaf] = attribute
        return tree

    def _build_fields(self, tree: dict[str, Any], prefix: str) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for step, branch in tree.items():
            path = f"{prefix}.{step}" if prefix else step
            if isinstance(branch, Attribute):
                fields[step] = (self._condition_types[branch.type], branch.description)
            else:
                fields[step] = (
                    _build_input_type(f"{to_pascal_case(path)}Match", self._build_fields(branch, path), ""),
                    "",
                )
        return fields

    def _build_filter_type(self, fields: dict[str, Any]) -> type:
        matches: Any = list[self.match_type]  # type: ignore[name-defined]
        return _build_input_type(
            "CustomerFilter",
            {
                **fields,
                "any_": (matches, "At least one of these must match.", "any"),
                "none_": (matches, "None of these may match.", "none"),
            },
            "Matches only customers of whom the token may see every attribute asked about, in clear.",
        )

    def _build_order_by_type(self) -> type:
        members = {_to_constant_name(path): path for path in self._open_attributes}
        order_enum = enum.Enum("CustomerOrderBy", members)  # type: ignore[misc]
        return strawberry.enum(order_enum, description="Open attributes customers can be sorted by.")

    def _build_order_type(self) -> type:
        fields = {
            "by": (self.order_by_type, "Customers of whom the token may not see it are left out."),
            "descending": (bool, "Largest first."),
        }
        return _build_input_type("CustomerOrder", fields, "", required=("by",))


def _list_filterable(catalogue: Catalogue) -> list[Attribute]:
    """Return the attributes that the API offers to filter and to order by: open ones with a single value."""
    return [
        attribute
        for attribute in catalogue.attributes.values()
        if not attribute.sealed and not attribute.many
    ]


def parse_operand(attribute: Attribute, value: Any) -> Any:
    """Convert a filter operand into the stored form of its attribute.

    Raises:
        BadRequest: ``FILTER_INVALID``.
    """
    try:
        if attribute.type is ValueType.MONEY:
            return parse_amount(value, attribute.currency)
        if attribute.type is ValueType.DATE:
            return date.fromisoformat(value).isoformat()
        if attribute.type is ValueType.DATETIME:
            return parse_timestamp(value)
        if attribute.type is ValueType.STRING:
            return read_operand(attribute, value)
    # Raised `from None`: the original error quotes the operand, which may be personal data.
    except (ValueError, TypeError, UnreadableAmount, WrongType):
        raise BadRequest(
            "FILTER_INVALID", f"The filter on {attribute.path} does not hold a {attribute.type}."
        ) from None
    return value


def _read_member(parent: Any, name: str) -> Any:
    """Return a member of an input, or None if it is absent or null."""
    value = getattr(parent, name, None)
    return None if value is strawberry.UNSET else value


def _require_conditions(conditions: tuple[FilterCondition, ...]) -> tuple[FilterCondition, ...]:
    # An empty alternative would match every customer.
    if not conditions:
        raise BadRequest("FILTER_INVALID", "An alternative of a filter holds no condition.")
    return conditions


def _parse_conditions(attribute: Attribute, raw_condition: Any) -> Iterator[FilterCondition]:
    for operator in _RANGE if attribute.type not in (ValueType.STRING, ValueType.BOOLEAN) else _EQUAL:
        operand = _read_member(raw_condition, _PYTHON_NAMES.get(operator, operator))
        if operand is None:
            continue
        if operator == "in":
            if len(operand) > MAX_OPERANDS:
                raise BadRequest("FILTER_INVALID", f"'in' takes at most {MAX_OPERANDS} values.")
            yield FilterCondition(attribute, operator, [parse_operand(attribute, item) for item in operand])
        else:
            yield FilterCondition(attribute, operator, parse_operand(attribute, operand))


def _to_constant_name(path: str) -> str:
    """Return a path as an enum member: ``commerce.lifetimeValue`` becomes ``COMMERCE_LIFETIME_VALUE``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", path.replace(".", "_")).upper()


def _build_condition_type(value_type: ValueType) -> type:
    # Amounts are compared in the currency of the attribute, so an operand names none.
    scalar: Any = Decimal if value_type is ValueType.MONEY else PYTHON_TYPES[value_type]
    operators = _EQUAL if value_type in (ValueType.STRING, ValueType.BOOLEAN) else _RANGE
    fields: dict[str, Any] = {}
    for operator in operators:
        operand_type = list[scalar] if operator == "in" else scalar
        fields[_PYTHON_NAMES.get(operator, operator)] = (operand_type, "", operator)
    return _build_input_type(
        f"{value_type.value}Condition", fields, f"Conditions on a {value_type.value}; all must hold."
    )


def _build_input_type(
    name: str, fields: dict[str, Any], description: str, required: tuple[str, ...] = ()
) -> type:
    namespace: dict[str, Any] = {"__annotations__": {}}
    for python_name, (graphql_type, field_description, *graphql_name) in fields.items():
        field_name = graphql_name[0] if graphql_name else python_name
        annotation = graphql_type if python_name in required else graphql_type | None
        options: dict[str, Any] = {} if python_name in required else {"default": strawberry.UNSET}
        namespace["__annotations__"][python_name] = annotation
        namespace[python_name] = strawberry.field(
            name=field_name, description=field_description or None, **options
        )
    input_class = types.new_class(name, (), {}, lambda class_namespace: class_namespace.update(namespace))
    return strawberry.input(input_class, description=description or None)
