"""The tracking API: Segment's HTTP API, so that its SDKs for servers work after a change of host and key.

    POST /v1/identify | track | page | screen | group | alias     one message
    POST /v1/batch | import | b                                   {"batch": [message, ...]}

The write key comes as the user name of Basic auth, or as ``writeKey`` in the body. Segment answers 200 to
nearly everything; this API reports the outcome of messages. With ``Prefer: return=representation`` the
response lists every message, without it the refused ones. This module has only the HTTP part; messages are
checked and processed in ``domain.ingest.intake``.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from discretion.catalogue.model import Source
from discretion.domain.ingest.batch import split_batch
from discretion.domain.ingest.intake import MESSAGE_TOO_LARGE, Intake
from discretion.domain.ingest.message import IngestStatus, MessageOutcome
from discretion.domain.ingest.validation import MESSAGE_TYPES
from discretion.domain.ingest.write_keys import WriteKeys
from discretion.domain.kit.strict_json import refuse_duplicate_names
from discretion.edge.error_response import build_error_response
from discretion.errors import BadRequest, DiscretionError, TooLarge, Unauthenticated
from discretion.law.signals.gpc import GPC_HEADER, has_gpc_opt_out

# Segment's own limit for a batch.
MAX_BODY = 500 * 1024
MAX_JSON_DEPTH = 1024
"""As deep as the parser reads. Within a batch, a message that is nested too deeply is refused alone."""

BATCH_CALLS = ("batch", "import", "b")
"""The names of the batch call: the present one, the former one, and that of the mobile SDKs."""

_CHALLENGE = {"www-authenticate": 'Basic realm="discretion", charset="UTF-8"'}


class TrackingEndpoints:
    """The endpoints of the tracking API."""

    def __init__(self, write_keys: WriteKeys, intake: Intake) -> None:
        self._write_keys = write_keys
        self._intake = intake

    def routes(self) -> list[Route]:
        """Return one route for each type of call."""
        return [
            Route(
                f"/v1/{call_type}",
                self._build_endpoint(call_type),
                methods=["POST"],
                name=f"track-{call_type}",
            )
            for call_type in (*MESSAGE_TYPES, *BATCH_CALLS)
        ]

    def _build_endpoint(self, call_type: str) -> Callable[[Request], object]:
        async def handle(request: Request) -> Response:
            try:
                return await self._receive_call(request, call_type)
            except DiscretionError as error:
                return build_error_response(error, _error_headers(error))

        return handle

    async def _receive_call(self, request: Request, call_type: str) -> Response:
        # The body is read before the caller is authenticated, because the write key may be in it.
        body = parse_json_object(await read_tracking_body(request))
        source = await self._authenticate_source(request, body)
        is_single = call_type not in BATCH_CALLS
        # The header belongs to the HTTP request, so it counts for every message of a batch.
        gpc = has_gpc_opt_out(request.headers.getlist(GPC_HEADER))
        # The path decides on the type. Another ``type`` in the body has no effect.
        call_messages = [{**body, "type": call_type}] if is_single else split_batch(body)
        return _build_response(
            request, await self._intake.ingest(source, call_messages, gpc=gpc), is_single=is_single
        )

    async def _authenticate_source(self, request: Request, body: dict[str, object]) -> Source:
        key = _basic_user(request.headers.get("authorization")) or body.get("writeKey")
        source = (
            await self._write_keys.find_source(key) if isinstance(key, str) and 0 < len(key) <= 200 else None
        )
        if source is None:
            raise Unauthenticated(
                "WRITE_KEY_INVALID",
                "The write key is missing or belongs to no source.",
                "Send it as the user name of Basic auth, with an empty password.",
            )
        return source


async def read_tracking_body(request: Request) -> bytes:
    """Return the body, decompressed if it is gzip, of at most ``MAX_BODY`` bytes before and after.

    Raises:
        TooLarge: ``BODY_TOO_LARGE``.
        BadRequest: ``BODY_ENCODING``.
    """
    compressed = bytearray()
    async for chunk in request.stream():
        compressed += chunk
        if len(compressed) > MAX_BODY:
            raise _too_large()
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return bytes(compressed)
    if encoding not in ("gzip", "x-gzip"):
        raise BadRequest("BODY_ENCODING", "The content encoding is not gzip.")
    # 31 accepts the gzip format only.
    decompressor = zlib.decompressobj(wbits=31)
    try:
        # One byte over the limit is enough to refuse the body: a bomb is never expanded.
        body = decompressor.decompress(bytes(compressed), MAX_BODY + 1)
    except zlib.error:
        raise BadRequest("BODY_ENCODING", "The body is not gzip.") from None
    if len(body) > MAX_BODY:
        raise _too_large()
    if not decompressor.eof:
        raise BadRequest("BODY_ENCODING", "The body is cut short.")
    return body


def parse_json_object(body: bytes) -> dict[str, object]:
    """Return the body as a JSON object.

    Of two members with one name a reader takes the first or the last: a yes and a no about one purpose must
    not depend on that.

    Raises:
        BadRequest: ``BODY_INVALID``, ``BODY_DUPLICATE_KEY``, ``BODY_TOO_DEEP``.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest("BODY_INVALID", "The body is not JSON.") from None
    if not isinstance(parsed, dict):
        raise BadRequest("BODY_INVALID", "The body is not a JSON object.")
    refuse_duplicate_names(body, parsed, MAX_JSON_DEPTH)
    return parsed


