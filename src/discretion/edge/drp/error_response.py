"""An error as the protocol writes it: ``{"code": "400", message, fatal, "error": {code, message, advice}}``.

``code`` is the HTTP status as text (section 3.06). Our stable code stands where all our doors have it.
"""

from __future__ import annotations

import orjson
from starlette.responses import Response

from discretion.edge.drp.protocol_terms import FATAL
from discretion.edge.error_response import problem as told
from discretion.errors import DiscretionError, Unauthenticated

_CHALLENGE = {"www-authenticate": 'Bearer realm="discretion"'}


def problem(error: DiscretionError) -> Response:
    """The response that an error deserves."""
    response = told(error, _CHALLENGE if isinstance(error, Unauthenticated) else None)
    said = orjson.loads(bytes(response.body))["error"]
    body = {
        "code": str(error.status),
        "message": said["message"],
        "fatal": error.code in FATAL,
        "error": said,
    }
    headers = {
        name: value for name, value in response.headers.items() if name in ("www-authenticate", "retry-after")
    }
    return Response(orjson.dumps(body), error.status, headers, "application/json")
