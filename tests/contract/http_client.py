"""A GraphQL door before a tiny schema: what the contract tests knock at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from graphql import ExecutionResult, build_schema, execute
from starlette.applications import Starlette
from starlette.routing import Route

from discretion.edge.error_mask import Mask
from discretion.edge.graphql.document_cache import Documents, Prepared
from discretion.edge.graphql.explorer import Explorer
from discretion.edge.graphql.http_protocol import GraphQLDoor, GraphQLRequest
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
    """Resolvers; ``hello(name: ...)`` raises on request."""

    def hello(self, _info: Any, name: str = "you", times: int = 1) -> str:
        if name == "forbidden":
            raise Forbidden("SCOPE_MISSING", "Not with this token.")
        if name == "broken":
            raise ValueError(name)
        return f"Hello, {name}!" * times

    def forget(self, _info: Any, who: str = "") -> bool:
        return bool(who)


def grant_of(authorization: Sequence[str]) -> Grant | None:
    """One token holds, none is nobody, any other does not hold."""
    if not authorization:
        return None
    if list(authorization) != [f"Bearer {TOKEN}"]:
        raise Unauthenticated("TOKEN_INVALID", 'The token does not "hold".')
    return GRANT


MASK = Mask(lambda size: hashlib.sha256(b"entropy").digest()[:size])


async def answer(prepared: Prepared, request: GraphQLRequest, grant: Grant | None) -> dict[str, Any]:
    """Stock graphql-core; some operation names stand for what can go wrong around it."""
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
        response["errors"] = MASK.errors(result.errors)
    if result.data is not None:
        response["data"] = result.data
    return response


async def heed(_grant: Grant) -> None:
    """Nobody is a customer here."""


EXPLORER = Explorer()
DOOR = GraphQLDoor(Documents(SCHEMA), answer, grant_of, MASK, heed, explorer=EXPLORER, max_body=100_000)
APP = Starlette(routes=[Route("/graphql", DOOR), *EXPLORER.routes()])
