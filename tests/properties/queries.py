"""Strategies for queries about customers with aliases, fragments, variables, pages and filters."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from discretion.catalogue.model import Attribute, Catalogue, ValueType
from discretion.catalogue.money import format_amount
from discretion.reveal.forms import format_timestamp

CONNECTION_FIELDS = "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
EVENT_FIELDS = (
    "events(first: 3) { nodes { id name channel occurredAt properties } pageInfo { hasNextPage endCursor } }"
)

DISCLOSURE_FIELDS = (
    "disclosures(first: 2) { nodes { at client purposes attributes } pageInfo { hasNextPage } }"
)
PROVENANCE_FIELDS = "attribute value source channel observedAt"
MONEY_SELECTIONS = (
    "{ amount currency }",
    "{ currency amount }",
    "{ amount }",
    "{ __typename sum: amount ... on Money { currency } }",
)
REFUSED_ROOTS = (
    "customer { %s }",
    'customer(id: "x", identifier: {type: "email", value: "y"}) { %s }',
    'customer(identifier: {type: "shoe", value: "1"}) { %s }',
    'customers(first: 2, after: "nowhere") { nodes { %s } }',
    "customers(first: 2, last: 2) { nodes { %s } }",
    "customers(first: -1) { nodes { %s } }",
)
"""Root fields that pass validation and are refused at execution."""


@dataclass(frozen=True)
class GeneratedQuery:
    """A query and its variables."""

    text: str
    variables: dict[str, Any] = field(default_factory=dict)

    def for_next_page(self, cursor: str) -> GeneratedQuery:
        """Return the same query for the next page."""
        return GeneratedQuery(self.text, {**self.variables, "after": cursor})


@dataclass(frozen=True)
class QuerySpace:
    """The attributes, ids, e-mail addresses and values that queries can contain."""

    catalogue: Catalogue
    ids: tuple[str, ...]
    emails: tuple[str, ...]
    values: dict[str, tuple[Any, ...]]
    """Stored values of open attributes, by path, from both twins."""

    @property
    def paths(self) -> list[str]:
        """Return the paths of all attributes."""
        return sorted(self.catalogue.attributes)

    @property
    def open_attributes(self) -> list[Attribute]:
        """Return the attributes that a client can filter and order by."""
        attributes = self.catalogue.attributes.values()
        return [attribute for attribute in attributes if not attribute.sealed and not attribute.many]

    @property
    def filled_attributes(self) -> list[Attribute]:
        """Return the open attributes of which at least one customer has a value."""
        return [attribute for attribute in self.open_attributes if self.values.get(attribute.path)]


@st.composite
def queries(draw: st.DrawFn, space: QuerySpace, purposes: Sequence[str]) -> GeneratedQuery:
    """Draw a query, its fragments, and values for its variables."""
    fragments: list[str] = []
    roots = [draw(_root(space, fragments, number)) for number in range(draw(st.integers(1, 2)))]
    uses = draw(st.none() | st.none() | st.lists(st.sampled_from(sorted(purposes)), min_size=1, max_size=2))
    purpose_directive = f" @purpose(uses: {json.dumps(uses)})" if uses is not None else ""
    signature = "query Q($after: String, $yes: Boolean = true, $no: Boolean = false)"
    usage_root = "unused: __typename @include(if: $yes) @skip(if: $no)"
    if not any("$after" in root for root in roots):
        roots.append("none: customers(first: 0, after: $after) { totalCount }")
    if any("$named" in part for part in (*roots, *fragments)):
        signature = f"{signature[:-1]}, $named: [String!])"
    body = f"{signature}{purpose_directive} {{ {' '.join(roots)} {usage_root} }} {' '.join(fragments)}"
    include = draw(st.booleans())
    variables: dict[str, Any] = {"after": None, "yes": include, "no": draw(st.booleans())}
    if "$named" in body and draw(st.booleans()):
        variables["named"] = draw(st.none() | _path_lists(space))
    return GeneratedQuery(body, variables)


@st.composite
def _root(draw: st.DrawFn, space: QuerySpace, fragments: list[str], number: int) -> str:
    kinds = ["customers"] * 5 + ["customer", "identifier", "me", "node", "nodes", "wrong"]
    kind = draw(st.sampled_from(kinds))
    inner = draw(selections(space, fragments, number))
    name = json.dumps(draw(st.sampled_from([*space.ids, "nobody"])))
    if kind == "customers":
        shape = draw(st.sampled_from(["nodes { %s }", "edges { cursor node { %s } }"])) % inner
        return f"r{number}: customers({draw(_arguments(space))}) {{ {CONNECTION_FIELDS} {shape} }}"
    if kind == "customer":
        return f"r{number}: customer(id: {name}) {{ {inner} }}"
    if kind == "identifier":
        email = json.dumps(draw(st.sampled_from(space.emails)))
        return f'r{number}: customer(identifier: {{ type: "email", value: {email} }}) {{ {inner} }}'
    if kind == "wrong":
        return f"r{number}: {draw(st.sampled_from(REFUSED_ROOTS)) % inner}"
    if kind == "me":
        return f"r{number}: me {{ {inner} }}"
    if kind == "node":
        return f"r{number}: node(id: {name}) {{ id __typename ... on Customer {{ {inner} }} }}"
    return f"r{number}: nodes(ids: {json.dumps(list(space.ids))}) {{ ... on Customer {{ {inner} }} }}"


@st.composite
def selections(draw: st.DrawFn, space: QuerySpace, fragments: list[str], number: int) -> str:
    """Draw fields of a customer, nested in their groups, some with aliases or inside fragments."""
    parts = ["id"] if draw(st.booleans()) else ["__typename"]
    if draw(st.integers(0, 5)) == 0:
        parts.append(draw(st.sampled_from([EVENT_FIELDS, DISCLOSURE_FIELDS])))
    if draw(st.integers(0, 2)) == 0:
        parts.append(draw(_provenance(space, fragments, f"{number}")))
    for path in draw(st.lists(st.sampled_from(space.paths), min_size=1, max_size=5)):
        is_money = space.catalogue.attributes[path].type is ValueType.MONEY
        parts.append(draw(_field(path, is_money, fragments, f"{number}_{len(parts)}")))
    return " ".join(parts)


def _path_lists(space: QuerySpace) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(space.paths), max_size=12)


@st.composite
def _provenance(draw: st.DrawFn, space: QuerySpace, fragments: list[str], unique: str) -> str:
    """Draw the provenance of everything, of some attributes, or of those that a variable names."""
    paths = json.dumps(draw(_path_lists(space)))
    path = json.dumps(draw(st.sampled_from(space.paths)))
    arguments = draw(
        st.sampled_from(
            [
                "",
                f"(attributes: {paths})",
                "(attributes: $named)",
                f"(attributes: {path})",
                "(attributes: null)",
            ]
        )
    )
    alias = draw(st.sampled_from(["", f"p{unique}: "]))
    text = (
        f"{alias}provenance{arguments} {{ {draw(st.sampled_from([PROVENANCE_FIELDS, 'attribute value']))} }}"
    )
    if draw(st.booleans()):
        fragments.append(f"fragment P{unique} on Customer {{ {text} }}")
        return f"...P{unique}"
    return text


@st.composite
def _field(draw: st.DrawFn, path: str, is_money: bool, fragments: list[str], unique: str) -> str:
    *groups, leaf = path.split(".")
    alias = f"a{unique}: " if draw(st.booleans()) else ""
    condition = draw(st.sampled_from(["", "", " @include(if: $yes)", " @skip(if: $no)"]))
    text = f"{alias}{leaf}{condition} {draw(st.sampled_from(MONEY_SELECTIONS)) if is_money else ''}"
    for group in reversed(groups):
        text = f"{group} {{ {text} }}"
    if alias and draw(st.booleans()):
        text = f"g{unique}: {text}"
    wrapped = draw(st.sampled_from(["bare", "bare", "inline", "named"]))
    if wrapped == "inline":
        return f"... on Customer {{ {text} }}"
    if wrapped == "named":
        fragments.append(f"fragment F{unique} on Customer {{ {text} }}")
        return f"...F{unique}"
    return text


@st.composite
def _arguments(draw: st.DrawFn, space: QuerySpace) -> str:
    size = draw(st.integers(1, 6))
    page = draw(
        st.sampled_from([f"first: {size}, after: $after", f"last: {size}", "first: 50, after: $after"])
    )
    parts = [page]
    if draw(st.booleans()):
        parts.append(f"filter: {{ {draw(_filter(space))} }}")
    if draw(st.booleans()):
        order_field = _format_enum(draw(st.sampled_from(space.open_attributes)).path)
        descending = json.dumps(draw(st.booleans()))
        parts.append(f"orderBy: {{ by: {order_field}, descending: {descending} }}")
    return ", ".join(parts)


@st.composite
def _filter(draw: st.DrawFn, space: QuerySpace) -> str:
    kind = draw(st.sampled_from(["all", "any", "none"]))
    condition = draw(_condition(space))
    if kind == "all":
        return condition
    more_conditions = draw(st.lists(_condition(space), max_size=2))
    alternatives = ", ".join(f"{{ {clause} }}" for clause in [condition, *more_conditions])
    return f"{kind}: [{alternatives}]"


@st.composite
def _condition(draw: st.DrawFn, space: QuerySpace) -> str:
    attribute = draw(st.sampled_from(space.filled_attributes) | st.sampled_from(space.open_attributes))
    ordered = attribute.type not in {ValueType.STRING, ValueType.BOOLEAN}
    operator = draw(st.sampled_from(["eq", "gt", "gte", "lt", "lte"] if ordered else ["eq"]))
    stored = draw(st.sampled_from(space.values.get(attribute.path) or (_find_typical_value(attribute),)))
    text = f"{{ {operator}: {format_literal(attribute, stored)} }}"
    for step in reversed(attribute.path.split(".")):
        text = f"{step}: {text}"
        if step != attribute.path.split(".")[0]:
            text = f"{{ {text} }}"
    return text


def format_literal(attribute: Attribute, stored: Any) -> str:
    """Return a stored value as a GraphQL literal."""
    if attribute.type is ValueType.MONEY:
        amount = format_amount(stored, attribute.currency)
        return amount if stored % 2 else json.dumps(amount)
    if attribute.type is ValueType.DATETIME:
        return json.dumps(format_timestamp(stored))
    return json.dumps(stored)


def _find_typical_value(attribute: Attribute) -> Any:
    if attribute.values:
        return attribute.values[0]
    return {
        ValueType.STRING: "x",
        ValueType.BOOLEAN: True,
        ValueType.DATE: "1980-01-02",
        ValueType.DATETIME: 1_700_000_000_000,
    }.get(attribute.type, 1)


def _format_enum(path: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", path.replace(".", "_")).upper()
