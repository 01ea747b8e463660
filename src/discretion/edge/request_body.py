"""Reading a request's body, and no more of it than the limit of the endpoint."""

from __future__ import annotations

from starlette.requests import Request

from discretion.errors import TooLarge


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the body.

    Raises:
        TooLarge: ``BODY_TOO_LARGE``: more than ``max_bytes``.
    """
    # The limit is checked while reading: a declared length may be absent or false.
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise TooLarge("BODY_TOO_LARGE", f"The body has more than {max_bytes} bytes.")
    return bytes(body)
