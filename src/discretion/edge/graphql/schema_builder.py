"""Assembles what the domains offer into the one schema."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig

from discretion.catalogue.model import Catalogue
from discretion.domain.access.api import package_mutations
from discretion.domain.consent.api.mutations import consent_mutations
from discretion.domain.consent.api.permissions import permission_fields
from discretion.domain.consent.api.records import record_fields
from discretion.domain.identity.api.identity import identity_fields
from discretion.domain.identity.api.stewardship import identity_mutations
from discretion.domain.identity.duplicates.api import suggestion_fields
from discretion.domain.ingest.api import ingest_mutations
from discretion.domain.ingest.dead_letters.api import letters_field
from discretion.domain.inventory.api import inventory_fields
from discretion.domain.kit.graphql.directives import narrow_purpose
from discretion.domain.kit.graphql.scalars import SCALARS
from discretion.domain.legal_retention.api import held_field, hold_mutations
from discretion.domain.notices.api import notice_field
from discretion.domain.profiles.api.customer_types import customer_type, object_type
from discretion.domain.profiles.api.customers import query_fields
from discretion.domain.profiles.api.provenance import provenance_field
from discretion.domain.profiles.api.timeline import events_field
from discretion.domain.requests.api.decisions import deciding_mutations
from discretion.domain.requests.api.disclosures import disclosures_field
from discretion.domain.requests.api.identity_proofing import proving_mutations
from discretion.domain.requests.api.mutations import asking_mutations
from discretion.domain.requests.api.preview import preview_field
from discretion.domain.requests.api.queries import followed_field, own_requests_field, request_fields
from discretion.edge.graphql.plan_executor import PlanExecutor


def build_schema(catalogue: Catalogue) -> strawberry.Schema:
    """The schema of this catalogue; the compiled executor is its execution context class."""
    known = [
        provenance_field(),
        events_field(),
        disclosures_field(),
        own_requests_field(),
        *identity_fields(),
    ]
    customer: Any = customer_type(catalogue, [*known, *record_fields(), *permission_fields()])
    suggested, decided = suggestion_fields(customer)
    asked = [
        *query_fields(catalogue, customer),
        *request_fields(),
        *suggested,
        *inventory_fields(),
        notice_field(),
        letters_field(),
        held_field(),
        preview_field(),
    ]
    query: Any = object_type("Query", asked, "Everything that can be asked.")
    changed = [
        *ingest_mutations(),
        *consent_mutations(customer),
        *identity_mutations(customer),
        *asking_mutations(),
        *proving_mutations(),
        *deciding_mutations(),
        *decided,
        *package_mutations(),
        *hold_mutations(),
    ]
    mutation: Any = object_type("Mutation", changed, "Everything that can be changed.")
    subscription: Any = object_type(
        "Subscription", [followed_field()], "What can be followed, over WebSocket (graphql-transport-ws)."
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
