"""Errors in the format of DRP: ``{"code": "400", message, fatal, "error": {code, message, advice}}``.

The outer ``code`` is the HTTP status as text (section 3.06). The member ``error`` has the stable code, as
in all other responses of this API.
"""

from __future__ import annotations

import orjson
from starlette.responses import Response

from discretion.edge.drp.protocol_terms import FATAL
from discretion.edge.error_response import build_error_response
from discretion.errors import DiscretionError, Unauthenticated

_CHALLENGE = {"www-authenticate": 'Bearer realm="discretion"'}


def build_drp_error(error: DiscretionError) -> Response:
    """Return the response to an error."""
    response = build_error_response(error, _CHALLENGE if isinstance(error, Unauthenticated) else None)
    details = orjson.loads(bytes(response.body))["error"]
    body = {
        "code": str(error.status),
        "message": details["message"],
        "fatal": error.code in FATAL,
        "error": details,
    }
    headers = {
        name: value for name, value in response.headers.items() if name in ("www-authenticate", "retry-after")
    }
    return Response(orjson.dumps(body), error.status, headers, "application/json")
