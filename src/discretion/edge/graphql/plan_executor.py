"""An executor of graphql-core that answers customers with the generated functions of plans.

Where a customer is completed under a reading, the generated function of the plan returns the whole object.
Fields that the plan leaves out (events, disclosures) and everything that is not customer data are executed by
graphql-core. If the function fails, the customer is executed again field by field, so that errors have the
message, place and path of graphql-core.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLList, GraphQLObjectType, GraphQLResolveInfo
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from discretion.plan.plan import ResponseShape
from discretion.plan.selection import CUSTOMER
from discretion.reveal.revealer import CustomerRow, Reading


class PlanExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, in which plans answer for customers."""

    def complete_list_value(
        self,
        return_type: GraphQLList[Any],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete a list of customers in one call, if no field of them is left to resolvers."""
        if type(result) is list and result and type(result[0]) is CustomerRow:
            shape = self._find_shape(path)
            if (
                shape is not None
                and not shape.resolved_keys
                and all(type(row) is CustomerRow for row in result)
            ):
                answers = self._run_compiled(shape, result)
                if answers is not None:
                    return answers
        return super().complete_list_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete one customer by its plan, and the fields that the plan leaves to resolvers."""
        if return_type.name == CUSTOMER and type(result) is CustomerRow:
            shape = self._find_shape(path)
            answers = None if shape is None else self._run_compiled(shape, [result])
            if shape is not None and answers is not None:
                if not shape.resolved_keys:
                    return answers[0]
                return self._complete_resolved_fields(
                    return_type, field_details_list, path, result, shape, answers[0]
                )
        return super().complete_object_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def _find_shape(self, path: Path) -> ResponseShape | None:
        reading: Reading | None = getattr(self.context_value, "reading", None)
        if reading is None:
            return None
        keys = [key for key in path.as_list() if isinstance(key, str)]
        return reading.plan.shapes.get(tuple(keys))

    def _run_compiled(self, shape: ResponseShape, rows: Sequence[CustomerRow]) -> list[Any] | None:
        reading: Reading = self.context_value.reading
        # Rows that were answered before a failure are already in the account. Stock execution adds them
        # again. The account has bits and sets, so it counts them once.
        try:
            return reading.build_answers(shape, rows)
        except Exception:  # noqa: BLE001 - stock execution raises it again, with its place and path
            return None

    def _complete_resolved_fields(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        path: Path,
        row: CustomerRow,
        shape: ResponseShape,
        answer: dict[str, Any],
    ) -> Any:
        collected = self.collect_subfields(return_type, field_details_list).grouped_field_set
        resolved_fields = {key: collected[key] for key in shape.resolved_keys}
        resolved_values: Any = self.execute_fields(return_type, row, path, resolved_fields, None)
        if not self.is_awaitable(resolved_values):
            return {**answer, **resolved_values}

        async def merge_resolved() -> dict[str, Any]:
            return {**answer, **(await resolved_values)}

        return merge_resolved()
