"""A cache of compiled plans.

The key contains everything a plan depends on: the document text, the operation, the values of ``@skip``,
``@include`` and ``@purpose``, and what the grant may see. Two callers share a plan only if all of these are
equal. Who they are is not part of the plan.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from graphql import GraphQLSchema, OperationDefinitionNode
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues

from discretion.catalogue.model import Catalogue
from discretion.plan.compile import compile_plan
from discretion.plan.plan import QueryPlan, RenderLookup
from discretion.plan.selection import CustomerSelection, OperationSelector
from discretion.purpose.decide import compute_reach, decide_reveal, narrow_purposes
from discretion.token.grant import Grant

PlanKey = tuple[object, ...]


class PlanCache:
    """Compiles plans and keeps the ``capacity`` most recently used ones."""

    def __init__(
        self, schema: GraphQLSchema, catalogue: Catalogue, render: RenderLookup, capacity: int = 1024
    ) -> None:
        self._schema = schema
        self._catalogue = catalogue
        self._render = render
        self._capacity = capacity
        self._plans: OrderedDict[PlanKey, QueryPlan] = OrderedDict()

    def get_plan(
        self,
        key: PlanKey,
        grant: Grant,
        uses: Iterable[str] | None,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDetails],
        variables: VariableValues,
    ) -> QueryPlan:
        """Return the plan of an operation for a grant.

        Args:
            key: Identifies the document, the operation's name and the variables that decide ``@skip`` and
                ``@include``.
            grant: What the token allows.
            uses: The purposes of ``@purpose``; None without the directive.
            operation: The operation.
            fragments: The fragments of the document.
            variables: The coerced variables.
        """
        granted_purposes = narrow_purposes(grant.purposes, uses)
        # All that decisions read of the grant. If they begin to use another field, it must be added here.
        cache_key = (*key, granted_purposes, grant.categories, grant.is_self)
        cached = self._plans.get(cache_key)
        if cached is not None:
            self._plans.move_to_end(cache_key)
            return cached
        # No await between lookup and insertion, so a plan is compiled once by a process.
        selection = OperationSelector(self._schema, self._catalogue, operation, fragments, variables).select()
        plan = self._compile(selection, grant, granted_purposes)
        self._plans[cache_key] = plan
        # Bounded: clients may send any number of different documents.
        if len(self._plans) > self._capacity:
            self._plans.popitem(last=False)
        return plan

    def clear(self) -> None:
        """Remove all plans, and with them the document texts in their keys."""
        self._plans.clear()

    def _compile(
        self, selection: CustomerSelection, grant: Grant, granted_purposes: frozenset[str]
    ) -> QueryPlan:
        decisions = {
            attribute.path: decide_reveal(
                self._catalogue, grant, granted_purposes, attribute.category, attribute.uses
            )
            for attribute in selection.attributes
        }
        return compile_plan(
            selection,
            decisions,
            compute_reach(self._catalogue, grant, granted_purposes),
            granted_purposes,
            self._render,
        )
