"""The cost of a GraphQL document, measured before it is validated, and its limits.

The parsed document is walked once. A fragment is measured once however often it is spread, and sums stop at a
ceiling. So a chain of fragments that doubles at every step costs no more to measure than to read. Directives
that leave out fields are ignored: the cost is the maximum of an operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from discretion.errors import BadRequest, Refusal

CEILING = 10**9
"""Sums stop here. All limits are far lower."""

PAGE_ARGUMENTS = frozenset({"first", "last"})
LIST_ARGUMENTS = frozenset({"ids", "messages", "attributes"})
"""Arguments whose list determines how many objects a field returns; ``PAGE_ARGUMENTS`` are numbers."""


_UNKNOWN_VALUE = object()
"""The value of a variable before variables are known."""


@dataclass(frozen=True, slots=True)
class QueryBudget:
    """The limits of a document.

    The full introspection query, 15 levels deep, is within them. ``rows`` are objects in pages. ``tokens`` do
    not count comments, which have a limit of the same size.
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
class QueryCost:
    """The cost of an operation with all fragments expanded. A root field has depth 1."""

    operations: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    fields: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class _SelectionCost:
    """The cost of a selection set. ``width`` counts the fields of its own level."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    width: int = 0
    fields: int = 0
    rows: int = 0


def measure_cost(
    document: DocumentNode,
    operation_name: str | None = None,
    variables: Mapping[str, object] | None = None,
    pages: Mapping[str, int] | None = None,
) -> QueryCost:
    """Return the cost of one operation, or the maximum of all operations if no name is given.

    Fragments that spread themselves count once; validation refuses them.

    Args:
        document: The parsed document.
        operation_name: The operation to measure; None for all.
        variables: The variables; None if not known yet. A list in an unknown variable counts as one item.
        pages: Default page size of connection fields, by field name.
    """
    operations = [
        definition for definition in document.definitions if isinstance(definition, OperationDefinitionNode)
    ]
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    cost = QueryCost(operations=len(operations))
    for operation in operations:
        if operation_name is None or (operation.name and operation.name.value == operation_name):
            operation_cost = _CostMeter(
                fragments, _collect_variable_values(operation, variables), pages or {}
            ).measure_operation(operation)
            cost = QueryCost(
                operations=len(operations),
                depth=max(cost.depth, operation_cost.depth),
                aliases=max(cost.aliases, operation_cost.aliases),
                directives=max(cost.directives, operation_cost.directives),
                root_fields=max(cost.root_fields, operation_cost.width),
                fields=max(cost.fields, operation_cost.fields),
                rows=max(cost.rows, operation_cost.rows),
            )
    return cost


def check_budget(cost: QueryCost, budget: QueryBudget) -> Refusal | None:
    """Return an error if the cost exceeds the budget, or None."""
    for requested, limit, code, unit in (
        (cost.operations, budget.operations, "QUERY_TOO_MANY_OPERATIONS", "operations"),
        (cost.depth, budget.depth, "QUERY_TOO_DEEP", "levels of fields"),
        (cost.aliases, budget.aliases, "QUERY_TOO_MANY_ALIASES", "aliases"),
        (cost.directives, budget.directives, "QUERY_TOO_MANY_DIRECTIVES", "directives"),
        (cost.root_fields, budget.root_fields, "QUERY_TOO_MANY_ROOT_FIELDS", "fields at the root"),
        (cost.fields, budget.fields, "QUERY_TOO_MANY_FIELDS", "fields, fragments expanded"),
        (cost.rows, budget.rows, "QUERY_TOO_EXPENSIVE", "objects in pages"),
    ):
        if requested > limit:
            count = f"{requested:,}" if requested < CEILING else "too many"
            return BadRequest(
                code, f"The document asks for {count} {unit}; at most {limit:,} are served.", "Ask in parts."
            )
    return None


class _CostMeter:
    """Measures the operations of one document under one set of variables."""

    def __init__(
        self,
        fragments: Mapping[str, FragmentDefinitionNode],
        values: Mapping[str, object],
        pages: Mapping[str, int],
    ) -> None:
        self._fragments = fragments
        self._values = values
        self._pages = pages
        self._fragment_costs: dict[str, _SelectionCost] = {}

    def measure_operation(self, operation: OperationDefinitionNode) -> _SelectionCost:
        """Measure the fragments, inner ones first, and then the operation."""
        for name in _order_innermost_first(operation.selection_set, self._fragments):
            fragment = self._fragments[name]
            self._fragment_costs[name] = self._measure_selections(
                fragment.selection_set, len(fragment.directives or ())
            )
        return self._measure_selections(operation.selection_set, len(operation.directives or ()))

    def _measure_selections(self, selections: SelectionSetNode, directives: int) -> _SelectionCost:
        """Measure a selection set and everything below it. The parser limits the depth of the recursion."""
        depth = aliases = width = fields = rows = 0
        for node in selections.selections:
            directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                nested_cost = (
                    self._measure_selections(node.selection_set, 0)
                    if node.selection_set
                    else _SelectionCost()
                )
                size = self._count_objects(node)
                nested_depth = nested_cost.depth + 1
                aliases += node.alias is not None
                width += 1
                fields += 1
                rows += nested_cost.rows if size is None else size * (1 + nested_cost.rows)
            else:
                nested_cost = self._measure_spread(node)
                nested_depth = nested_cost.depth
                width += nested_cost.width
                rows += nested_cost.rows
            depth = max(depth, nested_depth)
            aliases += nested_cost.aliases
            directives += nested_cost.directives
            fields += nested_cost.fields
        # Nested pages multiply. The ceiling keeps the numbers small enough to be computed quickly.
        return _SelectionCost(
            *(min(figure, CEILING) for figure in (depth, aliases, directives, width, fields, rows))
        )

    def _measure_spread(self, node: SelectionNode) -> _SelectionCost:
        """Return the cost of a named or inline fragment; zero for a fragment that spreads itself."""
        if isinstance(node, FragmentSpreadNode):
            return self._fragment_costs.get(node.name.value) or _SelectionCost()
        assert isinstance(node, InlineFragmentNode)
        return self._measure_selections(node.selection_set, 0)

    def _count_objects(self, field: FieldNode) -> int | None:
        """Return how many objects a field returns; None if it has no page or list argument."""
        size = self._pages.get(field.name.value)
        for argument in field.arguments or ():
            name = argument.name.value
            if name in PAGE_ARGUMENTS:
                page_size = _read_integer(argument.value, self._values)
                size = size if page_size is None else page_size
            elif name in LIST_ARGUMENTS:
                item_count = _count_list_items(argument.value, self._values)
                size = size if item_count is None else item_count
        return size


def _order_innermost_first(
    start: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[str]:
    """Yield the fragments reachable from a selection set, each after those it spreads.

    It uses its own stack, because a chain of fragments may be longer than Python's recursion limit.
    """
    visited: set[str] = set()
    path: list[tuple[str | None, Iterator[str]]] = [(None, _list_spread_names(start))]
    while path:
        name, inner = path[-1]
        next_name = next(
            (spread_name for spread_name in inner if spread_name in fragments and spread_name not in visited),
            None,
        )
        if next_name is not None:
            visited.add(next_name)
            path.append((next_name, _list_spread_names(fragments[next_name].selection_set)))
            continue
        path.pop()
        if name is not None:
            yield name


def _list_spread_names(selections: SelectionSetNode) -> Iterator[str]:
    pending = [selections]
    while pending:
        for node in pending.pop().selections:
            if isinstance(node, FragmentSpreadNode):
                yield node.name.value
            else:
                inner: SelectionSetNode | None = getattr(node, "selection_set", None)
                if inner is not None:
                    pending.append(inner)


def _collect_variable_values(
    operation: OperationDefinitionNode, variables: Mapping[str, object] | None
) -> dict[str, object]:
    """Return the given variables and the defaults of the others; ``_UNKNOWN_VALUE`` if none are known yet."""
    declared = operation.variable_definitions or ()
    unknown = (
        {}
        if variables is not None
        else {definition.variable.name.value: _UNKNOWN_VALUE for definition in declared}
    )
    defaults = {
        definition.variable.name.value: _read_literal(definition.default_value)
        for definition in declared
        if definition.default_value is not None
    }
    return {**unknown, **defaults, **(variables or {})}


def _read_literal(node: ValueNode) -> object:
    """Return a number, or for a list a list of the same length; None for anything else."""
    if isinstance(node, IntValueNode):
        return int(node.value[:12])  # more digits exceed every limit and would only cost time
    if isinstance(node, ListValueNode):
        return [None] * len(node.values)
    return None


def _read_argument(node: ValueNode, values: Mapping[str, object]) -> object:
    return values.get(node.name.value) if isinstance(node, VariableNode) else _read_literal(node)


def _read_integer(node: ValueNode, values: Mapping[str, object]) -> int | None:
    """Return a page size, or None. Validation and coercion refuse anything that is not a number."""
    value = _read_argument(node, values)
    # Not below zero: a negative size would reduce the cost of the rest. ``type`` is compared because True is
    # an ``int``.
    return min(max(value, 0), CEILING) if type(value) is int else None


def _count_list_items(node: ValueNode, values: Mapping[str, object]) -> int | None:
    """Return how many items an argument lists; a single value is one item, null is no list."""
    value = _read_argument(node, values)
    if isinstance(value, list):
        return len(value)
    is_null = value is None if isinstance(node, VariableNode) else isinstance(node, NullValueNode)
    return None if is_null else 1
