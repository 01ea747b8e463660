"""Running a prepared GraphQL operation: plan it for the grant, execute it, and record what it discloses."""

from __future__ import annotations

import asyncio
from typing import Any

import strawberry
from graphql import ExecutionResult, Executor, get_directive_values

from discretion.catalogue.model import Catalogue
from discretion.disclose import Discloser, describe_disclosure
from discretion.domain.kit.graphql.context import ResolverContext, ResolverResources
from discretion.edge.error_mask import ErrorMask
from discretion.edge.graphql.document_cache import PreparedDocument
from discretion.edge.graphql.http_protocol import GraphQLRequest
from discretion.edge.graphql.plan_executor import PlanExecutor
from discretion.edge.graphql.schema_builder import ApiServices, serve_with
from discretion.errors import BadRequest
from discretion.plan.plan import QueryPlan
from discretion.plan.plan_cache import PlanCache
from discretion.reveal.revealer import Reading
from discretion.token.grant import SELF, Grant

# The caller chooses the name and the ledger keeps it, so its length is limited.
MAX_OPERATION_NAME = 100
Response = dict[str, Any]


class OperationRunner:
    """Runs operations. Tests pass stock graphql-core as ``executor``, to compare both."""

    def __init__(
        self,
        schema: strawberry.Schema,
        services: ApiServices,
        plans: PlanCache,
        discloser: Discloser,
        resources: ResolverResources,
        mask: ErrorMask,
        executor: type[PlanExecutor] = PlanExecutor,
    ) -> None:
        self._schema = schema._schema
        self._purpose_directive = self._schema.get_directive("purpose")
        self._services = services
        self._plans = plans
        self._discloser = discloser
        self._resources = resources
        self._mask = mask
        self._executor = executor

    async def run(
        self, prepared: PreparedDocument, request: GraphQLRequest, grant: Grant | None, root: object = None
    ) -> Response:
        """Return the response to an operation that has been parsed, limited and validated.

        ``root`` is passed to the resolvers of the root's fields. Without a grant no customer can be read, so
        there is no plan and nothing to record.

        Raises:
            Unavailable: ``LEDGER_UNAVAILABLE``: the disclosure could not be recorded, so no data is returned.
        """
        serve_with(self._services)
        executor = self._executor.build(
            self._schema,
            prepared.document,
            root,
            context_value=ResolverContext(self._resources, grant, None),
            raw_variable_values=dict(request.variables),
            operation_name=request.operation_name,
            hide_suggestions=True,
        )
        if isinstance(executor, list):
            return {"errors": self._mask.mask_errors(executor)}
        if grant is None:
            return self._build_response(await execute_operation(executor))
        plan = self._find_plan(executor, prepared, request.operation_name, grant)

        # The discloser calls this with the reading that keeps the account of what is revealed, records that
        # account in the ledger, and only then returns the answer.
        async def execute(reading: Reading) -> ExecutionResult:
            executor.context_value = ResolverContext(self._resources, grant, reading)
            return await execute_operation(executor)

        operation_name = (executor.operation.name.value if executor.operation.name else "")[
            :MAX_OPERATION_NAME
        ]
        disclosed = await self._discloser.disclose(plan, grant, operation_name, execute)
        response = self._build_response(disclosed.answer)
        if (disclosure := describe_disclosure(disclosed)) is not None:
            response["extensions"] = {"disclosure": disclosure}
        return response

    def _find_plan(
        self, executor: Any, prepared: PreparedDocument, operation_name: str | None, grant: Grant
    ) -> QueryPlan:
        # A plan depends on the variables that select fields, and on no other value of the request.
        values = executor.variable_values
        conditions = tuple(
            _as_key(values.coerced.get(variable_name))
            for variable_name in sorted(prepared.condition_variables)
        )
        return self._plans.get_plan(
            (prepared, operation_name, conditions),
            grant,
            self._narrowed_purposes(executor),
            executor.operation,
            executor.fragments,
            values,
        )

    def _narrowed_purposes(self, executor: Any) -> tuple[str, ...] | None:
        """Return the purposes that ``@purpose`` narrows the grant to, None without the directive.

        Raises:
            BadRequest: ``PURPOSE_UNKNOWN``: a misspelt purpose would hide all data without an error.
        """
        if not executor.operation.directives or self._purpose_directive is None:
            return None
        arguments = get_directive_values(
            self._purpose_directive, executor.operation, executor.variable_values
        )
        if arguments is None:
            return None
        purposes = tuple(arguments["uses"])
        for purpose in purposes:
            if not is_known_purpose(self._resources.catalogue, purpose):
                raise BadRequest(
                    "PURPOSE_UNKNOWN",
                    "@purpose names a purpose that the catalogue does not have.",
                    "The query `{ purposes { key } }` lists them.",
                )
        return purposes

    def _build_response(self, result: ExecutionResult) -> Response:
        response: Response = {}
        if result.errors:
            response["errors"] = self._mask.mask_errors(result.errors)
        response["data"] = result.data
        return response


async def execute_operation(executor: Executor[Any]) -> ExecutionResult:
    """Return the result of an operation once all its fields have ended.

    When the error of one field empties the response, graphql-core lets the other fields run on in the
    background. They could read customers after the disclosure was counted and recorded, so they are awaited.
    """
    try:
        result: Any = executor.execute_operation()
        execution_result: ExecutionResult = await result if executor.is_awaitable(result) else result
    finally:
        while executor.background_futures:
            await asyncio.wait(list(executor.background_futures))
    return execution_result


def _as_key(value: Any) -> Any:
    """Return a variable's value, a flag or a list of names, as part of a cache key."""
    return tuple(value) if isinstance(value, list) else value


def is_known_purpose(catalogue: Catalogue, purpose: str) -> bool:
    """Return whether a purpose is a node of the catalogue's tree, or the customer's own access (``SELF``)."""
    return purpose == SELF or any(
        key == purpose or key.startswith(purpose + ".") for key in catalogue.purposes
    )
