"""Subscriptions over WebSocket, in the protocol ``graphql-transport-ws`` and no other.

Strawberry's handler implements the protocol. Each response of a subscription takes the path of a query: it is
planned, executed and recorded before it is sent. The token comes in ``connection_init``, because a browser
cannot set a header. It is verified before every response, and the connection ends when the token expires.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from graphql import OperationType
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import NonJsonMessageReceived, WebSocketDisconnected
from strawberry.http.websocket_origin import is_same_origin
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.types.unset import UNSET

from discretion.domain.kit.strict_json import parse_strict_json
from discretion.domain.requests.subscription import RequestSubscription, RequestWatcher
from discretion.edge.error_mask import ErrorMask, format_refusal
from discretion.edge.graphql.document_cache import DocumentCache, InvalidDocument, PreparedDocument
from discretion.edge.graphql.http_protocol import GraphQLRequest, OptOutHandler
from discretion.edge.graphql.operation_runner import OperationRunner
from discretion.errors import BadRequest, Refusal, Unauthenticated
from discretion.law.signals.gpc import has_gpc_opt_out
from discretion.token.grant import Grant
from discretion.token.verify import TokenVerifier

MAX_CONNECTIONS, MAX_PER_CALLER, MAX_SUBSCRIPTIONS = 500, 20, 10
"""Most connections of this process, of one caller, and most subscriptions of one connection."""

MAX_MESSAGE = 64 * 1024
INIT_TIMEOUT_S, IDLE_TIMEOUT_S = 10, 60
"""How long a connection may take to authenticate, and how long it may have no subscription."""

CLOSE_TRY_LATER, CLOSE_UNAUTHORISED, CLOSE_IDLE, CLOSE_TOO_LARGE = 1013, 4401, 4408, 1009
"""Codes for closing a connection: 1009 and 1013 are of RFC 6455, section 7.4, the others of the protocol."""


@dataclass(frozen=True, slots=True)
class SubscriptionComponents:
    """The dependencies of a connection."""

    verifier: TokenVerifier
    documents: DocumentCache
    runner: OperationRunner
    mask: ErrorMask
    record_opt_out: OptOutHandler
    subscriptions: RequestWatcher
    now_ms: Callable[[], int]


class SubscriptionEndpoint:
    """The endpoint; give an instance to a Starlette ``WebSocketRoute``."""

    def __init__(self, components: SubscriptionComponents) -> None:
        self._components = components
        self._open_connections = 0
        self._connections_by_caller: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, from its handshake to its end."""
        socket = WebSocket(scope, receive, send)
        origin, host = socket.headers.get("origin"), socket.headers.get("host", "")
        # Browsers apply no same-origin policy to WebSockets, so pages of other origins are refused here.
        speaks_protocol = GRAPHQL_TRANSPORT_WS_PROTOCOL in scope["subprotocols"]
        if not speaks_protocol or (origin is not None and not is_same_origin(origin, host)):
            await socket.close()  # closed before it is accepted, the handshake gets 403
            return
        if self._open_connections >= MAX_CONNECTIONS:
            await socket.close(CLOSE_TRY_LATER)
            return
        self._open_connections += 1
        try:
            await socket.accept(GRAPHQL_TRANSPORT_WS_PROTOCOL)
            await SubscriptionConnection(
                self._components, JsonWebSocket(socket), self._connections_by_caller
            ).handle()
        finally:
            self._open_connections -= 1


class JsonWebSocket:
    """A WebSocket with the interface of Strawberry's handler; ``is_busy`` returns whether it has some."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.is_busy: Callable[[], bool] = lambda: False

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        """Yield messages until the connection ends."""
        del ignore_parsing_errors  # a parameter of Strawberry's interface
        while self.socket.application_state is WebSocketState.CONNECTED:
            try:
                async with asyncio.timeout(IDLE_TIMEOUT_S):
                    text = await self.socket.receive_text()
            except TimeoutError:
                if not self.is_busy():
                    await self.close(CLOSE_IDLE, "Nothing is subscribed")
                continue
            except (WebSocketDisconnect, RuntimeError):
                return
            # Starlette's ``receive_text`` raises KeyError for a binary message.
            except KeyError:
                raise NonJsonMessageReceived from None
            if len(text) > MAX_MESSAGE:
                await self.close(CLOSE_TOO_LARGE, "Message too large")
                return
            try:
                message = parse_strict_json(text.encode())
            except Refusal:
                raise NonJsonMessageReceived from None
            if not isinstance(message, dict):
                raise NonJsonMessageReceived
            yield message

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send a message.

        Raises:
            WebSocketDisconnected: The connection has ended.
        """
        if self.socket.application_state is not WebSocketState.CONNECTED:
            raise WebSocketDisconnected
        try:
            await self.socket.send_text(orjson.dumps(message).decode())
        except (WebSocketDisconnect, RuntimeError):
            raise WebSocketDisconnected from None

    async def close(self, code: int, reason: str) -> None:
        """Close the connection, unless it is closed."""
        if self.socket.application_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self.socket.close(code, reason)


@dataclass(slots=True)
class _ConnectionContext:
    """The parameters of ``connection_init``; Strawberry's handler stores them here."""

    connection_params: Any = None


