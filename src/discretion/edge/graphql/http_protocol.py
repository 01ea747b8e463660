"""GraphQL over HTTP: from a request to a prepared operation, and from a result to a response.

A plain ASGI application, for every request passes here. POST with JSON, GET for queries; the answer
in ``application/graphql-response+json``, where the status tells what happened, or in
``application/json``, where a request that was understood gets 200. A browser that comes to look gets
GraphiQL. No batches, no forms, no uploads, no subscriptions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from graphql import OperationType
from starlette.types import Receive, Scope, Send

from discretion.edge.error_mask import INTERNAL, Mask
from discretion.edge.graphql.document_cache import Documents, Invalid, Prepared
from discretion.edge.graphql.explorer import Explorer
from discretion.edge.graphql.media_types import Media, is_json, preferred
from discretion.edge.strict_json import strict_json
from discretion.errors import BadRequest, DiscretionError, Refusal, TooLarge, Unauthenticated
from discretion.law.signals.gpc import asked
from discretion.token.grant import Grant

MAX_BODY = 512 * 1024
MAX_URL_FIELDS = 20

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The parameters of a request, each of the type the specification gives it."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)


Execute = Callable[[Prepared, GraphQLRequest, Grant | None], Awaitable[dict[str, Any]]]
"""Runs an operation and returns the response: ``data``, ``errors``, ``extensions``, without ``data``
if it could not start. May raise; what it raises is masked."""

GrantOf = Callable[[Sequence[str]], Grant | None]
"""The grant of what ``Authorization`` headers say, None for nobody; raises Unauthenticated for a token
that does not hold."""


Heed = Callable[[Grant], Awaitable[None]]
"""Puts an opt-out signal that came with a request on record."""


class _MethodNotAllowed(Refusal):
    """RFC 9110, section 15.5.6."""

    status = 405

    def __init__(self, message: str, allow: bytes) -> None:
        super().__init__("METHOD_NOT_ALLOWED", message)
        self.allow = allow


class _NotAcceptable(Refusal):
    """RFC 9110, section 15.5.7."""

    status = 406


class _UnsupportedMedia(Refusal):
    """RFC 9110, section 15.5.16."""

    status = 415


class _Gone(Exception):
    """The client hung up."""


class GraphQLDoor:
    """The endpoint; give an instance to a Starlette ``Route``.

    Args:
        documents: Prepares query texts.
        execute: Runs prepared operations.
        grant_of: Who asks.
        mask: What callers may read of errors.
        heed: What is done about ``Sec-GPC: 1``.
        explorer: The page for browsers, or None for none.
        max_body: Bytes of body that are read.
    """

    def __init__(
        self,
        documents: Documents,
        execute: Execute,
        grant_of: GrantOf,
        mask: Mask,
        heed: Heed,
        *,
        explorer: Explorer | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        self._documents = documents
        self._execute = execute
        self._grant_of = grant_of
        self._mask = mask
        self._heed = heed
        self._explorer = explorer
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, one response; a client that hangs up gets none."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        looks = scope["method"] == "GET" and self._explorer is not None
        media = preferred(headers.get(b"accept", b"").decode("latin-1"), looks)
        if media is Media.PAGE and self._explorer is not None:
            await self._explorer.page(scope, receive, send)
            return
        understood = False
        try:
            self._admit(scope["method"], headers, media)
            grant = self._grant_of(_fields(scope, b"authorization"))
            request = await self._request(scope, headers, receive)
            understood = True
            if grant is not None and b"sec-gpc" in headers and asked(_fields(scope, b"sec-gpc")):
                await self._heed(grant)
            status, result = await self._answer(request, grant, scope["method"])
            body = orjson.dumps(result)
        except _Gone:
            return
        except Exception as error:  # noqa: BLE001 - the last place where it can be masked
            masked = self._mask.outside(error)
            status, body = masked.status, orjson.dumps({"errors": [masked.error]})
            more = _headers(error)
        else:
            more = []
        if understood and status == 400 and media is Media.JSON:
            status = 200  # what is served as application/json says only whether the request was understood
        await _respond(send, status, media or Media.JSON, body, more)

    def _admit(self, method: str, headers: dict[bytes, bytes], media: Media | None) -> None:
        if media is None:
            raise _NotAcceptable(
                "NOT_ACCEPTABLE", f"Answers are '{Media.RESPONSE}' or '{Media.JSON}', in UTF-8."
            )
        if method not in {"GET", "POST"}:
            raise _MethodNotAllowed("GraphQL is asked by POST, or by GET for queries.", b"GET, POST")
        if method == "POST":
            if not is_json(headers.get(b"content-type", b"").decode("latin-1")):
                raise _UnsupportedMedia("CONTENT_TYPE_UNSUPPORTED", "A body is 'application/json' in UTF-8.")
            if headers.get(b"content-encoding", b"identity").lower() != b"identity":
                raise _UnsupportedMedia(
                    "CONTENT_ENCODING_UNSUPPORTED", "A body comes without content encoding."
                )

    async def _request(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> GraphQLRequest:
        if scope["method"] == "GET":
            return _from_url(scope["query_string"])
        return _parameters(strict_json(await self._body(headers, receive)))

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared[:20]) > self._max_body:
            raise self._too_large()
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            part = message.get("body", b"")
            parts.append(part)
            size += len(part)
            if size > self._max_body:
                raise self._too_large()
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _answer(
        self, request: GraphQLRequest, grant: Grant | None, method: str
    ) -> tuple[int, dict[str, Any]]:
        prepared = self._documents.prepare(request.query)
        if isinstance(prepared, Invalid):
            return 400, {"errors": list(prepared.errors)}
        operation = prepared.operation(request.operation_name)
        if isinstance(operation, Refusal):
            raise operation
        if operation.operation is OperationType.SUBSCRIPTION:
            raise BadRequest(
                "OPERATION_UNSUPPORTED",
                "Subscriptions are not served over HTTP.",
                "Connect to /graphql by WebSocket, in the graphql-transport-ws protocol.",
            )
        if method == "GET" and operation.operation is not OperationType.QUERY:
            raise _MethodNotAllowed("Only queries are asked by GET.", b"POST")
        refusal = self._documents.weigh(prepared, request.operation_name, request.variables)
        if refusal is not None:
            raise refusal
        result = await self._execute(prepared, request, grant)
        return (200 if "data" in result else _status_without_data(result)), result

    def _too_large(self) -> TooLarge:
        return TooLarge("BODY_TOO_LARGE", f"A body has at most {self._max_body:,} bytes.")


def _fields(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]


def _parameters(body: Any) -> GraphQLRequest:
    """The request a body states.

    Raises:
        BadRequest: ``BATCHING_UNSUPPORTED``, ``REQUEST_NOT_OBJECT``, ``PARAMETER_INVALID``,
            ``QUERY_MISSING``, ``PERSISTED_QUERY_NOT_SUPPORTED``.
    """
    if isinstance(body, list):
        raise BadRequest("BATCHING_UNSUPPORTED", "One request at a time; batches are not served.")
    if not isinstance(body, dict):
        raise BadRequest("REQUEST_NOT_OBJECT", "The body is not a JSON object.")
    extensions = _map(body, "extensions")
    query = body.get("query")
    if query is None and "persistedQuery" in extensions:
        raise BadRequest("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
    if query is None:
        raise BadRequest("QUERY_MISSING", "The parameter 'query' is missing.")
    name = body.get("operationName")
    if not isinstance(query, str):
        raise _invalid("query", "a string")
    if name is not None and not isinstance(name, str):
        raise _invalid("operationName", "a string")
    return GraphQLRequest(query, name or None, _map(body, "variables"), extensions)


def _map(body: dict[str, Any], name: str) -> dict[str, Any]:
    found = body.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _invalid(name, "an object")
    return found


def _from_url(query_string: bytes) -> GraphQLRequest:
    """The request a URL states; ``variables`` and ``extensions`` are JSON in it."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_URL_FIELDS,
        )
    except ValueError:
        raise BadRequest("URL_INVALID", "The query string is not URL-encoded UTF-8.") from None
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise BadRequest("PARAMETER_DUPLICATE", "The query string names a parameter twice.")
    found: dict[str, Any] = dict(pairs)
    for name in ("variables", "extensions"):
        if found.get(name):
            found[name] = strict_json(found[name].encode())
        else:
            found.pop(name, None)
    return _parameters(found)


