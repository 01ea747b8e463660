"""A prepared GraphQL operation -> its response, through the conductor and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import strawberry
from graphql import ExecutionResult, Executor, get_directive_values

from discretion.catalogue.model import Catalogue
from discretion.disclose import Conductor, describe
from discretion.domain.kit.graphql.context import Context, Records
from discretion.edge.error_mask import Mask
from discretion.edge.graphql.document_cache import Prepared
from discretion.edge.graphql.http_protocol import GraphQLRequest
from discretion.edge.graphql.plan_executor import PlanExecutor
from discretion.errors import BadRequest
from discretion.plan.plan import Plan
from discretion.plan.plan_cache import Plans
from discretion.reveal.revealer import Reading
from discretion.token.grant import SELF, Grant

MAX_OPERATION_NAME = 100
Response = dict[str, Any]


class Answer:
    """Answers operations. ``executor`` is stock graphql-core in the tests that compare the two."""

    def __init__(
        self,
        schema: strawberry.Schema,
        plans: Plans,
        conductor: Conductor,
        records: Records,
        mask: Mask,
        executor: type[PlanExecutor] = PlanExecutor,
    ) -> None:
        self._schema = schema._schema
        self._purpose = self._schema.get_directive("purpose")
        self._plans = plans
        self._conductor = conductor
        self._records = records
        self._mask = mask
        self._executor = executor

    async def __call__(
        self, prepared: Prepared, request: GraphQLRequest, grant: Grant | None, root: Any = None
    ) -> Response:
        """The response of an operation that has been parsed, limited and validated.

        ``root`` is what resolvers of the root's fields are given.

        Raises:
            Unavailable: ``LEDGER_UNAVAILABLE``; there is no data to send.
        """
        executor = self._executor.build(
            self._schema,
            prepared.document,
            root,
            context_value=Context(self._records, grant, None),
            raw_variable_values=dict(request.variables),
            operation_name=request.operation_name,
            hide_suggestions=True,
        )
        if isinstance(executor, list):
            return {"errors": self._mask.errors(executor)}
        if grant is None:
            return self._response(await executed(executor))
        plan = self._plan(executor, prepared, request.operation_name, grant)

        async def execute(reading: Reading) -> ExecutionResult:
            executor.context_value = Context(self._records, grant, reading)
            return await executed(executor)

        name = (executor.operation.name.value if executor.operation.name else "")[:MAX_OPERATION_NAME]
        disclosed = await self._conductor.disclose(plan, grant, name, execute)
        response = self._response(disclosed.answer)
        if (disclosure := describe(disclosed)) is not None:
            response["extensions"] = {"disclosure": disclosure}
        return response

    def _plan(self, executor: Any, prepared: Prepared, operation_name: str | None, grant: Grant) -> Plan:
        values = executor.variable_values
        conditions = tuple(_as_key(values.coerced.get(name)) for name in sorted(prepared.conditions))
        return self._plans.plan(
            (prepared, operation_name, conditions),
            grant,
            self._uses(executor),
            executor.operation,
            executor.fragments,
            values,
        )

    def _uses(self, executor: Any) -> tuple[str, ...] | None:
        """What ``@purpose`` narrows to.

        Raises:
            BadRequest: ``PURPOSE_UNKNOWN``; a misspelt purpose would silently hide everything.
        """
        if not executor.operation.directives or self._purpose is None:
            return None
        given = get_directive_values(self._purpose, executor.operation, executor.variable_values)
        if given is None:
            return None
        uses = tuple(given["uses"])
        for use in uses:
            if not known_purpose(self._records.catalogue, use):
                raise BadRequest(
                    "PURPOSE_UNKNOWN",
                    "@purpose names a purpose that the catalogue does not have.",
                    "The query `{ purposes { key } }` lists them.",
                )
        return uses

    def _response(self, result: ExecutionResult) -> Response:
        response: Response = {}
        if result.errors:
            response["errors"] = self._mask.errors(result.errors)
        response["data"] = result.data
        return response


async def executed(executor: Executor[Any]) -> ExecutionResult:
    """The result of an operation, when nothing of it runs any more.

    graphql-core lets fields run on in the background when another one's error has emptied the answer;
    they would meet customers whom the disclosure does not count.
    """
    try:
        result: Any = executor.execute_operation()
        found: ExecutionResult = await result if executor.is_awaitable(result) else result
    finally:
        while executor.background_futures:
            await asyncio.wait(list(executor.background_futures))
    return found


def _as_key(value: Any) -> Any:
    """A variable's value as part of a key: a flag, or a list of names."""
    return tuple(value) if isinstance(value, list) else value


def known_purpose(catalogue: Catalogue, use: str) -> bool:
    """Whether a purpose is a node of the catalogue's tree, or a customer's own."""
    return use == SELF or any(key == use or key.startswith(use + ".") for key in catalogue.purposes)
