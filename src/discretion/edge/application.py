"""All endpoints, as one Starlette application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute

from discretion.domain.requests.subscription import RequestWatcher
from discretion.edge.acknowledgement_endpoint import AcknowledgementEndpoint
from discretion.edge.body_limit import BodyLimit
from discretion.edge.error_mask import ErrorMask
from discretion.edge.error_response import build_error_response
from discretion.edge.graphql.document_cache import DocumentCache
from discretion.edge.graphql.explorer import Explorer
from discretion.edge.graphql.http_protocol import GraphQLEndpoint, OptOutHandler
from discretion.edge.graphql.operation_runner import OperationRunner
from discretion.edge.graphql.websocket import SubscriptionComponents, SubscriptionEndpoint
from discretion.edge.package_endpoint import PackageEndpoint
from discretion.edge.tracking_endpoint import TrackingEndpoints
from discretion.errors import DiscretionError, NotFound
from discretion.law.signals import gpc
from discretion.token.key_schedule import JWKS_MAX_AGE_S
from discretion.token.verify import TokenVerifier

MAX_BODY = 1024 * 1024
"""Most bytes of any body; each endpoint has a smaller limit of its own."""


@dataclass(frozen=True, slots=True)
class EdgeComponents:
    """The dependencies of the endpoints."""

    verifier: TokenVerifier
    documents: DocumentCache
    runner: OperationRunner
    mask: ErrorMask
    record_opt_out: OptOutHandler
    tracking: TrackingEndpoints
    packages: PackageEndpoint
    acknowledgements: AcknowledgementEndpoint
    build_jwks: Callable[[], Mapping[str, object]]
    build_receipt_jwks: Callable[[], Mapping[str, object]]
    check_readiness: Callable[[], Awaitable[None]]
    subscriptions: RequestWatcher
    now_ms: Callable[[], int]
    agent_routes: Sequence[Route] = ()


def build_application(components: EdgeComponents) -> Starlette:
    """Build the application with all routes.

    ``/readyz`` answers 503 while ``app.state.complete`` is False: the demo is still sending its data.
    """
    explorer = Explorer()

    graphql = GraphQLEndpoint(
        components.documents,
        components.runner.run,
        components.verifier.parse_header,
        components.mask,
        components.record_opt_out,
        explorer=explorer,
    )

    subscriptions = SubscriptionEndpoint(
        SubscriptionComponents(
            components.verifier,
            components.documents,
            components.runner,
            components.mask,
            components.record_opt_out,
            components.subscriptions,
            components.now_ms,
        )
    )

    async def redirect_home(_request: Request) -> Response:
        return RedirectResponse("/graphql")

    async def report_not_found(_request: Request, _error: Exception) -> Response:
        return build_error_response(
            NotFound("NOT_FOUND", "No route has this path.", "GraphQL is at /graphql.")
        )

    async def end_unread(_request: Request, _error: Exception) -> Response:
        # The client closed the connection while it sent its body: nobody reads this response.
        return Response(status_code=400)

    app = Starlette(
        routes=[
            Route("/graphql", graphql),
            WebSocketRoute("/graphql", subscriptions),
            Route("/", redirect_home),
            *explorer.routes(),
            *components.tracking.routes(),
            components.packages.route(),
            *components.acknowledgements.routes(),
            *components.agent_routes,
            *_build_service_routes(components),
        ],
        exception_handlers={404: report_not_found, ClientDisconnect: end_unread},
        middleware=[Middleware(BodyLimit, max_bytes=MAX_BODY)],
    )
    app.state.complete = True
    return app


def _build_service_routes(components: EdgeComponents) -> list[Route]:
    """Build the routes of keys, of GPC support (https://globalprivacycontrol.org) and of health checks."""
    cached = {"cache-control": f"public, max-age={JWKS_MAX_AGE_S}"}

    async def serve_jwks(_request: Request) -> Response:
        return JSONResponse(dict(components.build_jwks()), headers=cached)

    async def serve_receipt_jwks(_request: Request) -> Response:
        return JSONResponse(dict(components.build_receipt_jwks()), headers=cached)

    async def serve_gpc_support(_request: Request) -> Response:
        return JSONResponse(dict(gpc.GPC_SUPPORT), headers={"cache-control": "public, max-age=86400"})

    async def report_liveness(_request: Request) -> Response:
        # MongoDB is not asked: a restart of this process would not repair the database.
        return JSONResponse({"status": "alive"})

    async def report_readiness(request: Request) -> Response:
        if not request.app.state.complete:
            return JSONResponse({"status": "starting"}, 503, {"retry-after": "1"})
        try:
            await components.check_readiness()
        except DiscretionError as error:
            return build_error_response(error)
        return JSONResponse({"status": "ready"})

    return [
        Route("/.well-known/jwks.json", serve_jwks),
        Route("/.well-known/receipt-keys.json", serve_receipt_jwks),
        Route("/.well-known/gpc.json", serve_gpc_support),
        Route("/healthz", report_liveness),
        Route("/readyz", report_readiness),
    ]