def _invalid(name: str, wanted: str) -> BadRequest:
    return BadRequest("PARAMETER_INVALID", f"The parameter '{name}' is not {wanted}.")


def _status_without_data(result: Mapping[str, Any]) -> int:
    codes = {error.get("extensions", {}).get("code") for error in result.get("errors", ())}
    return 500 if INTERNAL in codes else 400


def _headers(error: Exception) -> Headers:
    """What HTTP wants said beside the status."""
    if isinstance(error, _MethodNotAllowed):
        return [(b"allow", error.allow)]
    if isinstance(error, Unauthenticated):
        return [(b"www-authenticate", _challenge(error))]
    if isinstance(error, TooLarge):
        return [(b"connection", b"close")]  # or the server reads the rest to throw it away
    if isinstance(error, DiscretionError) and error.status in {429, 503}:
        return [(b"retry-after", b"1")]
    return []


def _challenge(error: Unauthenticated) -> bytes:
    """RFC 6750, section 3: no error code for a request that brought no token."""
    if error.code == "TOKEN_MISSING":
        return b'Bearer realm="discretion"'
    said = "".join(one for one in error.message if one.isascii() and one.isprintable() and one not in '"\\')
    return f'Bearer realm="discretion", error="invalid_token", error_description="{said}"'.encode("ascii")


async def _respond(send: Send, status: int, media: Media, body: bytes, more: Headers) -> None:
    headers = [*_ALWAYS[media], (b"content-length", b"%d" % len(body)), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_ALWAYS: dict[Media, Headers] = {
    media: [
        (b"content-type", f"{media}; charset=utf-8".encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    for media in (Media.RESPONSE, Media.JSON)
}
