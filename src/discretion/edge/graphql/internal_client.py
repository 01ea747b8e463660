"""A GraphQL client for the platform's own queries, without a network connection.

The queries take the path of all others: they are parsed, planned under a grant, and recorded in the ledger of
disclosures before the response is returned. Internal code has no other way to read customer data.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from discretion.edge.graphql.document_cache import DocumentCache, InvalidDocument
from discretion.edge.graphql.http_protocol import GraphQLRequest
from discretion.edge.graphql.operation_runner import OperationRunner
from discretion.errors import Broken
from discretion.token.grant import Grant


class InternalClient:
    """Runs queries under one grant."""

    def __init__(self, documents: DocumentCache, runner: OperationRunner, grant: Grant) -> None:
        self._documents = documents
        self._runner = runner
        self._grant = grant

    async def execute(self, query: str, variables: Mapping[str, object]) -> dict[str, object]:
        """Run a query and return its ``data`` as plain JSON values.

        Raises:
            Broken: ``QUERY_REFUSED``: the query does not fit the schema of this catalogue, or it failed.
            Unavailable: ``LEDGER_UNAVAILABLE``: the disclosure could not be recorded, so no data is returned.
        """
        prepared = self._documents.prepare(query)
        if isinstance(prepared, InvalidDocument):
            raise _query_refused(prepared.errors[0])
        response = await self._runner.run(prepared, GraphQLRequest(query, None, variables), self._grant)
        if "errors" in response:
            raise _query_refused(response["errors"][0])
        # Customers are ``orjson.Fragment`` objects, which only orjson turns into values.
        data: dict[str, object] = orjson.loads(orjson.dumps(response["data"]))
        return data


def _query_refused(error: Mapping[str, object]) -> Broken:
    return Broken("QUERY_REFUSED", f"A query of the platform's own is refused: {error.get('message')}")
