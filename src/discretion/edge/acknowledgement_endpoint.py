"""The endpoint at which a recipient acknowledges a notification, with an access token of its own client.

    POST /v1/recipients/acknowledgements    {"delivery": "<id>"}

The id is the ``jti`` of the notification. Repeated acknowledgements get the same response as the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from discretion.domain.recipients.acknowledgement import AcknowledgementRecorder
from discretion.domain.recipients.notification import ACKNOWLEDGEMENT_PATH
from discretion.edge.error_response import build_error_response
from discretion.edge.tracking_endpoint import parse_json_object, read_tracking_body
from discretion.errors import BadRequest, DiscretionError, Forbidden, Unauthenticated
from discretion.reveal.forms import format_timestamp
from discretion.token.grant import Grant

ID_BYTES = 16
_CHALLENGE = {"www-authenticate": "Bearer"}


class AcknowledgementEndpoint:
    """The endpoint of recipients that were notified."""

    def __init__(
        self, acknowledgements: AcknowledgementRecorder, verify: Callable[[Sequence[str]], Grant | None]
    ) -> None:
        self._acknowledgements = acknowledgements
        self._verify = verify

    def routes(self) -> list[Route]:
        """Return the only route, POST with a token."""
        return [Route(ACKNOWLEDGEMENT_PATH, self._respond, methods=["POST"])]

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._acknowledge(request)
        except DiscretionError as error:
            return build_error_response(error, _CHALLENGE if isinstance(error, Unauthenticated) else None)

    async def _acknowledge(self, request: Request) -> Response:
        grant = self._verify(request.headers.getlist("authorization"))
        if grant is None:
            raise Unauthenticated(
                "TOKEN_MISSING",
                "This needs an access token of the client that was notified.",
                "Send it as 'Authorization: Bearer <token>'.",
            )
        if grant.is_self:
            raise Forbidden("CLIENT_NOT_ITSELF", "A customer's token does not stand for a client.")
        # The client is that of the token and never of the body, so a client can acknowledge only its own
        # deliveries.
        delivery = await self._acknowledgements.record_by_recipient(
            _parse_delivery_id(parse_json_object(await read_tracking_body(request))), grant.client
        )
        body = {"delivery": delivery.id.hex(), "acknowledged": format_timestamp(delivery.acknowledged or 0)}
        return Response(orjson.dumps(body), media_type="application/json")


def _parse_delivery_id(body: dict[str, object]) -> bytes:
    delivery_text = body.get("delivery")
    try:
        delivery_id = bytes.fromhex(delivery_text) if isinstance(delivery_text, str) else b""
    except ValueError:
        delivery_id = b""
    if len(delivery_id) != ID_BYTES:
        raise BadRequest(
            "DELIVERY_MISSING",
            "The body names no delivery.",
            'Send {"delivery": the jti of the notification}.',
        )
    return delivery_id