class SubscriptionConnection(BaseGraphQLTransportWSHandler[Any, None]):
    """One connection. It is its own view, the object that Strawberry asks whether a client may connect."""

    def __init__(
        self,
        components: SubscriptionComponents,
        json_socket: JsonWebSocket,
        connections_by_caller: Counter[str],
    ) -> None:
        wait = timedelta(seconds=INIT_TIMEOUT_S)
        view: Any = self
        adapter: Any = json_socket
        no_schema: Any = None
        super().__init__(view, adapter, _ConnectionContext(), None, no_schema, wait, MAX_SUBSCRIPTIONS)
        self._components = components
        self._json_socket = json_socket
        self._token = ""
        self._connections_by_caller = connections_by_caller
        self._caller: str | None = None
        self._expiry_task: asyncio.Task[None] | None = None
        json_socket.is_busy = lambda: bool(self.operations)

    async def on_ws_connect(self, context: _ConnectionContext) -> Any:
        """Authenticate the caller by the token in the parameters, and close the connection when it expires.

        Raises:
            ConnectionRejectionError: No token, an invalid one, or too many connections of this caller.
        """
        parameters = context.connection_params or {}
        header = next((value for name, value in parameters.items() if name.lower() == "authorization"), None)
        if not isinstance(header, str):
            raise ConnectionRejectionError
        try:
            grant = self._components.verifier.parse_header([header])
        except Unauthenticated:
            raise ConnectionRejectionError from None
        if grant is None:
            raise ConnectionRejectionError
        caller = f"{grant.client} {grant.subject}"
        # No await between the check and the count: concurrent connections cannot both take the last place.
        if self._connections_by_caller[caller] >= MAX_PER_CALLER:
            raise ConnectionRejectionError
        self._connections_by_caller[caller] += 1
        # Stored before the next await: if that fails, ``shutdown`` must release the place of this connection.
        self._caller, self._token = caller, header.partition(" ")[2]
        # A browser sends its signal with the handshake; the messages have no headers.
        if has_gpc_opt_out(self._json_socket.socket.headers.getlist("sec-gpc")):
            await self._components.record_opt_out(grant)
        seconds_left = max(grant.expires - self._components.now_ms() / 1000, 0)
        self._expiry_task = asyncio.create_task(self._end_after(seconds_left))
        return UNSET

    async def shutdown(self) -> None:
        """Stop all work of this connection and release its place."""
        if self._caller is not None:
            self._connections_by_caller -= Counter(
                {self._caller: 1}
            )  # in place; drops callers with none left
            self._caller = None
        if self._expiry_task is not None:
            self._expiry_task.cancel()
        await super().shutdown()

    async def run_operation(self, operation: Operation[Any, None]) -> None:
        """Answer a subscription now and after each change, until it or its request ends."""
        try:
            await self._stream_changes(operation)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except WebSocketDisconnected:
            return
        except Unauthenticated:
            await self._json_socket.close(CLOSE_UNAUTHORISED, "The token is not valid any more")
        except Refusal as refusal_error:
            await self._send_errors(operation, [format_refusal(refusal_error)])
        except Exception as error:  # noqa: BLE001 - the last place where an exception can be masked
            await self._send_errors(operation, [self._components.mask.mask_exception(error).error])

    async def _stream_changes(self, operation: Operation[Any, None]) -> None:
        prepared, request = self._prepare_operation(operation)
        subscription_root = RequestSubscription()
        await self._push_response(operation, prepared, request, subscription_root)
        async with aclosing(self._components.subscriptions.watch_changes(subscription_root)) as changes:  # type: ignore[type-var]
            async for _ in changes:
                await self._push_response(operation, prepared, request, subscription_root)

    def _prepare_operation(self, operation: Operation[Any, None]) -> tuple[PreparedDocument, GraphQLRequest]:
        """Parse, validate and measure the operation of a message, as the HTTP endpoint does.

        Raises:
            BadRequest: The operation is invalid, too large, or no subscription.
        """
        query, operation_name, variables = (
            operation.query,
            operation.operation_name,
            operation.variables or {},
        )
        if (
            not isinstance(query, str)
            or not isinstance(variables, dict)
            or not isinstance(operation_name, str | None)
        ):
            raise BadRequest("PARAMETER_INVALID", "'query' is text, 'variables' an object.")
        prepared = self._components.documents.prepare(query)
        if isinstance(prepared, InvalidDocument):
            error = prepared.errors[0]
            raise BadRequest(error["extensions"]["code"], error["message"])
        selected = prepared.select_operation(operation_name)
        if isinstance(selected, Refusal):
            raise selected
        if selected.operation is not OperationType.SUBSCRIPTION:
            raise BadRequest("OPERATION_UNSUPPORTED", "Queries and mutations are sent to /graphql by POST.")
        refusal_error = self._components.documents.check_cost(prepared, operation_name, variables)
        if refusal_error is not None:
            raise refusal_error
        return prepared, GraphQLRequest(query, operation_name, variables)

    async def _push_response(
        self,
        operation: Operation[Any, None],
        prepared: PreparedDocument,
        request: GraphQLRequest,
        subscription_root: RequestSubscription,
    ) -> None:
        # The token is verified for each response: it may have expired since the last one.
        response = await self._components.runner.run(
            prepared, request, self._verify_grant(), subscription_root
        )
        if "data" not in response:
            await self._send_errors(operation, response["errors"])
            return
        message: Any = {"id": operation.id, "type": "next", "payload": response}
        await operation.send_operation_message(message)

    def _verify_grant(self) -> Grant:
        """Return what the token allows now; raises Unauthenticated if it is not valid any more."""
        return self._components.verifier.verify(self._token)

    async def _send_errors(self, operation: Operation[Any, None], errors: list[Any]) -> None:
        with suppress(WebSocketDisconnected):
            message: Any = {"id": operation.id, "type": "error", "payload": errors}
            await operation.send_operation_message(message)

    async def _end_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._json_socket.close(CLOSE_UNAUTHORISED, "The token has expired")
