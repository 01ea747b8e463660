"""GraphiQL, served from the package: nothing on the page is loaded from elsewhere."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

_TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
_ASSET = re.compile(r'"graphiql/([\w.-]+)"')

# Styles may stand in the page: CodeMirror places its cursor by style attributes.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Explorer:
    """The page and its files, read once.

    The page names each file with the digest of its content, so that browsers may keep files for
    ever and still get new ones after an upgrade.
    """

    def __init__(self) -> None:
        folder = files("discretion.edge.graphql") / "graphiql"
        self._assets = {name: _Asset(folder / name) for name in _names(folder)}
        text = (folder / "index.html").read_text("utf-8")
        page = _ASSET.sub(lambda found: f'"graphiql/{found[1]}?v={self._assets[found[1]].digest}"', text)
        self._page = page.encode()
        self._tag = _digest(self._page)

    def routes(self) -> list[Route]:
        """The page's files, at ``/graphiql/<name>``. The page itself is at the GraphQL endpoint."""
        return [Route("/graphiql/{name}", self._file, methods=["GET"], name="graphiql")]

    async def page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the page."""
        headers = {
            "cache-control": "no-cache",
            "content-security-policy": CONTENT_SECURITY_POLICY,
            "cross-origin-opener-policy": "same-origin",
            "referrer-policy": "no-referrer",
            "vary": "accept",
        }
        response = _response(Request(scope), self._page, "text/html; charset=utf-8", self._tag, headers)
        await response(scope, receive, send)

    async def _file(self, request: Request) -> Response:
        asset = self._assets.get(request.path_params["name"])
        if asset is None:
            return Response("Not found.", 404, media_type="text/plain")
        kept = request.query_params.get("v") == asset.digest
        headers = {"cache-control": "public, max-age=31536000, immutable" if kept else "no-cache"}
        return _response(request, asset.body, asset.type, asset.digest, headers)


class _Asset:
    """One file, as it is sent."""

    def __init__(self, path: Traversable) -> None:
        self.body = path.read_bytes()
        self.type = _TYPES[path.name.rpartition(".")[2]]
        self.digest = _digest(self.body)


def _names(folder: Traversable) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if one.name.rpartition(".")[2] in _TYPES)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def _response(request: Request, body: bytes, media: str, tag: str, headers: dict[str, str]) -> Response:
    """The body, or 304 for who has it (RFC 9110, section 13.1.2)."""
    sent = {**headers, "etag": f'"{tag}"', "x-content-type-options": "nosniff"}
    if f'"{tag}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=sent)
    return Response(body, headers=sent, media_type=media)
