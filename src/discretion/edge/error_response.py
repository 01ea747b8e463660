"""Errors outside GraphQL, as JSON: ``{"success": false, code, message, "error": {code, message, advice}}``.

Tracking SDKs read ``code`` and ``message`` at the top level. One of them takes a body without these members
for a network failure and retries without end.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import orjson
from starlette.responses import Response

from discretion.edge.error_trace import trace_error
from discretion.errors import DiscretionError, Fault, TooMany

_log = logging.getLogger(__name__)


def build_error_response(error: DiscretionError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response to an error. Of a fault the caller gets the code and no message."""
    details = {"code": error.code, "message": error.message, "advice": error.advice}
    response_headers = dict(headers or {})
    if isinstance(error, Fault):
        _log.error("%s %s at %s", type(error).__name__, error.code, trace_error(error))
        details = {
            "code": error.code,
            "message": "The service cannot answer now.",
            "advice": "Ask again later.",
        }
    if isinstance(error, Fault | TooMany):
        response_headers.setdefault("retry-after", "1")
    body = {"success": False, "code": details["code"], "message": details["message"], "error": details}
    return Response(orjson.dumps(body), error.status, response_headers, media_type="application/json")
