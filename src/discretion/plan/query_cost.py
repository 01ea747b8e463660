"""What a document would cost, found before it is validated, and the most it may.

One pass over the parsed document. A fragment is measured once, whatever spreads it, and sums stop
at a ceiling, so that a chain of fragments which doubles at every step costs as little to measure
as to read. Directives that leave fields out are not believed: the figures are the most an
operation can come to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from discretion.errors import BadRequest, Refusal

CEILING = 10**9
"""Where sums stop. No limit comes near it."""

PAGE_ARGUMENTS = frozenset({"first", "last"})
LIST_ARGUMENTS = frozenset({"ids", "messages", "attributes"})
"""Arguments that say how many objects a field returns: by number, by naming them, or by giving them."""


_UNKNOWN = object()
"""A variable that was not given yet."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most a document may ask.

    The full introspection query, 15 levels deep, fits. ``rows`` are objects in pages; ``tokens``
    do not count comments, which have a limit of the same size.
    """

    characters: int = 50_000
    tokens: int = 2_000
    operations: int = 10
    depth: int = 15
    aliases: int = 50
    directives: int = 50
    root_fields: int = 20
    fields: int = 2_000
    rows: int = 10_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What an operation comes to, every fragment expanded. A field at the root has depth 1."""

    operations: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    fields: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class _Sum:
    """A selection set's figures; ``width`` counts the fields of its own level."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    width: int = 0
    fields: int = 0
    rows: int = 0


def measure(
    document: DocumentNode,
    operation_name: str | None = None,
    variables: Mapping[str, Any] | None = None,
    pages: Mapping[str, int] | None = None,
) -> Cost:
    """What one operation costs, or the worst of them all for None.

    Without ``variables`` they are not known yet, and a list that one holds counts as one item.
    ``pages`` has the page size of connection fields asked for without one. Fragments that spread
    themselves count once; validation refuses them.
    """
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    fragments = {
        one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
    }
    cost = Cost(operations=len(operations))
    for operation in operations:
        if operation_name is None or (operation.name and operation.name.value == operation_name):
            measured = _Meter(fragments, _values(operation, variables), pages or {}).operation(operation)
            cost = Cost(
                operations=len(operations),
                depth=max(cost.depth, measured.depth),
                aliases=max(cost.aliases, measured.aliases),
                directives=max(cost.directives, measured.directives),
                root_fields=max(cost.root_fields, measured.width),
                fields=max(cost.fields, measured.fields),
                rows=max(cost.rows, measured.rows),
            )
    return cost


def check(cost: Cost, budget: Budget) -> Refusal | None:
    """Why the cost is over the budget, or None."""
    for asked, most, code, what in (
        (cost.operations, budget.operations, "QUERY_TOO_MANY_OPERATIONS", "operations"),
        (cost.depth, budget.depth, "QUERY_TOO_DEEP", "levels of fields"),
        (cost.aliases, budget.aliases, "QUERY_TOO_MANY_ALIASES", "aliases"),
        (cost.directives, budget.directives, "QUERY_TOO_MANY_DIRECTIVES", "directives"),
        (cost.root_fields, budget.root_fields, "QUERY_TOO_MANY_ROOT_FIELDS", "fields at the root"),
        (cost.fields, budget.fields, "QUERY_TOO_MANY_FIELDS", "fields, fragments expanded"),
        (cost.rows, budget.rows, "QUERY_TOO_EXPENSIVE", "objects in pages"),
    ):
        if asked > most:
            count = f"{asked:,}" if asked < CEILING else "too many"
            return BadRequest(
                code, f"The document asks for {count} {what}; at most {most:,} are served.", "Ask in parts."
            )
    return None


class _Meter:
    """Measures the operations of one document under one set of variables."""

    def __init__(
        self,
        fragments: Mapping[str, FragmentDefinitionNode],
        values: Mapping[str, Any],
        pages: Mapping[str, int],
    ) -> None:
        self._fragments = fragments
        self._values = values
        self._pages = pages
        self._known: dict[str, _Sum] = {}

    def operation(self, operation: OperationDefinitionNode) -> _Sum:
        """Fragments first, the innermost before those that spread it; then the operation itself."""
        for name in _innermost_first(operation.selection_set, self._fragments):
            fragment = self._fragments[name]
            self._known[name] = self._sum(fragment.selection_set, len(fragment.directives or ()))
        return self._sum(operation.selection_set, len(operation.directives or ()))

    def _sum(self, selections: SelectionSetNode, directives: int) -> _Sum:
        """One level of fields and everything under it. Recursion is bounded by the parser's."""
        depth = aliases = width = fields = rows = 0
        for node in selections.selections:
            directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                under = self._sum(node.selection_set, 0) if node.selection_set else _Sum()
                size = self._size(node)
                below = under.depth + 1
                aliases += node.alias is not None
                width += 1
                fields += 1
                rows += under.rows if size is None else size * (1 + under.rows)
            else:
                under = self._spread(node)
                below = under.depth
                width += under.width
                rows += under.rows
            depth = max(depth, below)
            aliases += under.aliases
            directives += under.directives
            fields += under.fields
        return _Sum(*(min(figure, CEILING) for figure in (depth, aliases, directives, width, fields, rows)))

    def _spread(self, node: Any) -> _Sum:
        """A named fragment's figures, or an inline one's; nothing for one not known yet: a circle."""
        if isinstance(node, FragmentSpreadNode):
            return self._known.get(node.name.value) or _Sum()
        return self._sum(node.selection_set, 0)

    def _size(self, field: FieldNode) -> int | None:
        """How many objects a field returns; None for one that is no list of ours."""
        size = self._pages.get(field.name.value)
        for argument in field.arguments or ():
            name = argument.name.value
            if name in PAGE_ARGUMENTS:
                asked = _number(argument.value, self._values)
                size = size if asked is None else asked
            elif name in LIST_ARGUMENTS:
                named = _length(argument.value, self._values)
                size = size if named is None else named
        return size


