"""The doors of the house, as one Starlette application."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute

from discretion.domain.requests.subscription import Follow
from discretion.edge.acknowledgement_endpoint import Acknowledgements
from discretion.edge.error_mask import Mask
from discretion.edge.error_response import problem
from discretion.edge.graphql.document_cache import Documents
from discretion.edge.graphql.explorer import Explorer
from discretion.edge.graphql.http_protocol import GraphQLDoor, Heed
from discretion.edge.graphql.operation_runner import Answer
from discretion.edge.graphql.websocket import Lines, LiveDoor
from discretion.edge.package_endpoint import PackageDoor
from discretion.edge.tracking_endpoint import Tracking
from discretion.errors import DiscretionError, NotFound
from discretion.law.signals import gpc
from discretion.store.driver.database import Database
from discretion.token.verify import Verifier

MAX_BODY = 1024 * 1024
"""Bytes of any body; each door has a smaller limit of its own."""


@dataclass(frozen=True, slots=True)
class Doors:
    """What the doors are made of."""

    verifier: Verifier
    documents: Documents
    answer: Answer
    mask: Mask
    heed: Heed
    tracking: Tracking
    packages: PackageDoor
    acknowledgements: Acknowledgements
    jwks: Mapping[str, Any]
    database: Database
    follow: Follow
    now_ms: Callable[[], int]
    acting: Sequence[Route] = ()


def application(doors: Doors) -> Starlette:
    """All routes.

    ``/readyz`` says no while ``app.state.complete`` is False: what is served is still being filled.
    """
    explorer = Explorer()

    graphql = GraphQLDoor(
        doors.documents, doors.answer, doors.verifier.from_header, doors.mask, doors.heed, explorer=explorer
    )

    live = LiveDoor(
        Lines(
            doors.verifier,
            doors.documents,
            doors.answer,
            doors.mask,
            doors.heed,
            doors.follow,
            doors.now_ms,
        )
    )

    async def home(_request: Request) -> Response:
        return RedirectResponse("/graphql")

    async def jwks(_request: Request) -> Response:
        return JSONResponse(dict(doors.jwks), headers={"cache-control": "public, max-age=300"})

    async def privacy_control(_request: Request) -> Response:
        return JSONResponse(dict(gpc.SUPPORT), headers={"cache-control": "public, max-age=86400"})

    async def alive(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(request: Request) -> Response:
        if not request.app.state.complete:
            return JSONResponse({"status": "starting"}, 503, {"retry-after": "1"})
        try:
            await doors.database.command({"ping": 1})
        except DiscretionError as error:
            return problem(error)
        return JSONResponse({"status": "ready"})

    async def nothing(_request: Request, _error: Exception) -> Response:
        return problem(NotFound("NOT_FOUND", "There is nothing here.", "GraphQL is at /graphql."))

    app = Starlette(
        routes=[
            Route("/graphql", graphql),
            WebSocketRoute("/graphql", live),
            Route("/", home),
            *explorer.routes(),
            *doors.tracking.routes(),
            doors.packages.route(),
            *doors.acknowledgements.routes(),
            *doors.acting,
            Route("/.well-known/jwks.json", jwks),
            Route("/.well-known/gpc.json", privacy_control),
            Route("/healthz", alive),
            Route("/readyz", ready),
        ],
        exception_handlers={404: nothing},
        max_body_size=MAX_BODY,
    )
    app.state.complete = True
    return app
