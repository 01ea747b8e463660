"""Query texts, parsed, weighed and validated once each.

The order is the defence: length, tokens, nesting, cost, and only then validation, whose work grows
with what it is given. Messages name what was probably meant, for the schema is public, and quote no
literals: no address comes back in an error.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableNode,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.collect_fields import FragmentDetails

from discretion.edge import error_mask as mask
from discretion.errors import BadRequest, Refusal
from discretion.plan.query_cost import LIST_ARGUMENTS, PAGE_ARGUMENTS, Budget, check, measure
from discretion.plan.selection import PROVENANCE

MAX_VALIDATION_ERRORS = 20
MAX_WEIGHED = 512
_VALUE_FREE = re.compile(
    r"Expected value of (?:type '[^']+' (?:to include required|not to include unknown) field '\w+'"
    r"|non-null type '[^']+' not to be None)"
)


class _ValuesUnquoted(ValuesOfCorrectTypeRule):
    """graphql-core's rule, saying the expected type and not the literal found."""

    def report_error(self, error: GraphQLError) -> None:
        known = _VALUE_FREE.match(error.message)
        said = known.group() if known else f"Expected a value of type '{self.context.get_input_type()}'"
        super().report_error(GraphQLError(f"{said}.", error.nodes))


_RULES = [_ValuesUnquoted if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A document that may be executed.

    ``operations`` has each operation under its name, None for one without. ``conditions`` are the
    variables that decide what is asked for: in ``@skip``, ``@include`` and ``provenance``; ``sizes``
    those that decide how many objects pages have. Two prepared documents are equal only if they are
    one: plans may be kept by them.
    """

    document: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    fragments: dict[str, FragmentDetails]
    conditions: frozenset[str]
    sizes: frozenset[str]

    def operation(self, name: str | None) -> OperationDefinitionNode | Refusal:
        """The operation to execute; no name is needed if there is only one."""
        if name is not None:
            found = self.operations.get(name)
            return found or BadRequest(
                "OPERATION_NAME_UNKNOWN", "The document has no operation of that name."
            )
        if len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if not self.operations:
            return BadRequest("OPERATION_MISSING", "The document has no operation.")
        return BadRequest(
            "OPERATION_NAME_NEEDED", "The document has several operations.", "Say which in 'operationName'."
        )

    def kind(self, name: str | None) -> OperationType | None:
        """Query, mutation or subscription; None if there is no such operation."""
        found = self.operation(name)
        return None if isinstance(found, Refusal) else found.operation


@dataclass(frozen=True, slots=True)
class Invalid:
    """A document that may not, and the GraphQL errors that say why."""

    errors: tuple[dict[str, Any], ...]


class Documents:
    """The most recently used documents, and what came of each.

    Args:
        schema: What documents are validated against.
        budget: The most a document may ask.
        capacity: Characters of query text to remember; parsed, the densest takes 270 bytes for each.
        pages: Page size of each connection field asked for without one.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        budget: Budget | None = None,
        capacity: int = 250_000,
        pages: Mapping[str, int] | None = None,
    ) -> None:
        self._schema = schema
        self._budget = budget or Budget()
        self._pages = dict(pages or {})
        self._capacity = self._room = capacity
        self._kept: OrderedDict[str, Prepared | Invalid] = OrderedDict()
        self._weighed: dict[tuple[object, ...], Refusal | None] = {}

    def prepare(self, text: str) -> Prepared | Invalid:
        """Parse, weigh and validate a query text, or remember that we did."""
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
            return found
        found = self._prepare(text)
        self._kept[text] = found
        self._room -= _weight(text)
        while self._room < 0:
            self._room += _weight(self._kept.popitem(last=False)[0])
        return found

    def weigh(self, prepared: Prepared, name: str | None, variables: Mapping[str, Any]) -> Refusal | None:
        """Why the variables ask for more objects than the budget has room for, or None."""
        if not prepared.sizes:
            return None
        key = (prepared, name, *[_size(variables, one) for one in prepared.sizes])
        if key not in self._weighed:
            if len(self._weighed) >= MAX_WEIGHED:
                self._weighed.clear()
            cost = measure(prepared.document, name, variables, self._pages)
            self._weighed[key] = check(cost, self._budget)
        return self._weighed[key]

    def forget(self) -> None:
        """Let go of every document: somebody who was erased may be named in one."""
        self._kept.clear()
        self._weighed.clear()
        self._room = self._capacity

    def _prepare(self, text: str) -> Prepared | Invalid:
        budget = self._budget
        if len(text) > budget.characters:
            return _too_long(f"{budget.characters:,} characters")
        try:
            document = parse(text, max_lexical_tokens=budget.tokens, max_comments=budget.tokens)
        except GraphQLSyntaxError as error:
            return _unparsed(error, budget)
        refusal = check(measure(document, None, None, self._pages), budget)
        if refusal is not None:
            return Invalid((mask.refusal(refusal),))
        errors = validate(self._schema, document, _RULES, max_errors=MAX_VALIDATION_ERRORS)
        if errors:
            return Invalid(tuple(mask.validation(error) for error in errors))
        return _prepared(document)


