"""Where a recipient says that it has acted on a notice, with a token of its own.

    POST /v1/recipients/acknowledgements    {"delivery": "<id>"}

The id is the notice's ``jti``. The answer is the same however often it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from discretion.domain.recipients.acknowledgement import Confirm
from discretion.domain.recipients.notification import ACKNOWLEDGE
from discretion.edge.error_response import problem
from discretion.edge.tracking_endpoint import parse, read
from discretion.errors import BadRequest, DiscretionError, Forbidden, Unauthenticated
from discretion.reveal.forms import iso
from discretion.token.grant import Grant

ID_BYTES = 16
_CHALLENGE = {"www-authenticate": "Bearer"}


class Acknowledgements:
    """The door of those who were told."""

    def __init__(self, confirm: Confirm, verify: Callable[[Sequence[str]], Grant | None]) -> None:
        self._confirm = confirm
        self._verify = verify

    def routes(self) -> list[Route]:
        """The one route."""
        return [Route(ACKNOWLEDGE, self._endpoint, methods=["POST"])]

    async def _endpoint(self, request: Request) -> Response:
        try:
            return await self._take(request)
        except DiscretionError as error:
            return problem(error, _CHALLENGE if isinstance(error, Unauthenticated) else None)

    async def _take(self, request: Request) -> Response:
        grant = self._verify(request.headers.getlist("authorization"))
        if grant is None:
            raise Unauthenticated(
                "TOKEN_MISSING",
                "This needs an access token of the client that was told.",
                "Send it as 'Authorization: Bearer <token>'.",
            )
        if grant.is_self:
            raise Forbidden("CLIENT_NOT_ITSELF", "A customer's token does not speak for a client.")
        told = await self._confirm.by_recipient(_delivery(parse(await read(request))), grant.client)
        said = {"delivery": told.id.hex(), "acknowledged": iso(told.acknowledged or 0)}
        return Response(orjson.dumps(said), media_type="application/json")


def _delivery(body: dict[str, object]) -> bytes:
    given = body.get("delivery")
    try:
        named = bytes.fromhex(given) if isinstance(given, str) else b""
    except ValueError:
        named = b""
    if len(named) != ID_BYTES:
        raise BadRequest(
            "DELIVERY_MISSING", "The body names no delivery.", 'Send {"delivery": the jti of the notice}.'
        )
    return named
