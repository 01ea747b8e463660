"""GraphiQL, served from the package: the page loads nothing from other servers."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

_CONTENT_TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
_ASSET_REFERENCE = re.compile(r'"graphiql/([\w.-]+)"')

# Inline styles are allowed because CodeMirror places its cursor by style attributes.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Explorer:
    """The page and its files, read once at the start.

    The page names each file with the digest of its content, so that browsers may cache files without a time
    limit and still load new ones after an upgrade.
    """

    def __init__(self) -> None:
        folder = files("discretion.edge.graphql") / "graphiql"
        self._assets = {name: _Asset(folder / name) for name in _asset_names(folder)}
        text = (folder / "index.html").read_text("utf-8")
        page = _ASSET_REFERENCE.sub(
            lambda match: f'"graphiql/{match[1]}?v={self._assets[match[1]].digest}"', text
        )
        self._page = page.encode()
        self._etag = _content_digest(self._page)

    def routes(self) -> list[Route]:
        """Return the route of the page's files. The page itself is served by the GraphQL endpoint."""
        return [Route("/graphiql/{name}", self._serve_file, methods=["GET"], name="graphiql")]

    async def serve_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with the page."""
        headers = {
            "cache-control": "no-cache",
            "content-security-policy": CONTENT_SECURITY_POLICY,
            "cross-origin-opener-policy": "same-origin",
            "referrer-policy": "no-referrer",
            # The same URL also answers GraphQL requests, depending on ``Accept``.
            "vary": "accept",
        }
        response = _conditional_response(
            Request(scope), self._page, "text/html; charset=utf-8", self._etag, headers
        )
        await response(scope, receive, send)

    async def _serve_file(self, request: Request) -> Response:
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            return Response("Not found.", 404, media_type="text/plain")
        is_current = request.query_params.get("v") == asset.digest
        headers = {"cache-control": "public, max-age=31536000, immutable" if is_current else "no-cache"}
        return _conditional_response(request, asset.body, asset.content_type, asset.digest, headers)


class _Asset:
    """One file, its content type, and the digest of its content."""

    def __init__(self, path: Traversable) -> None:
        self.body = path.read_bytes()
        self.content_type = _CONTENT_TYPES[path.name.rpartition(".")[2]]
        self.digest = _content_digest(self.body)


def _asset_names(folder: Traversable) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.rpartition(".")[2] in _CONTENT_TYPES)


def _content_digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def _conditional_response(
    request: Request, body: bytes, content_type: str, etag: str, headers: dict[str, str]
) -> Response:
    """Return the body, or 304 if the client has it already (RFC 9110, section 13.1.2)."""
    response_headers = {**headers, "etag": f'"{etag}"', "x-content-type-options": "nosniff"}
    if f'"{etag}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=response_headers)
    return Response(body, headers=response_headers, media_type=content_type)
