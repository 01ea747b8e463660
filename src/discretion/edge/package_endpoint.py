"""The endpoint at which customers download an access package: ``GET /v1/packages/{link}``, once.

The link is the only proof that is asked for, so it must not leak: responses are not cached, browsers send
no referrer and search engines do not index. HEAD is refused, because a link preview would use the link up.
A link that was used, has expired or never existed gets the same response.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from discretion.domain.access.download_links import DownloadLinks
from discretion.edge.error_response import build_error_response
from discretion.errors import DiscretionError, NotFound

PACKAGE_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
}


class PackageEndpoint:
    """The endpoint of download links."""

    def __init__(self, download_links: DownloadLinks) -> None:
        self._download_links = download_links

    def route(self) -> Route:
        """Return the only route, GET without a token."""
        return Route("/v1/packages/{link}", self._serve_package, methods=["GET"], name="packages")

    async def _serve_package(self, request: Request) -> Response:
        # Starlette adds HEAD to every route with GET, so it has to be refused here.
        if request.method == "HEAD":
            return Response(status_code=405, headers={**PACKAGE_HEADERS, "allow": "GET"})
        try:
            # The link is deleted and the disclosure recorded before the first byte is sent. A download that
            # breaks off needs a new link.
            package = await self._download_links.follow_link(request.path_params["link"])
            if package is None:
                raise NotFound(
                    "PACKAGE_LINK_INVALID",
                    "This link is not valid: a link works once, and for a few minutes.",
                    "Ask for another with the mutation openPackage.",
                )
        except DiscretionError as error:
            return build_error_response(error, PACKAGE_HEADERS)
        disposition = {"content-disposition": f'attachment; filename="{package.name}"'}
        return StreamingResponse(package.content, 200, {**PACKAGE_HEADERS, **disposition}, "application/zip")
