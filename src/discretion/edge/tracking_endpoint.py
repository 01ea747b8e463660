"""The tracking door: Segment's HTTP API, so that its SDKs work with only host and key changed.

    POST /v1/identify | track | page | screen | group | alias     one message
    POST /v1/batch | import | b                                   {"batch": [message, ...]}

The write key comes as the user name of Basic auth, or as ``writeKey`` in the body. Where Segment
answers 200 to nearly everything, we say what became of each message: ``Prefer:
return=representation`` lists every one, and without it the refused ones are listed. Here is only
the HTTP of it; what a message may be and what becomes of it is ``domain.ingest.intake``.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from discretion.catalogue.model import Source
from discretion.domain.ingest.batch import messages
from discretion.domain.ingest.intake import TOO_LARGE, Intake
from discretion.domain.ingest.message import Outcome, Status
from discretion.domain.ingest.validation import KINDS
from discretion.domain.ingest.write_keys import WriteKeys
from discretion.edge.error_response import problem
from discretion.errors import BadRequest, DiscretionError, TooLarge, Unauthenticated
from discretion.law.signals.gpc import HEADER, asked

MAX_BODY = 500 * 1024
BATCHES = ("batch", "import", "b")
"""A batch's name, the one it had before, and the one that SDKs on phones use."""

_CHALLENGE = {"www-authenticate": 'Basic realm="discretion", charset="UTF-8"'}


class Tracking:
    """The endpoints of the tracking API."""

    def __init__(self, keys: WriteKeys, intake: Intake) -> None:
        self._keys = keys
        self._intake = intake

    def routes(self) -> list[Route]:
        """One route for each kind of call."""
        return [
            Route(f"/v1/{kind}", self._endpoint(kind), methods=["POST"], name=f"track-{kind}")
            for kind in (*KINDS, *BATCHES)
        ]

    def _endpoint(self, kind: str) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                return await self._take(request, kind)
            except DiscretionError as error:
                return problem(error, _headers(error))

        return endpoint

    async def _take(self, request: Request, kind: str) -> Response:
        body = parse(await read(request))
        source = await self._source(request, body)
        single = kind not in BATCHES
        gpc = asked(request.headers.getlist(HEADER))
        sent = [{**body, "type": kind}] if single else messages(body)
        return _answer(request, await self._intake.take(source, sent, gpc=gpc), single=single)

    async def _source(self, request: Request, body: dict[str, Any]) -> Source:
        key = _basic(request.headers.get("authorization")) or body.get("writeKey")
        source = await self._keys.source_of(key) if isinstance(key, str) and 0 < len(key) <= 200 else None
        if source is None:
            raise Unauthenticated(
                "WRITE_KEY_INVALID",
                "The write key is missing or not one of ours.",
                "Send it as the user name of Basic auth, with an empty password.",
            )
        return source


async def read(request: Request) -> bytes:
    """The body, unpacked if it is gzip, never larger than the limit.

    Raises:
        TooLarge: ``BODY_TOO_LARGE``; BadRequest: ``BODY_ENCODING``.
    """
    packed = bytearray()
    async for part in request.stream():
        packed += part
        if len(packed) > MAX_BODY:
            raise _too_large()
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        return bytes(packed)
    if coding not in ("gzip", "x-gzip"):
        raise BadRequest("BODY_ENCODING", "The content encoding is not gzip.")
    unpack = zlib.decompressobj(wbits=31)
    try:
        body = unpack.decompress(bytes(packed), MAX_BODY + 1)
    except zlib.error:
        raise BadRequest("BODY_ENCODING", "The body is not gzip.") from None
    if len(body) > MAX_BODY:
        raise _too_large()
    if not unpack.eof:
        raise BadRequest("BODY_ENCODING", "The body is cut short.")
    return body


def parse(body: bytes) -> dict[str, Any]:
    """The body as a JSON object."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest("BODY_INVALID", "The body is not JSON.") from None
    if not isinstance(parsed, dict):
        raise BadRequest("BODY_INVALID", "The body is not a JSON object.")
    return parsed


def _answer(request: Request, outcomes: list[Outcome], *, single: bool) -> Response:
    counts = {status.value: sum(1 for one in outcomes if one.status is status) for status in Status}
    everything = "return=representation" in request.headers.get("prefer", "").replace(" ", "").lower()
    listed = [one for one in outcomes if everything or one.status is Status.REFUSED]
    status = _status(outcomes[0]) if single else 200
    body = {
        "success": status == 200,
        **counts,
        "dropped": sum(one.dropped for one in outcomes),
        "minimised": sum(one.minimised for one in outcomes),
        "results": [_result(one) for one in listed],
    }
    headers = {"preference-applied": "return=representation"} if everything else {}
    return Response(orjson.dumps(body), status, headers, "application/json")


def _status(only: Outcome) -> int:
    """The status of a call with one message; a batch is answered for message by message."""
    if only.status is not Status.REFUSED:
        return 200
    return 413 if only.code == TOO_LARGE else 400


def _headers(error: DiscretionError) -> dict[str, str]:
    """What HTTP wants said beside the status."""
    if isinstance(error, Unauthenticated):
        return _CHALLENGE
    if isinstance(error, TooLarge):
        return {"connection": "close"}  # or the server reads the rest to throw it away
    return {}


def _result(one: Outcome) -> dict[str, Any]:
    result: dict[str, Any] = {
        "messageId": one.message,
        "status": one.status.value,
        "dropped": one.dropped,
        "minimised": one.minimised,
    }
    if one.status is Status.REFUSED:
        result |= {"code": one.code, "reason": one.reason, "place": one.place}
    return result


def _basic(header: str | None) -> str | None:
    """The user name of Basic auth (RFC 7617)."""
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
