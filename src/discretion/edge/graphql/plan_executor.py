"""The compiled path inside graphql-core's executor.

Wherever a customer is to be completed and a reading is at hand, the plan's generated function
answers for the whole object; fields it leaves out (events, disclosures) and everything that is
not customer data run as graphql-core runs them. If the function fails, the row is executed again
field by field, so that errors carry the message, place and path graphql-core gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLList, GraphQLObjectType, GraphQLResolveInfo
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from discretion.plan.plan import Shape
from discretion.plan.selection import CUSTOMER
from discretion.reveal.revealer import Reading, Row


class PlanExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, with customers answered by plans."""

    def complete_list_value(
        self,
        return_type: GraphQLList[Any],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Customers all at once, when nothing of them is left to resolve."""
        if type(result) is list and result and type(result[0]) is Row:
            shape = self._shape(path)
            if shape is not None and not shape.live and all(type(row) is Row for row in result):
                answers = self._compiled(shape, result)
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
        """One customer, by its plan."""
        if return_type.name == CUSTOMER and type(result) is Row:
            shape = self._shape(path)
            answers = None if shape is None else self._compiled(shape, [result])
            if shape is not None and answers is not None:
                if not shape.live:
                    return answers[0]
                return self._complete_live(return_type, field_details_list, path, result, shape, answers[0])
        return super().complete_object_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def _shape(self, path: Path) -> Shape | None:
        reading: Reading | None = getattr(self.context_value, "reading", None)
        if reading is None:
            return None
        keys = [key for key in path.as_list() if isinstance(key, str)]
        return reading.plan.shapes.get(tuple(keys))

    def _compiled(self, shape: Shape, rows: Sequence[Row]) -> list[Any] | None:
        reading: Reading = self.context_value.reading
        try:
            return reading.shape(shape, rows)
        except Exception:  # noqa: BLE001 - stock execution will meet it again and locate it
            return None

    def _complete_live(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        path: Path,
        row: Row,
        shape: Shape,
        answer: dict[str, Any],
    ) -> Any:
        collected = self.collect_subfields(return_type, field_details_list).grouped_field_set
        live = {key: collected[key] for key in shape.live}
        resolved: Any = self.execute_fields(return_type, row, path, live, None)
        if not self.is_awaitable(resolved):
            return {**answer, **resolved}

        async def when_resolved() -> dict[str, Any]:
            return {**answer, **(await resolved)}

        return when_resolved()
