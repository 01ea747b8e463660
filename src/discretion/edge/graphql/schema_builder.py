"""Assembly of the GraphQL schema from the fields that the packages of the domain offer.

The schema follows from the catalogue alone. Resolvers use the services of ``serve_with``, so a schema can be
printed without a database, and several platforms of a process can share one.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias

import strawberry
from strawberry.schema.config import StrawberryConfig

from discretion.catalogue.model import Catalogue
from discretion.domain.access.api import build_package_mutations
from discretion.domain.access.download_links import DownloadLinks
from discretion.domain.consent.api.dependencies import ConsentServices
from discretion.domain.consent.api.mutations import consent_mutations
from discretion.domain.consent.api.permissions import permission_fields
from discretion.domain.consent.api.records import record_fields
from discretion.domain.identity.api.identity import identity_fields
from discretion.domain.identity.api.stewardship import identity_mutations
from discretion.domain.identity.api.unjoined import unjoined_fields
from discretion.domain.identity.duplicates.api import SuggestionServices, suggestion_fields
from discretion.domain.identity.stewardship import Stewardship
from discretion.domain.ingest.api import build_ingest_mutations
from discretion.domain.ingest.dead_letters.api import DeadLetterServices, build_dead_letters_field
from discretion.domain.ingest.intake import Intake
from discretion.domain.ingest.outcome_feed.api import build_outcomes_field
from discretion.domain.ingest.outcome_feed.outcome_feed import OutcomeFeed
from discretion.domain.ingest.tracking_plan.api import build_violations_field
from discretion.domain.ingest.tracking_plan.counted_violations import CountedViolations
from discretion.domain.inventory.api import build_inventory_fields
from discretion.domain.joins.api.mutations import JoinServices, join_mutations
from discretion.domain.joins.api.proposals import proposal_fields
from discretion.domain.kit.graphql.directives import narrow_purpose
from discretion.domain.kit.graphql.scalars import SCALARS
from discretion.domain.legal_retention.api import build_held_data_field, build_hold_mutations
from discretion.domain.legal_retention.legal_holds import LegalHolds
from discretion.domain.notices.api import build_notice_field
from discretion.domain.notices.presentation import NoticePresenter
from discretion.domain.profiles.api.customer_types import build_customer_type, build_object_type
from discretion.domain.profiles.api.customers import build_customer_queries
from discretion.domain.profiles.api.provenance import build_provenance_field
from discretion.domain.profiles.api.timeline import build_events_field
from discretion.domain.recipients.api import (
    RecipientServices,
    build_deliveries_field,
    build_delivery_mutation,
)
from discretion.domain.requests.api.address_proofing import build_address_mutations
from discretion.domain.requests.api.decisions import build_decision_mutations
from discretion.domain.requests.api.dependencies import RequestServices
from discretion.domain.requests.api.disclosures import build_disclosures_field
from discretion.domain.requests.api.identity_proofing import build_proofing_mutations
from discretion.domain.requests.api.mutations import build_request_mutations
from discretion.domain.requests.api.preview import build_preview_field
from discretion.domain.requests.api.queries import (
    build_own_requests_field,
    build_request_fields,
    build_request_subscription_field,
)
from discretion.edge.graphql.plan_executor import PlanExecutor


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServices:
    """The services that the resolvers use, by package of the domain."""

    access: DownloadLinks
    consent: ConsentServices
    dead_letters: DeadLetterServices
    duplicates: SuggestionServices
    identity: Stewardship
    ingest: Intake
    joins: JoinServices
    outcome_feed: OutcomeFeed
    tracking_plan: CountedViolations
    legal_retention: LegalHolds
    notices: NoticePresenter
    recipients: RecipientServices
    requests: RequestServices


ApiSchema: TypeAlias = strawberry.Schema

_SERVICES: ContextVar[ApiServices] = ContextVar("services")


def serve_with(services: ApiServices) -> None:
    """Let the resolvers of the operation that this task runs use ``services``."""
    _SERVICES.set(services)


def build_schema(catalogue: Catalogue) -> ApiSchema:
    """Build the schema of a catalogue. It executes nothing in a task that has not called ``serve_with``."""
    own_proposals, proposals, proposal_mutations = proposal_fields(lambda: _SERVICES.get().joins.proposals)
    base_fields = [
        build_provenance_field(),
        build_events_field(),
        build_disclosures_field(),
        build_own_requests_field(_provide_requests),
        *identity_fields(),
        *unjoined_fields(),
        own_proposals,
    ]
    consent_fields = [*record_fields(_provide_consent), *permission_fields(_provide_consent)]
    customer: Any = build_customer_type(catalogue, [*base_fields, *consent_fields])
    suggestion_queries, suggestion_mutations = suggestion_fields(customer, lambda: _SERVICES.get().duplicates)
    queries = [
        *build_customer_queries(catalogue, customer),
        *build_request_fields(_provide_requests),
        *suggestion_queries,
        proposals,
        *build_inventory_fields(),
        build_notice_field(lambda: _SERVICES.get().notices),
        build_dead_letters_field(lambda: _SERVICES.get().dead_letters),
        build_violations_field(lambda: _SERVICES.get().tracking_plan),
        build_outcomes_field(lambda: _SERVICES.get().outcome_feed),
        build_held_data_field(_provide_legal_holds),
        build_preview_field(_provide_requests),
        build_deliveries_field(lambda: _SERVICES.get().recipients),
    ]
    query: Any = build_object_type("Query", queries, "Everything that can be asked.")
    mutations = [
        *build_ingest_mutations(lambda: _SERVICES.get().ingest),
        *consent_mutations(customer, _provide_consent),
        *identity_mutations(customer, lambda: _SERVICES.get().identity),
        *join_mutations(customer, lambda: _SERVICES.get().joins),
        *proposal_mutations,
        *build_request_mutations(_provide_requests),
        *build_proofing_mutations(_provide_requests),
        *build_address_mutations(_provide_requests),
        *build_decision_mutations(_provide_requests),
        *suggestion_mutations,
        *build_package_mutations(lambda: _SERVICES.get().access),
        *build_hold_mutations(_provide_legal_holds),
        build_delivery_mutation(lambda: _SERVICES.get().recipients),
    ]
    mutation: Any = build_object_type("Mutation", mutations, "Everything that can be changed.")
    subscription: Any = build_object_type(
        "Subscription",
        [build_request_subscription_field(_provide_requests)],
        "What can be followed, over WebSocket (graphql-transport-ws).",
    )
    return strawberry.Schema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=[customer],  # also reached through ``Node``, which names no implementation
        directives=[narrow_purpose],
        execution_context_class=PlanExecutor,
        config=StrawberryConfig(scalar_map=SCALARS),
    )


def _provide_requests() -> RequestServices:
    return _SERVICES.get().requests


def _provide_consent() -> ConsentServices:
    return _SERVICES.get().consent


def _provide_legal_holds() -> LegalHolds:
    return _SERVICES.get().legal_retention
