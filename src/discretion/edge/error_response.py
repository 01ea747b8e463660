"""Errors outside GraphQL, as JSON: ``{"success": false, code, message, "error": {code, message, advice}}``.

Tracking SDKs look for ``code`` and ``message`` at the top; one of them takes a body without them for
a failure of the network, and asks again and again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import orjson
from starlette.responses import Response

from discretion.errors import DiscretionError, Fault, TooMany

_log = logging.getLogger(__name__)


def problem(error: DiscretionError, headers: Mapping[str, str] | None = None) -> Response:
    """The response an error deserves; a fault tells its code and nothing else."""
    said = {"code": error.code, "message": error.message, "advice": error.advice}
    sent = dict(headers or {})
    if isinstance(error, Fault):
        _log.error("%s answered with %s", type(error).__name__, error.code, exc_info=error.__cause__)
        said = {"code": error.code, "message": "The service cannot answer now.", "advice": "Ask again later."}
    if isinstance(error, Fault | TooMany):
        sent.setdefault("retry-after", "1")
    body = {"success": False, "code": said["code"], "message": said["message"], "error": said}
    return Response(orjson.dumps(body), error.status, sent, media_type="application/json")
