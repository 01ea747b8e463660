"""Builds the HTTP and WebSocket endpoints."""

from __future__ import annotations

from discretion.app.readiness import ReadinessProbe
from discretion.app.wiring.consent import ConsentComponents
from discretion.app.wiring.context import WiringContext
from discretion.app.wiring.disclosure import DisclosureComponents
from discretion.app.wiring.ingest import IngestComponents
from discretion.app.wiring.subject_rights import SubjectRightsComponents
from discretion.domain.kit.graphql.context import ResolverResources
from discretion.domain.profiles.api.customers import build_page_sizes
from discretion.edge.acknowledgement_endpoint import AcknowledgementEndpoint
from discretion.edge.application import EdgeComponents
from discretion.edge.error_mask import ErrorMask
from discretion.edge.graphql.document_cache import DocumentCache
from discretion.edge.graphql.operation_runner import OperationRunner
from discretion.edge.graphql.schema_builder import ApiServices
from discretion.edge.package_endpoint import PackageEndpoint
from discretion.edge.tracking_endpoint import TrackingEndpoints
from discretion.plan.plan_cache import PlanCache
from discretion.token.verify import TokenVerifier


def build_endpoints(
    context: WiringContext,
    services: ApiServices,
    resources: ResolverResources,
    verifier: TokenVerifier,
    *,
    disclosure: DisclosureComponents,
    consent: ConsentComponents,
    ingest: IngestComponents,
    rights: SubjectRightsComponents,
) -> EdgeComponents:
    """Build the endpoints, all but those of agents, and register their caches for clearing."""
    catalogue = context.catalogue
    schema = context.configuration.schema
    mask = ErrorMask(context.entropy)
    documents = DocumentCache(schema._schema, page_sizes=build_page_sizes(catalogue))
    plans = PlanCache(
        schema=schema._schema, catalogue=catalogue, render=disclosure.form_renderer.build_render
    )
    # These caches may name an erased customer. An erasure changes bucket keys: then each process clears them.
    caches = (verifier.forget_all, documents.clear, plans.clear, consent.opt_out_signals.clear_cache)
    for clear_cache in caches:
        context.buckets.add_listener(clear_cache)
    context.signing_keys.add_listener(verifier.forget_all)
    return EdgeComponents(
        verifier=verifier,
        documents=documents,
        runner=OperationRunner(
            schema=schema,
            services=services,
            plans=plans,
            discloser=disclosure.discloser,
            resources=resources,
            mask=mask,
        ),
        mask=mask,
        record_opt_out=consent.opt_out_signals.record,
        tracking=TrackingEndpoints(write_keys=ingest.write_keys, intake=ingest.intake),
        packages=PackageEndpoint(rights.access.download_links),
        acknowledgements=AcknowledgementEndpoint(
            acknowledgements=rights.recipients.acknowledgements, verify=verifier.parse_header
        ),
        build_jwks=lambda: context.signing_keys.select().public_jwks(),
        build_receipt_jwks=context.signing_keys.receipt_jwks,
        check_readiness=ReadinessProbe(
            database=context.database, buckets=context.buckets, entropy=context.entropy
        ).check,
        subscriptions=rights.requests.watcher,
        now_ms=context.clock,
    )
