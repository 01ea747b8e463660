"""The GraphQL endpoint over HTTP, by the specification "GraphQL over HTTP".

It accepts POST with JSON, and GET for queries. In ``application/graphql-response+json`` the HTTP status tells
the outcome; in ``application/json`` every well-formed request gets 200. A browser gets GraphiQL. Batches,
forms, uploads and subscriptions are refused. The endpoint is a plain ASGI application, because it is on the
path of every query.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from graphql import OperationType
from starlette.types import Receive, Scope, Send

from discretion.domain.kit.strict_json import parse_strict_json
from discretion.edge.error_mask import INTERNAL, ErrorMask
from discretion.edge.graphql.document_cache import DocumentCache, InvalidDocument, PreparedDocument
from discretion.edge.graphql.explorer import Explorer
from discretion.edge.graphql.media_types import GraphQLMediaType, is_json, negotiate_media_type
from discretion.errors import BadRequest, DiscretionError, Refusal, TooLarge, Unauthenticated
from discretion.law.signals.gpc import has_gpc_opt_out
from discretion.token.grant import Grant

MAX_BODY = 512 * 1024
MAX_URL_FIELDS = 20

HeaderList = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The parameters of a request, each of the type that the specification requires."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    extensions: Mapping[str, object] = field(default_factory=dict)


OperationExecutor = Callable[[PreparedDocument, GraphQLRequest, Grant | None], Awaitable[dict[str, object]]]
"""Runs an operation and returns the response: ``data``, ``errors`` and ``extensions``, without ``data`` if it
could not start. Exceptions that it raises are masked."""

GrantReader = Callable[[Sequence[str]], Grant | None]
"""Returns the grant of ``Authorization`` headers, None without a token. Raises Unauthenticated for an invalid
token."""

OptOutHandler = Callable[[Grant], Awaitable[None]]
"""Records the opt-out signal that came with a request of a customer."""


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


class _ClientDisconnected(Exception):
    """The client closed the connection."""


class GraphQLEndpoint:
    """The endpoint; give an instance to a Starlette ``Route``.

    Args:
        documents: Prepares query texts.
        execute: Runs prepared operations.
        read_grant: Authenticates the caller.
        mask: Turns errors into what callers may read.
        record_opt_out: Is called for requests with ``Sec-GPC: 1``.
        explorer: The page for browsers, None to serve none.
        max_body: The most bytes of a body.
    """

    def __init__(
        self,
        documents: DocumentCache,
        execute: OperationExecutor,
        read_grant: GrantReader,
        mask: ErrorMask,
        record_opt_out: OptOutHandler,
        *,
        explorer: Explorer | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        self._documents = documents
        self._execute = execute
        self._read_grant = read_grant
        self._mask = mask
        self._record_opt_out = record_opt_out
        self._explorer = explorer
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that closes the connection gets no response."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        explorer_allowed = scope["method"] == "GET" and self._explorer is not None
        media = negotiate_media_type(headers.get(b"accept", b"").decode("latin-1"), explorer_allowed)
        if media is GraphQLMediaType.PAGE and self._explorer is not None:
            await self._explorer.serve_page(scope, receive, send)
            return
        understood = False
        try:
            # In this order, a request that its headers or its token refuse costs no reading of a body.
            self._check_headers(scope["method"], headers, media)
            grant = self._read_grant(_header_values(scope, b"authorization"))
            request = await self._read_request(scope, headers, receive)
            understood = True
            if (
                grant is not None
                and b"sec-gpc" in headers
                and has_gpc_opt_out(_header_values(scope, b"sec-gpc"))
            ):
                # Before the operation runs: the signal holds from this request on (11 CCR 7025(c)(1)).
                await self._record_opt_out(grant)
            status, result = await self._execute_request(request, grant, scope["method"])
            # Inside the ``try``, so that a value that cannot be serialised is masked like any other error.
            body = orjson.dumps(result)
        except _ClientDisconnected:
            return
        except Exception as error:  # noqa: BLE001 - the last place where an exception can be masked
            masked = self._mask.mask_exception(error)
            status, body = masked.status, orjson.dumps({"errors": [masked.error]})
            extra_headers = _error_headers(error)
        else:
            extra_headers = []
        if understood and status == 400 and media is GraphQLMediaType.JSON:
            status = 200  # with application/json, the status says only whether the request was well-formed
        await _send_response(send, status, media or GraphQLMediaType.JSON, body, extra_headers)

    def _check_headers(
        self, method: str, headers: dict[bytes, bytes], media: GraphQLMediaType | None
    ) -> None:
        if media is None:
            raise _NotAcceptable(
                "NOT_ACCEPTABLE",
                f"Answers are '{GraphQLMediaType.RESPONSE}' or '{GraphQLMediaType.JSON}', in UTF-8.",
            )
        if method not in {"GET", "POST"}:
            raise _MethodNotAllowed("GraphQL takes POST, and GET for queries.", b"GET, POST")
        if method == "POST":
            if not is_json(headers.get(b"content-type", b"").decode("latin-1")):
                raise _UnsupportedMedia("CONTENT_TYPE_UNSUPPORTED", "A body is 'application/json' in UTF-8.")
            if headers.get(b"content-encoding", b"identity").lower() != b"identity":
                raise _UnsupportedMedia(
                    "CONTENT_ENCODING_UNSUPPORTED", "A body comes without content encoding."
                )

    async def _read_request(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive
    ) -> GraphQLRequest:
        if scope["method"] == "GET":
            return _parse_url(scope["query_string"])
        return _parse_parameters(parse_strict_json(await self._read_body(headers, receive)))

    async def _read_body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        # A declared length is refused before anything is read; the sum counts, as the declaration may be
        # false.
        declared = headers.get(b"content-length", b"0")
        # Twenty digits at most, because ``int`` of a very long text takes quadratic time.
        if declared.isdigit() and int(declared[:20]) > self._max_body:
            raise self._too_large()
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientDisconnected
            chunk = message.get("body", b"")
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_body:
                raise self._too_large()
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _execute_request(
        self, request: GraphQLRequest, grant: Grant | None, method: str
    ) -> tuple[int, dict[str, object]]:
        prepared = self._documents.prepare(request.query)
        if isinstance(prepared, InvalidDocument):
            return 400, {"errors": list(prepared.errors)}
        operation = prepared.select_operation(request.operation_name)
        if isinstance(operation, Refusal):
            raise operation
        if operation.operation is OperationType.SUBSCRIPTION:
            raise BadRequest(
                "OPERATION_UNSUPPORTED",
                "Subscriptions are not served over HTTP.",
                "Connect to /graphql by WebSocket, in the graphql-transport-ws protocol.",
            )
        # GET is a safe method (RFC 9110, section 9.2.1). A link on a page of another site must not change
        # anything.
        if method == "GET" and operation.operation is not OperationType.QUERY:
            raise _MethodNotAllowed("GET takes queries only.", b"POST")
        refusal = self._documents.check_cost(prepared, request.operation_name, request.variables)
        if refusal is not None:
            raise refusal
        result = await self._execute(prepared, request, grant)
        return (200 if "data" in result else _status_without_data(result)), result

    def _too_large(self) -> TooLarge:
        return TooLarge("BODY_TOO_LARGE", f"A body has at most {self._max_body:,} bytes.")


def _header_values(scope: Scope, header_name: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == header_name]


def _parse_parameters(body: object) -> GraphQLRequest:
    """Return the request in a JSON body, or in the parameters of a URL.

    Raises:
        BadRequest: ``BATCHING_UNSUPPORTED``, ``REQUEST_NOT_OBJECT``, ``PARAMETER_INVALID``,
            ``QUERY_MISSING``, ``PERSISTED_QUERY_NOT_SUPPORTED``.
    """
    if isinstance(body, list):
        # The limits of cost apply to one document, and a batch would multiply them.
        raise BadRequest("BATCHING_UNSUPPORTED", "One request at a time; batches are not served.")
    if not isinstance(body, dict):
        raise BadRequest("REQUEST_NOT_OBJECT", "The body is not a JSON object.")
    extensions = _object_parameter(body, "extensions")
    query = body.get("query")
    if query is None and "persistedQuery" in extensions:
        # Apollo's clients recognise this exact message and send the whole query instead.
        raise BadRequest("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
    if query is None:
        raise BadRequest("QUERY_MISSING", "The parameter 'query' is missing.")
    name = body.get("operationName")
    if not isinstance(query, str):
        raise _invalid_parameter("query", "a string")
    if name is not None and not isinstance(name, str):
        raise _invalid_parameter("operationName", "a string")
    return GraphQLRequest(query, name or None, _object_parameter(body, "variables"), extensions)


def _object_parameter(body: dict[str, object], name: str) -> dict[str, object]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _invalid_parameter(name, "an object")
    return value


def _parse_url(query_string: bytes) -> GraphQLRequest:
    """Return the request in a query string, where ``variables`` and ``extensions`` are JSON."""
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
    # As in ``strict_json``: two readers may use different ones of two equal names.
    if len(names) != len(set(names)):
        raise BadRequest("PARAMETER_DUPLICATE", "The query string names a parameter twice.")
    texts = dict(pairs)
    parameters: dict[str, object] = {**texts}
    for name in ("variables", "extensions"):
        if texts.get(name):
            parameters[name] = parse_strict_json(texts[name].encode())
        else:
            parameters.pop(name, None)
    return _parse_parameters(parameters)


def _invalid_parameter(name: str, expected_type: str) -> BadRequest:
    return BadRequest("PARAMETER_INVALID", f"The parameter '{name}' is not {expected_type}.")


def _status_without_data(result: Mapping[str, Any]) -> int:
    codes = {error.get("extensions", {}).get("code") for error in result.get("errors", ())}
    return 500 if INTERNAL in codes else 400


def _error_headers(error: Exception) -> HeaderList:
    """Return the headers that HTTP requires with the status of an error."""
    if isinstance(error, _MethodNotAllowed):
        return [(b"allow", error.allow)]
    if isinstance(error, Unauthenticated):
        return [(b"www-authenticate", _bearer_challenge(error))]
    if isinstance(error, TooLarge):
        return [(b"connection", b"close")]  # else the server reads the rest of the body and discards it
    if isinstance(error, DiscretionError) and error.status in {429, 503}:
        return [(b"retry-after", b"1")]
    return []


def _bearer_challenge(error: Unauthenticated) -> bytes:
    """Return the challenge of RFC 6750, section 3, which has no error code for a request without a token."""
    if error.code == "TOKEN_MISSING":
        return b'Bearer realm="discretion"'
    # ``error_description`` allows printable ASCII without quotation mark and backslash (RFC 6750, section 3).
    description = "".join(
        character
        for character in error.message
        if character.isascii() and character.isprintable() and character not in '"\\'
    )
    return f'Bearer realm="discretion", error="invalid_token", error_description="{description}"'.encode(
        "ascii"
    )


async def _send_response(
    send: Send, status: int, media: GraphQLMediaType, body: bytes, extra_headers: HeaderList
) -> None:
    headers = [*_COMMON_HEADERS[media], (b"content-length", b"%d" % len(body)), *extra_headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_COMMON_HEADERS: dict[GraphQLMediaType, HeaderList] = {
    media: [
        (b"content-type", f"{media}; charset=utf-8".encode("ascii")),
        # Responses hold personal data and must not stay in a cache.
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    for media in (GraphQLMediaType.RESPONSE, GraphQLMediaType.JSON)
}