def _innermost_first(
    start: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[str]:
    """Fragments reachable from a selection set, each after those it spreads.

    Walks with a stack of its own: a chain of fragments may be longer than Python's.
    """
    met: set[str] = set()
    path: list[tuple[str | None, Iterator[str]]] = [(None, _spread_names(start))]
    while path:
        name, inner = path[-1]
        found = next((one for one in inner if one in fragments and one not in met), None)
        if found is not None:
            met.add(found)
            path.append((found, _spread_names(fragments[found].selection_set)))
            continue
        path.pop()
        if name is not None:
            yield name


def _spread_names(selections: SelectionSetNode) -> Iterator[str]:
    waiting = [selections]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FragmentSpreadNode):
                yield node.name.value
            else:
                inner: SelectionSetNode | None = getattr(node, "selection_set", None)
                if inner is not None:
                    waiting.append(inner)


def _values(operation: OperationDefinitionNode, variables: Mapping[str, Any] | None) -> dict[str, Any]:
    """The variables given, and the defaults of those that are not; before any are, ``_UNKNOWN``."""
    declared = operation.variable_definitions or ()
    unknown = {} if variables is not None else {one.variable.name.value: _UNKNOWN for one in declared}
    defaults = {
        one.variable.name.value: _literal(one.default_value)
        for one in declared
        if one.default_value is not None
    }
    return {**unknown, **defaults, **(variables or {})}


def _literal(node: ValueNode) -> Any:
    """A number as it stands, a list as its length in empty places; anything else says nothing."""
    if isinstance(node, IntValueNode):
        return int(node.value[:12])
    if isinstance(node, ListValueNode):
        return [None] * len(node.values)
    return None


def _value(node: ValueNode, values: Mapping[str, Any]) -> Any:
    return values.get(node.name.value) if isinstance(node, VariableNode) else _literal(node)


def _number(node: ValueNode, values: Mapping[str, Any]) -> int | None:
    """Validation and coercion refuse what is not a number; here it asks for nothing."""
    found = _value(node, values)
    return min(max(found, 0), CEILING) if type(found) is int else None


def _length(node: ValueNode, values: Mapping[str, Any]) -> int | None:
    """How many are named; one without a list around it is one, and null names none in particular."""
    found = _value(node, values)
    if isinstance(found, list):
        return len(found)
    is_null = found is None if isinstance(node, VariableNode) else isinstance(node, NullValueNode)
    return None if is_null else 1
