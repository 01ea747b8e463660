"""Queries about customers as clients write them: aliases, fragments, variables, pages, filters."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from discretion.catalogue.model import Attribute, Catalogue, ValueType
from discretion.reveal.forms import iso

CONNECTION = "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
EVENTS = (
    "events(first: 3) { nodes { id name channel occurredAt properties } pageInfo { hasNextPage endCursor } }"
)

DISCLOSURES = "disclosures(first: 2) { nodes { at client purposes attributes } pageInfo { hasNextPage } }"
PROVENANCE = "attribute value source channel observedAt"
WRONG = (
    "customer { %s }",
    'customer(id: "x", identifier: {type: "email", value: "y"}) { %s }',
    'customer(identifier: {type: "shoe", value: "1"}) { %s }',
    'customers(first: 2, after: "nowhere") { nodes { %s } }',
    "customers(first: 2, last: 2) { nodes { %s } }",
    "customers(first: -1) { nodes { %s } }",
)
"""Roots that validate and are refused when they run."""


@dataclass(frozen=True)
class Asked:
    """A query and its variables."""

    text: str
    variables: dict[str, Any] = field(default_factory=dict)

    def after(self, cursor: str) -> Asked:
        """The same query for the next page."""
        return Asked(self.text, {**self.variables, "after": cursor})


@dataclass(frozen=True)
class World:
    """What queries can name."""

    catalogue: Catalogue
    ids: tuple[str, ...]
    emails: tuple[str, ...]
    values: dict[str, tuple[Any, ...]]
    """Stored values of open attributes, by path, from both twins."""

    @property
    def paths(self) -> list[str]:
        """Every attribute."""
        return sorted(self.catalogue.attributes)

    @property
    def open(self) -> list[Attribute]:
        """Attributes one can filter and order by."""
        return [a for a in self.catalogue.attributes.values() if not a.sealed and not a.many]

    @property
    def filled(self) -> list[Attribute]:
        """Those of them that somebody has a value of."""
        return [one for one in self.open if self.values.get(one.path)]


@st.composite
def queries(draw: st.DrawFn, world: World, purposes: Sequence[str]) -> Asked:
    """A query, its fragments, and values for its variables."""
    fragments: list[str] = []
    roots = [draw(_root(world, fragments, number)) for number in range(draw(st.integers(1, 2)))]
    uses = draw(st.none() | st.none() | st.lists(st.sampled_from(sorted(purposes)), min_size=1, max_size=2))
    narrowed = f" @purpose(uses: {json.dumps(uses)})" if uses is not None else ""
    signature = "query Q($after: String, $yes: Boolean = true, $no: Boolean = false)"
    used = "unused: __typename @include(if: $yes) @skip(if: $no)"
    if not any("$after" in root for root in roots):
        roots.append("none: customers(first: 0, after: $after) { totalCount }")
    if any("$named" in part for part in (*roots, *fragments)):
        signature = f"{signature[:-1]}, $named: [String!])"
    body = f"{signature}{narrowed} {{ {' '.join(roots)} {used} }} {' '.join(fragments)}"
    yes = draw(st.booleans())
    variables: dict[str, Any] = {"after": None, "yes": yes, "no": draw(st.booleans())}
    if "$named" in body and draw(st.booleans()):
        variables["named"] = draw(st.none() | _some(world))
    return Asked(body, variables)


@st.composite
def _root(draw: st.DrawFn, world: World, fragments: list[str], number: int) -> str:
    kinds = ["customers"] * 5 + ["customer", "identifier", "me", "node", "nodes", "wrong"]
    kind = draw(st.sampled_from(kinds))
    inner = draw(selections(world, fragments, number))
    name = json.dumps(draw(st.sampled_from([*world.ids, "nobody"])))
    if kind == "customers":
        shape = draw(st.sampled_from(["nodes { %s }", "edges { cursor node { %s } }"])) % inner
        return f"r{number}: customers({draw(_arguments(world))}) {{ {CONNECTION} {shape} }}"
    if kind == "customer":
        return f"r{number}: customer(id: {name}) {{ {inner} }}"
    if kind == "identifier":
        email = json.dumps(draw(st.sampled_from(world.emails)))
        return f'r{number}: customer(identifier: {{ type: "email", value: {email} }}) {{ {inner} }}'
    if kind == "wrong":
        return f"r{number}: {draw(st.sampled_from(WRONG)) % inner}"
    if kind == "me":
        return f"r{number}: me {{ {inner} }}"
    if kind == "node":
        return f"r{number}: node(id: {name}) {{ id __typename ... on Customer {{ {inner} }} }}"
    return f"r{number}: nodes(ids: {json.dumps(list(world.ids))}) {{ ... on Customer {{ {inner} }} }}"


@st.composite
def selections(draw: st.DrawFn, world: World, fragments: list[str], number: int) -> str:
    """Fields of a customer, each nested in its groups, some under other names or inside fragments."""
    parts = ["id"] if draw(st.booleans()) else ["__typename"]
    if draw(st.integers(0, 5)) == 0:
        parts.append(draw(st.sampled_from([EVENTS, DISCLOSURES])))
    if draw(st.integers(0, 2)) == 0:
        parts.append(draw(_provenance(world, fragments, f"{number}")))
    for path in draw(st.lists(st.sampled_from(world.paths), min_size=1, max_size=5)):
        parts.append(draw(_field(path, fragments, f"{number}_{len(parts)}")))
    return " ".join(parts)


def _some(world: World) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(world.paths), max_size=12)


@st.composite
def _provenance(draw: st.DrawFn, world: World, fragments: list[str], unique: str) -> str:
    """Of everything, of some attributes, or of those that a variable names."""
    some = json.dumps(draw(_some(world)))
    one = json.dumps(draw(st.sampled_from(world.paths)))
    given = draw(
        st.sampled_from(
            [
                "",
                f"(attributes: {some})",
                "(attributes: $named)",
                f"(attributes: {one})",
                "(attributes: null)",
            ]
        )
    )
    alias = draw(st.sampled_from(["", f"p{unique}: "]))
    text = f"{alias}provenance{given} {{ {draw(st.sampled_from([PROVENANCE, 'attribute value']))} }}"
    if draw(st.booleans()):
        fragments.append(f"fragment P{unique} on Customer {{ {text} }}")
        return f"...P{unique}"
    return text


@st.composite
def _field(draw: st.DrawFn, path: str, fragments: list[str], unique: str) -> str:
    *groups, leaf = path.split(".")
    alias = f"a{unique}: " if draw(st.booleans()) else ""
    condition = draw(st.sampled_from(["", "", " @include(if: $yes)", " @skip(if: $no)"]))
    text = f"{alias}{leaf}{condition}"
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
def _arguments(draw: st.DrawFn, world: World) -> str:
    size = draw(st.integers(1, 6))
    page = draw(
        st.sampled_from([f"first: {size}, after: $after", f"last: {size}", "first: 50, after: $after"])
    )
    parts = [page]
    if draw(st.booleans()):
        parts.append(f"filter: {{ {draw(_filter(world))} }}")
    if draw(st.booleans()):
        by = _enum(draw(st.sampled_from(world.open)).path)
        down = json.dumps(draw(st.booleans()))
        parts.append(f"orderBy: {{ by: {by}, descending: {down} }}")
    return ", ".join(parts)


@st.composite
def _filter(draw: st.DrawFn, world: World) -> str:
    kind = draw(st.sampled_from(["all", "any", "none"]))
    condition = draw(_condition(world))
    if kind == "all":
        return condition
    more = draw(st.lists(_condition(world), max_size=2))
    alternatives = ", ".join(f"{{ {one} }}" for one in [condition, *more])
    return f"{kind}: [{alternatives}]"


@st.composite
def _condition(draw: st.DrawFn, world: World) -> str:
    attribute = draw(st.sampled_from(world.filled) | st.sampled_from(world.open))
    ordered = attribute.type not in {ValueType.STRING, ValueType.BOOLEAN}
    operator = draw(st.sampled_from(["eq", "gt", "gte", "lt", "lte"] if ordered else ["eq"]))
    stored = draw(st.sampled_from(world.values.get(attribute.path) or (_typical(attribute),)))
    text = f"{{ {operator}: {literal(attribute, stored)} }}"
    for step in reversed(attribute.path.split(".")):
        text = f"{step}: {text}"
        if step != attribute.path.split(".")[0]:
            text = f"{{ {text} }}"
    return text


def literal(attribute: Attribute, stored: Any) -> str:
    """A stored value as GraphQL writes it."""
    if attribute.type is ValueType.MONEY:
        return json.dumps(stored / 100)
    if attribute.type is ValueType.DATETIME:
        return json.dumps(iso(stored))
    return json.dumps(stored)


def _typical(attribute: Attribute) -> Any:
    if attribute.values:
        return attribute.values[0]
    return {
        ValueType.STRING: "x",
        ValueType.BOOLEAN: True,
        ValueType.DATE: "1980-01-02",
        ValueType.DATETIME: 1_700_000_000_000,
    }.get(attribute.type, 1)


def _enum(path: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", path.replace(".", "_")).upper()
