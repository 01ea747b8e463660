"""A GraphQL endpoint with a small schema, which the contract tests send requests to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from graphql import ExecutionResult, build_schema, execute
from starlette.applications import Starlette
from starlette.routing import Route

from discretion.edge.error_mask import ErrorMask
from discretion.edge.graphql.document_cache import DocumentCache, PreparedDocument
from discretion.edge.graphql.explorer import Explorer
from discretion.edge.graphql.http_protocol import GraphQLEndpoint, GraphQLRequest
from discretion.errors import Forbidden, Unauthenticated, Unavailable
from discretion.token.grant import Grant

TOKEN = "good"
GRANT = Grant("shop", "client", frozenset(), frozenset(), None, 2**40, "1")
SCHEMA = build_schema("""
    type Query { hello(name: String, times: Int): String, customers(first: Int): [String!] }
    type Mutation { forget(who: String): Boolean }
    type Subscription { ticks: Int }
""")


class Root:
    """Root resolvers. ``hello`` raises an error for the names "forbidden" and "broken"."""

    def hello(self, _info: Any, name: str = "you", times: int = 1) -> str:
        if name == "forbidden":
            raise Forbidden("SCOPE_MISSING", "Not with this token.")
        if name == "broken":
            raise ValueError(name)
        return f"Hello, {name}!" * times

    def forget(self, _info: Any, who: str = "") -> bool:
        return bool(who)


def verify_authorization(authorization: Sequence[str]) -> Grant | None:
    """Return the grant of the valid token, and None without a token.

    Raises:
        Unauthenticated: the token is another one (TOKEN_INVALID).
    """
    if not authorization:
        return None
    if list(authorization) != [f"Bearer {TOKEN}"]:
        raise Unauthenticated("TOKEN_INVALID", 'The token does not "hold".')
    return GRANT


MASK = ErrorMask(lambda size: hashlib.sha256(b"entropy").digest()[:size])


async def execute_operation(
    prepared: PreparedDocument, request: GraphQLRequest, grant: Grant | None
) -> dict[str, Any]:
    """Execute with graphql-core. The operation names Nobody, Down and Crash simulate errors around it."""
    if request.operation_name == "Nobody" and grant is None:
        raise Unauthenticated("TOKEN_MISSING", "This needs an access token.")
    if request.operation_name == "Down":
        raise Unavailable("LEDGER_UNAVAILABLE", "ada@shop.example")
    if request.operation_name == "Crash":
        raise ValueError("ada@shop.example")
    result = execute(
        SCHEMA,
        prepared.document,
        Root(),
        variable_values=dict(request.variables),
        operation_name=request.operation_name,
        hide_suggestions=True,
    )
    assert isinstance(result, ExecutionResult)
    response: dict[str, Any] = {}
    if result.errors:
        response["errors"] = MASK.mask_errors(result.errors)
    if result.data is not None:
        response["data"] = result.data
    return response


async def ignore_opt_out(_grant: Grant) -> None:
    """Ignore the opt-out signal of a request, because this application has no customers."""


EXPLORER = Explorer()
ENDPOINT = GraphQLEndpoint(
    DocumentCache(SCHEMA),
    execute_operation,
    verify_authorization,
    MASK,
    ignore_opt_out,
    explorer=EXPLORER,
    max_body=100_000,
)
APP = Starlette(routes=[Route("/graphql", ENDPOINT), *EXPLORER.routes()])
