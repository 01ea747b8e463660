"""The door where people fetch what they asked for: ``GET /v1/packages/{link}``, once.

Whoever has the link has the package, so it is told to nobody on the way: it is not to be kept, not to be
named to other servers, and not to be looked at by asking for its head. What was used, is over or never was
is answered alike.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from discretion.domain.access.download_links import HandOut
from discretion.edge.error_response import problem
from discretion.errors import DiscretionError, NotFound

HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
}


class PackageDoor:
    """Hands packages out."""

    def __init__(self, hand_out: HandOut) -> None:
        self._hand_out = hand_out

    def route(self) -> Route:
        """The one route."""
        return Route("/v1/packages/{link}", self._fetch, methods=["GET"], name="packages")

    async def _fetch(self, request: Request) -> Response:
        if request.method == "HEAD":
            return Response(status_code=405, headers={**HEADERS, "allow": "GET"})
        try:
            handed = await self._hand_out.follow(request.path_params["link"])
            if handed is None:
                raise NotFound(
                    "PACKAGE_LINK_INVALID",
                    "This link leads nowhere: it works once, and for a few minutes.",
                    "Ask for another with the mutation openPackage.",
                )
        except DiscretionError as error:
            return problem(error, HEADERS)
        named = {"content-disposition": f'attachment; filename="{handed.name}"'}
        return StreamingResponse(handed.content, 200, {**HEADERS, **named}, "application/zip")
