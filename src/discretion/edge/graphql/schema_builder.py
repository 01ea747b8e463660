"""Assembly of the GraphQL schema from the fields that the packages of the domain offer."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig

from discretion.catalogue.model import Catalogue
from discretion.domain.access.api import build_package_mutations
from discretion.domain.consent.api.mutations import consent_mutations
from discretion.domain.consent.api.permissions import permission_fields
from discretion.domain.consent.api.records import record_fields
from discretion.domain.identity.api.identity import identity_fields
from discretion.domain.identity.api.stewardship import identity_mutations
from discretion.domain.identity.duplicates.api import suggestion_fields
from discretion.domain.ingest.api import build_ingest_mutations
from discretion.domain.ingest.dead_letters.api import build_dead_letters_field
from discretion.domain.inventory.api import build_inventory_fields
from discretion.domain.kit.graphql.directives import narrow_purpose
from discretion.domain.kit.graphql.scalars import SCALARS
from discretion.domain.legal_retention.api import build_held_data_field, build_hold_mutations
from discretion.domain.notices.api import build_notice_field
from discretion.domain.profiles.api.customer_types import build_customer_type, build_object_type
from discretion.domain.profiles.api.customers import build_customer_queries
from discretion.domain.profiles.api.provenance import build_provenance_field
from discretion.domain.profiles.api.timeline import build_events_field
from discretion.domain.requests.api.decisions import build_decision_mutations
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


def build_schema(catalogue: Catalogue) -> strawberry.Schema:
    """Build the schema of a catalogue, with ``PlanExecutor`` as its executor."""
    base_fields = [
        build_provenance_field(),
        build_events_field(),
        build_disclosures_field(),
        build_own_requests_field(),
        *identity_fields(),
    ]
    customer: Any = build_customer_type(catalogue, [*base_fields, *record_fields(), *permission_fields()])
    suggestion_queries, suggestion_mutations = suggestion_fields(customer)
    queries = [
        *build_customer_queries(catalogue, customer),
        *build_request_fields(),
        *suggestion_queries,
        *build_inventory_fields(),
        build_notice_field(),
        build_dead_letters_field(),
        build_held_data_field(),
        build_preview_field(),
    ]
    query: Any = build_object_type("Query", queries, "Everything that can be asked.")
    mutations = [
        *build_ingest_mutations(),
        *consent_mutations(customer),
        *identity_mutations(customer),
        *build_request_mutations(),
        *build_proofing_mutations(),
        *build_decision_mutations(),
        *suggestion_mutations,
        *build_package_mutations(),
        *build_hold_mutations(),
    ]
    mutation: Any = build_object_type("Mutation", mutations, "Everything that can be changed.")
    subscription: Any = build_object_type(
        "Subscription",
        [build_request_subscription_field()],
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
