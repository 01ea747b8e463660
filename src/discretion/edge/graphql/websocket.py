"""Subscriptions over WebSocket, in the graphql-transport-ws protocol and no other.

The protocol is Strawberry's handler; what is subscribed to goes the way of every query: prepared, weighed,
planned, and on record before it is sent, each time anew. The token comes in ``connection_init`` (a browser
cannot set a header) and is looked at before every message: with it the connection ends.
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

from discretion.domain.requests.subscription import Follow, Followed
from discretion.edge.error_mask import Mask, refusal
from discretion.edge.graphql.document_cache import Documents, Invalid, Prepared
from discretion.edge.graphql.http_protocol import GraphQLRequest, Heed
from discretion.edge.graphql.operation_runner import Answer
from discretion.edge.strict_json import strict_json
from discretion.errors import BadRequest, Refusal, Unauthenticated
from discretion.law.signals.gpc import asked
from discretion.token.grant import Grant
from discretion.token.verify import Verifier

MAX_CONNECTIONS, MAX_OF_ONE, MAX_SUBSCRIPTIONS = 500, 20, 10
"""Connections in all, those of one caller, and what each has subscribed."""

MAX_MESSAGE = 64 * 1024
INIT_S, IDLE_S = 10, 60
"""How long a connection may take to say who it is, and to have nothing subscribed."""

TRY_LATER, UNAUTHORISED, IDLE, TOO_LARGE = 1013, 4401, 4408, 1009
"""Codes that a connection is closed with (RFC 6455, section 7.4; the protocol's own)."""


@dataclass(frozen=True, slots=True)
class Lines:
    """What connections are made of."""

    verifier: Verifier
    documents: Documents
    answer: Answer
    mask: Mask
    heed: Heed
    follow: Follow
    now_ms: Callable[[], int]


class LiveDoor:
    """The endpoint; give an instance to a Starlette ``WebSocketRoute``."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._open = 0
        self._callers: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from its handshake to its end."""
        socket = WebSocket(scope, receive, send)
        origin, host = socket.headers.get("origin"), socket.headers.get("host", "")
        spoken = GRAPHQL_TRANSPORT_WS_PROTOCOL in scope["subprotocols"]
        if not spoken or (origin is not None and not is_same_origin(origin, host)):
            await socket.close()  # before it is accepted: the handshake gets 403
            return
        if self._open >= MAX_CONNECTIONS:
            await socket.close(TRY_LATER)
            return
        self._open += 1
        try:
            await socket.accept(GRAPHQL_TRANSPORT_WS_PROTOCOL)
            await Connection(self._lines, Line(socket), self._callers).handle()
        finally:
            self._open -= 1


class Line:
    """One WebSocket as Strawberry's handler uses it. ``busy`` says whether anything is subscribed."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.busy: Callable[[], bool] = lambda: False

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        """Messages, until the connection ends."""
        del ignore_parsing_errors
        while self.socket.application_state is WebSocketState.CONNECTED:
            try:
                async with asyncio.timeout(IDLE_S):
                    text = await self.socket.receive_text()
            except TimeoutError:
                if not self.busy():
                    await self.close(IDLE, "Nothing is subscribed")
                continue
            except (WebSocketDisconnect, RuntimeError):
                return
            except KeyError:
                raise NonJsonMessageReceived from None
            if len(text) > MAX_MESSAGE:
                await self.close(TOO_LARGE, "Message too large")
                return
            try:
                message = strict_json(text.encode())
            except Refusal:
                raise NonJsonMessageReceived from None
            if not isinstance(message, dict):
                raise NonJsonMessageReceived
            yield message

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send a message."""
        if self.socket.application_state is not WebSocketState.CONNECTED:
            raise WebSocketDisconnected
        try:
            await self.socket.send_text(orjson.dumps(message).decode())
        except (WebSocketDisconnect, RuntimeError):
            raise WebSocketDisconnected from None

    async def close(self, code: int, reason: str) -> None:
        """End the connection, unless it has ended."""
        if self.socket.application_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self.socket.close(code, reason)


@dataclass(slots=True)
class _Said:
    """What a connection said of itself; Strawberry's handler puts its parameters here."""

    connection_params: Any = None


class Connection(BaseGraphQLTransportWSHandler[Any, None]):
    """One connection. It is its own view: Strawberry asks that for whether a client may connect."""

    def __init__(self, lines: Lines, line: Line, callers: Counter[str]) -> None:
        wait = timedelta(seconds=INIT_S)
        view: Any = self
        socket: Any = line
        nothing: Any = None
        super().__init__(view, socket, _Said(), None, nothing, wait, MAX_SUBSCRIPTIONS)
        self._lines = lines
        self._line = line
        self._token = ""
        self._callers = callers
        self._caller: str | None = None
        self._ending: asyncio.Task[None] | None = None
        line.busy = lambda: bool(self.operations)

    async def on_ws_connect(self, context: _Said) -> Any:
        """Who it is, by the token in the parameters.

        Raises:
            ConnectionRejectionError: No token, one that does not hold, or too many connections with it.
        """
        given = context.connection_params or {}
        header = next((value for name, value in given.items() if name.lower() == "authorization"), None)
        if not isinstance(header, str):
            raise ConnectionRejectionError
        try:
            grant = self._lines.verifier.from_header([header])
        except Unauthenticated:
            raise ConnectionRejectionError from None
        if grant is None:
            raise ConnectionRejectionError
        caller = f"{grant.client} {grant.subject}"
        if self._callers[caller] >= MAX_OF_ONE:
            raise ConnectionRejectionError
        self._callers[caller] += 1
        self._caller, self._token = caller, header.partition(" ")[2]
        if asked(self._line.socket.headers.getlist("sec-gpc")):
            await self._lines.heed(grant)
        left = max(grant.expires - self._lines.now_ms() / 1000, 0)
        self._ending = asyncio.create_task(self._end_after(left))
        return UNSET

    async def shutdown(self) -> None:
        """End everything of this connection."""
        if self._caller is not None:
            self._callers -= Counter({self._caller: 1})
            self._caller = None
        if self._ending is not None:
            self._ending.cancel()
        await super().shutdown()

    async def run_operation(self, operation: Operation[Any, None]) -> None:
        """Answer a subscription again and again, until it or its request ends."""
        try:
            await self._follow(operation)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except WebSocketDisconnected:
            return
        except Unauthenticated:
            await self._line.close(UNAUTHORISED, "The token does not hold any more")
        except Refusal as refused:
            await self._error(operation, [refusal(refused)])
        except Exception as error:  # noqa: BLE001 - the last place where it can be masked
            await self._error(operation, [self._lines.mask.outside(error).error])

    async def _follow(self, operation: Operation[Any, None]) -> None:
        prepared, request = self._prepared(operation)
        followed = Followed()
        await self._push(operation, prepared, request, followed)
        async with aclosing(self._lines.follow.changes(followed)) as changes:  # type: ignore[type-var]
            async for _ in changes:
                await self._push(operation, prepared, request, followed)

    def _prepared(self, operation: Operation[Any, None]) -> tuple[Prepared, GraphQLRequest]:
        """Raises BadRequest for what HTTP would refuse, and for what is no subscription."""
        query, name, variables = operation.query, operation.operation_name, operation.variables or {}
        if not isinstance(query, str) or not isinstance(variables, dict) or not isinstance(name, str | None):
            raise BadRequest("PARAMETER_INVALID", "'query' is text, 'variables' an object.")
        prepared = self._lines.documents.prepare(query)
        if isinstance(prepared, Invalid):
            said = prepared.errors[0]
            raise BadRequest(said["extensions"]["code"], said["message"])
        found = prepared.operation(name)
        if isinstance(found, Refusal):
            raise found
        if found.operation is not OperationType.SUBSCRIPTION:
            raise BadRequest("OPERATION_UNSUPPORTED", "Queries and mutations are sent to /graphql by POST.")
        heavy = self._lines.documents.weigh(prepared, name, variables)
        if heavy is not None:
            raise heavy
        return prepared, GraphQLRequest(query, name, variables)

    async def _push(
        self, operation: Operation[Any, None], prepared: Prepared, request: GraphQLRequest, followed: Followed
    ) -> None:
        response = await self._lines.answer(prepared, request, self._grant(), followed)
        if "data" not in response:
            await self._error(operation, response["errors"])
            return
        message: Any = {"id": operation.id, "type": "next", "payload": response}
        await operation.send_operation_message(message)

    def _grant(self) -> Grant:
        """What the token allows now; raises Unauthenticated when it does not hold any more."""
        return self._lines.verifier.verify(self._token)

    async def _error(self, operation: Operation[Any, None], errors: list[Any]) -> None:
        with suppress(WebSocketDisconnected):
            message: Any = {"id": operation.id, "type": "error", "payload": errors}
            await operation.send_operation_message(message)

    async def _end_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._line.close(UNAUTHORISED, "The token has expired")
