"""Reading a request's body, never more of it than a door takes."""

from __future__ import annotations

from starlette.requests import Request

from discretion.errors import TooLarge


async def whole(request: Request, most: int) -> bytes:
    """The body.

    Raises:
        TooLarge: ``BODY_TOO_LARGE``; it has more than ``most`` bytes.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise TooLarge("BODY_TOO_LARGE", f"The body has more than {most} bytes.")
    return bytes(body)
