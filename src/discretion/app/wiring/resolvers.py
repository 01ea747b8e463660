"""Builds the stores and operations that GraphQL resolvers use."""

from __future__ import annotations

from discretion.app.wiring.consent import ConsentComponents
from discretion.app.wiring.context import WiringContext
from discretion.app.wiring.disclosure import DisclosureComponents
from discretion.app.wiring.ingest import IngestComponents
from discretion.app.wiring.subject_rights import SubjectRightsComponents
from discretion.domain.identity.stewardship import Stewardship
from discretion.domain.kit.graphql.context import Operations, ResolverResources
from discretion.store.customers import CustomerStore
from discretion.store.events import EventStore
from discretion.store.identities import IdentityStore
from discretion.store.suggestions import SuggestionStore


def build_resolver_resources(
    context: WiringContext,
    disclosure: DisclosureComponents,
    consent: ConsentComponents,
    ingest: IngestComponents,
    rights: SubjectRightsComponents,
    suggestions: SuggestionStore,
) -> ResolverResources:
    """Build the stores that resolvers read, and the operations that they look up by type."""
    database, clock = context.database, context.clock
    operations = Operations(
        Stewardship(database, context.open_write_context),
        context.lawbook,
        suggestions,
        *ingest.operations,
        *consent.operations,
        *rights.operations,
    )
    return ResolverResources(
        catalogue=context.catalogue,
        # The clause is built anew for each read, because permissions depend on the current time.
        customers=CustomerStore(
            database, lambda purpose_bits: context.permission_window.build_clause(purpose_bits, clock())
        ),
        events=EventStore(database),
        disclosures=disclosure.ledger_storage,
        blind_index=context.blind_index,
        pairwise=context.pairwise,
        identities=IdentityStore(database),
        operations=operations,
    )
