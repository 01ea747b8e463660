"""A cache of query documents; each text is parsed, measured and validated once.

The order of checks protects the server: length, tokens, nesting, cost, and only then validation, whose work
grows with the document. Error messages suggest names of the schema, because the schema is public. They quote
no literals, so that no personal value comes back in an error.
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
from discretion.plan.query_cost import LIST_ARGUMENTS, PAGE_ARGUMENTS, QueryBudget, check_budget, measure_cost
from discretion.plan.selection import PROVENANCE_FIELD

MAX_VALIDATION_ERRORS = 20
MAX_COST_CHECKS = 512
_VALUE_FREE_MESSAGE = re.compile(
    r"Expected value of (?:type '[^']+' (?:to include required|not to include unknown) field '\w+'"
    r"|non-null type '[^']+' not to be None)"
)


class _ValueFreeTypeRule(ValuesOfCorrectTypeRule):
    """graphql-core's rule with messages that name the expected type and not the literal of the document."""

    def report_error(self, error: GraphQLError) -> None:
        match = _VALUE_FREE_MESSAGE.match(error.message)
        message = match.group() if match else f"Expected a value of type '{self.context.get_input_type()}'"
        super().report_error(GraphQLError(f"{message}.", error.nodes))


_RULES = [_ValueFreeTypeRule if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedDocument:
    """A document that may be executed.

    ``operations`` has each operation by its name, None for an anonymous one. ``condition_variables`` decide
    which fields are selected: in ``@skip``, ``@include`` and ``provenance``. ``size_variables`` decide how
    many objects a page or list has. Prepared documents compare by identity, so that plans can be cached by
    them.
    """

    document: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    fragments: dict[str, FragmentDetails]
    condition_variables: frozenset[str]
    size_variables: frozenset[str]

    def select_operation(self, operation_name: str | None) -> OperationDefinitionNode | Refusal:
        """Return the operation to execute; no name is needed if there is only one."""
        if operation_name is not None:
            operation = self.operations.get(operation_name)
            return operation or BadRequest(
                "OPERATION_NAME_UNKNOWN", "The document has no operation of that name."
            )
        if len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if not self.operations:
            return BadRequest("OPERATION_MISSING", "The document has no operation.")
        return BadRequest(
            "OPERATION_NAME_NEEDED", "The document has several operations.", "Name one in 'operationName'."
        )

    def operation_type(self, operation_name: str | None) -> OperationType | None:
        """Return query, mutation or subscription; None if there is no such operation."""
        operation = self.select_operation(operation_name)
        return None if isinstance(operation, Refusal) else operation.operation


@dataclass(frozen=True, slots=True)
class InvalidDocument:
    """A document that may not be executed, and the GraphQL errors that explain it."""

    errors: tuple[dict[str, Any], ...]


class DocumentCache:
    """The most recently used documents, valid or not.

    Args:
        schema: The schema that documents are validated against.
        budget: Limits of length, nesting and cost.
        capacity: Characters of query text to keep. Parsed, the densest text takes 270 bytes per character.
        page_sizes: Default page size of each connection field.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        budget: QueryBudget | None = None,
        capacity: int = 250_000,
        page_sizes: Mapping[str, int] | None = None,
    ) -> None:
        self._schema = schema
        self._budget = budget or QueryBudget()
        self._page_sizes = dict(page_sizes or {})
        self._capacity = self._remaining_capacity = capacity
        self._documents: OrderedDict[str, PreparedDocument | InvalidDocument] = OrderedDict()
        self._cost_checks: dict[tuple[object, ...], Refusal | None] = {}

    def prepare(self, text: str) -> PreparedDocument | InvalidDocument:
        """Parse, measure and validate a query text, or return the cached result."""
        document = self._documents.get(text)
        if document is not None:
            self._documents.move_to_end(text)
            return document
        # Invalid documents are stored too, so that a client that repeats one does not cost a validation each
        # time.
        document = self._parse_and_validate(text)
        self._documents[text] = document
        self._remaining_capacity -= _entry_weight(text)
        while self._remaining_capacity < 0:
            self._remaining_capacity += _entry_weight(self._documents.popitem(last=False)[0])
        return document

    def check_cost(
        self, prepared: PreparedDocument, operation_name: str | None, variables: Mapping[str, Any]
    ) -> Refusal | None:
        """Return a refusal if the variables ask for more objects than the budget allows, else None."""
        if not prepared.size_variables:
            return None
        key = (
            prepared,
            operation_name,
            *[_page_size_key(variables, variable_name) for variable_name in prepared.size_variables],
        )
        if key not in self._cost_checks:
            # Variables come from callers, so the number of entries has to be bounded.
            if len(self._cost_checks) >= MAX_COST_CHECKS:
                self._cost_checks.clear()
            cost = measure_cost(prepared.document, operation_name, variables, self._page_sizes)
            self._cost_checks[key] = check_budget(cost, self._budget)
        return self._cost_checks[key]

    def clear(self) -> None:
        """Drop every document: one may name an erased customer."""
        self._documents.clear()
        self._cost_checks.clear()
        self._remaining_capacity = self._capacity

    def _parse_and_validate(self, text: str) -> PreparedDocument | InvalidDocument:
        budget = self._budget
        # Before the parser: its work grows with the text.
        if len(text) > budget.characters:
            return _document_too_long(f"{budget.characters:,} characters")
        try:
            document = parse(text, max_lexical_tokens=budget.tokens, max_comments=budget.tokens)
        except GraphQLSyntaxError as error:
            return _explain_syntax_error(error, budget)
        refusal = check_budget(measure_cost(document, None, None, self._page_sizes), budget)
        if refusal is not None:
            return InvalidDocument((mask.format_refusal(refusal),))
        errors = validate(self._schema, document, _RULES, max_errors=MAX_VALIDATION_ERRORS)
        if errors:
            return InvalidDocument(tuple(mask.format_validation_error(error) for error in errors))
        return _build_prepared(document)


def _build_prepared(document: DocumentNode) -> PreparedDocument:
    operations: dict[str | None, OperationDefinitionNode] = {}
    fragments: dict[str, FragmentDetails] = {}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            operations[definition.name.value if definition.name else None] = definition
        elif isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = FragmentDetails(definition)
    condition_variables, size_variables = _find_deciding_variables(document)
    return PreparedDocument(document, operations, fragments, condition_variables, size_variables)


def _find_deciding_variables(document: DocumentNode) -> tuple[frozenset[str], frozenset[str]]:
    """Return the variables that decide which fields are selected, and those that decide sizes."""
    condition_variables: set[str] = set()
    size_variables: set[str] = set()
    pending_nodes: list[Any] = list(document.definitions)
    while pending_nodes:
        node = pending_nodes.pop()
        for directive in node.directives or ():
            if directive.name.value in {"skip", "include"}:
                condition_variables |= {
                    argument.value.name.value
                    for argument in directive.arguments or ()
                    if isinstance(argument.value, VariableNode)
                }
        if isinstance(node, FieldNode):
            if node.name.value == PROVENANCE_FIELD:
                condition_variables |= {
                    variable_name
                    for argument in node.arguments or ()
                    for variable_name in _iter_variables(argument.value)
                }
            size_variables |= {
                argument.value.name.value
                for argument in node.arguments or ()
                if isinstance(argument.value, VariableNode)
                and argument.name.value in PAGE_ARGUMENTS | LIST_ARGUMENTS
            }
        selection_set = getattr(node, "selection_set", None)
        if selection_set is not None:
            pending_nodes.extend(selection_set.selections)
    return frozenset(condition_variables), frozenset(size_variables)


def _iter_variables(value: ValueNode) -> Iterator[str]:
    """Yield the names of variables in a value: alone, or as items of a list."""
    for item in value.values if isinstance(value, ListValueNode) else (value,):
        if isinstance(item, VariableNode):
            yield item.name.value


def _explain_syntax_error(error: GraphQLSyntaxError, budget: QueryBudget) -> InvalidDocument:
    """Return the limit that a document exceeds; graphql-core tells limits apart in its messages only."""
    if "nested too deeply" in error.message:
        refusal = BadRequest("QUERY_TOO_DEEP", "The document is nested too deeply.", "Ask in parts.")
        return InvalidDocument((mask.format_refusal(refusal),))
    if "contains more than" in error.message:
        return _document_too_long(f"{budget.tokens:,} tokens and as many comments")
    return InvalidDocument((mask.format_syntax_error(error),))


def _document_too_long(limit: str) -> InvalidDocument:
    refusal = BadRequest("QUERY_TOO_LONG", f"A document has at most {limit}.", "Ask in parts.")
    return InvalidDocument((mask.format_refusal(refusal),))


def _entry_weight(text: str) -> int:
    """Return the characters of a text, plus a constant for the cache entry itself."""
    return len(text) + 200


def _page_size_key(variables: Mapping[str, Any], name: str) -> object:
    """Return the size in a variable, as part of a cache key; this function itself if there is no variable.

    Values that do not count as sizes share one key, so that a caller cannot fill the cache with them.
    """
    value = variables.get(name, _page_size_key)
    if isinstance(value, list):
        return ("list", len(value))
    return value if value is None or type(value) is int or value is _page_size_key else "one"