def _prepared(document: DocumentNode) -> Prepared:
    operations: dict[str | None, OperationDefinitionNode] = {}
    fragments: dict[str, FragmentDetails] = {}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            operations[definition.name.value if definition.name else None] = definition
        elif isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = FragmentDetails(definition)
    conditions, sizes = _deciding_variables(document)
    return Prepared(document, operations, fragments, conditions, sizes)


def _deciding_variables(document: DocumentNode) -> tuple[frozenset[str], frozenset[str]]:
    """Variables that decide what is asked for, and those in arguments that size pages."""
    conditions: set[str] = set()
    sizes: set[str] = set()
    waiting: list[Any] = list(document.definitions)
    while waiting:
        node = waiting.pop()
        for directive in node.directives or ():
            if directive.name.value in {"skip", "include"}:
                conditions |= {
                    one.value.name.value
                    for one in directive.arguments or ()
                    if isinstance(one.value, VariableNode)
                }
        if isinstance(node, FieldNode):
            if node.name.value == PROVENANCE:
                conditions |= {name for one in node.arguments or () for name in _variables(one.value)}
            sizes |= {
                one.value.name.value
                for one in node.arguments or ()
                if isinstance(one.value, VariableNode) and one.name.value in PAGE_ARGUMENTS | LIST_ARGUMENTS
            }
        inner = getattr(node, "selection_set", None)
        if inner is not None:
            waiting.extend(inner.selections)
    return frozenset(conditions), frozenset(sizes)


def _variables(value: ValueNode) -> Iterator[str]:
    """Variables in a value, alone or in a list."""
    for one in value.values if isinstance(value, ListValueNode) else (value,):
        if isinstance(one, VariableNode):
            yield one.name.value


def _unparsed(error: GraphQLSyntaxError, budget: Budget) -> Invalid:
    """graphql-core has one error type for all; which limit was met is only in its words."""
    if "nested too deeply" in error.message:
        said = BadRequest("QUERY_TOO_DEEP", "The document is nested too deeply.", "Ask in parts.")
        return Invalid((mask.refusal(said),))
    if "contains more than" in error.message:
        return _too_long(f"{budget.tokens:,} tokens and as many comments")
    return Invalid((mask.syntax(error),))


def _too_long(most: str) -> Invalid:
    said = BadRequest("QUERY_TOO_LONG", f"A document has at most {most}.", "Ask in parts.")
    return Invalid((mask.refusal(said),))


def _weight(text: str) -> int:
    """Characters, and something for the entry itself."""
    return len(text) + 200


def _size(variables: Mapping[str, Any], name: str) -> object:
    """What a variable says about the size of a page, in a form that can be a key."""
    value = variables.get(name, _size)
    if isinstance(value, list):
        return ("list", len(value))
    return value if value is None or type(value) is int or value is _size else "one"