def _build_response(request: Request, outcomes: list[MessageOutcome], *, is_single: bool) -> Response:
    counts = {
        status.value: sum(1 for outcome in outcomes if outcome.status is status) for status in IngestStatus
    }
    list_all = "return=representation" in request.headers.get("prefer", "").replace(" ", "").lower()
    listed_outcomes = [
        outcome
        for outcome in outcomes
        if list_all or outcome.status is IngestStatus.REFUSED or outcome.left_out
    ]
    status = _single_status(outcomes[0]) if is_single else 200
    body = {
        "success": status == 200,
        **counts,
        "dropped": sum(outcome.dropped for outcome in outcomes),
        "minimised": sum(outcome.minimised for outcome in outcomes),
        "leftOut": sum(len(outcome.left_out) for outcome in outcomes),
        "results": [_build_result(outcome) for outcome in listed_outcomes],
    }
    headers = {"preference-applied": "return=representation"} if list_all else {}
    return Response(orjson.dumps(body), status, headers, "application/json")


def _single_status(outcome: MessageOutcome) -> int:
    """Return the HTTP status of a call with one message. A batch gets 200 and a status for each message."""
    if outcome.status is not IngestStatus.REFUSED:
        return 200
    return 413 if outcome.code == MESSAGE_TOO_LARGE else 400


def _error_headers(error: DiscretionError) -> dict[str, str]:
    """Return the headers that HTTP requires with the status of an error."""
    if isinstance(error, Unauthenticated):
        return _CHALLENGE
    if isinstance(error, TooLarge):
        return {"connection": "close"}  # else the server reads the rest of the body and discards it
    return {}


def _build_result(outcome: MessageOutcome) -> dict[str, object]:
    result: dict[str, object] = {
        "messageId": outcome.message_id,
        "status": outcome.status.value,
        "dropped": outcome.dropped,
        "minimised": outcome.minimised,
    }
    if outcome.status is IngestStatus.REFUSED:
        result |= {"code": outcome.code, "reason": outcome.reason, "place": outcome.place}
    if outcome.statements is not None:
        result["statements"] = outcome.statements.value
    if outcome.left_out:
        result["leftOut"] = [
            {"place": part.place, "code": part.code, "reason": part.reason} for part in outcome.left_out
        ]
    return result


def _basic_user(header: str | None) -> str | None:
    """Return the user name of Basic auth (RFC 7617), None for another scheme or a malformed header."""
    if header is None:
        return None
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, _ = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return user


def _too_large() -> TooLarge:
    return TooLarge("BODY_TOO_LARGE", f"The body has more than {MAX_BODY} bytes.", "Send smaller batches.")
