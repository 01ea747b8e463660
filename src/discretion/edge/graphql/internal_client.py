"""Operations that the platform asks itself: by the way everybody's take, without a socket.

They are parsed, planned under a grant, and on record before the answer is here. There is no other way
to customers for them either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from discretion.edge.graphql.document_cache import Documents, Invalid
from discretion.edge.graphql.http_protocol import GraphQLRequest
from discretion.edge.graphql.operation_runner import Answer
from discretion.errors import Broken
from discretion.token.grant import Grant


class Inside:
    """Asks under one grant."""

    def __init__(self, documents: Documents, answer: Answer, grant: Grant) -> None:
        self._documents = documents
        self._answer = answer
        self._grant = grant

    async def __call__(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The data that answer a query.

        Raises:
            Broken: ``QUERY_REFUSED``; a query of ours is wrong for this schema.
            Unavailable: ``LEDGER_UNAVAILABLE``; there are no data.
        """
        prepared = self._documents.prepare(query)
        if isinstance(prepared, Invalid):
            raise _refused(prepared.errors[0])
        response = await self._answer(prepared, GraphQLRequest(query, None, variables), self._grant)
        if "errors" in response:
            raise _refused(response["errors"][0])
        answer: dict[str, Any] = orjson.loads(orjson.dumps(response["data"]))
        return answer


def _refused(error: Mapping[str, Any]) -> Broken:
    return Broken("QUERY_REFUSED", f"A query of the platform's own is refused: {error.get('message')}")
