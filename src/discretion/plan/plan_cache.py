"""Compiled plans, remembered.

The key is everything a plan depends on: the text, the operation, what ``@skip``, ``@include``
and ``@purpose`` came to, and what the grant may see. Two callers share a plan only if none of
these differ; who they are is not in the plan.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from graphql import GraphQLSchema, OperationDefinitionNode
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues

from discretion.catalogue.model import Catalogue
from discretion.plan.compile import compile_plan
from discretion.plan.plan import Plan, Renderer
from discretion.plan.selection import Selection, Selector
from discretion.purpose.decide import decide, narrow, reach
from discretion.token.grant import Grant

PlanKey = tuple[object, ...]


class Plans:
    """Compiles plans and keeps the most recently used ``capacity``."""

    def __init__(
        self, schema: GraphQLSchema, catalogue: Catalogue, render: Renderer, capacity: int = 1024
    ) -> None:
        self._schema = schema
        self._catalogue = catalogue
        self._render = render
        self._capacity = capacity
        self._kept: OrderedDict[PlanKey, Plan] = OrderedDict()

    def plan(
        self,
        key: PlanKey,
        grant: Grant,
        uses: Iterable[str] | None,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDetails],
        variables: VariableValues,
    ) -> Plan:
        """The plan of an operation for a grant.

        ``key`` stands for the document, the operation's name and the variables that decide
        ``@skip`` and ``@include``; ``uses`` are the purposes of ``@purpose``, if any.
        """
        held = narrow(grant.purposes, uses)
        whole = (*key, held, grant.categories, grant.is_self)
        kept = self._kept.get(whole)
        if kept is not None:
            self._kept.move_to_end(whole)
            return kept
        selection = Selector(self._schema, self._catalogue, operation, fragments, variables).select()
        plan = self._compile(selection, grant, held)
        self._kept[whole] = plan
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return plan

    def forget(self) -> None:
        """Let go of every plan, and of the documents they were made for."""
        self._kept.clear()

    def _compile(self, selection: Selection, grant: Grant, held: frozenset[str]) -> Plan:
        decisions = {
            one.path: decide(self._catalogue, grant, held, one.category, one.uses)
            for one in selection.attributes
        }
        return compile_plan(selection, decisions, reach(self._catalogue, grant, held), held, self._render)
