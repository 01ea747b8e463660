"""Builds what GraphQL resolvers use: the stores that all of them read, and the services of each package."""

from __future__ import annotations

from discretion.app.wiring.consent import ConsentComponents
from discretion.app.wiring.context import WiringContext
from discretion.app.wiring.disclosure import DisclosureComponents
from discretion.app.wiring.identity import IdentityComponents
from discretion.app.wiring.ingest import IngestComponents
from discretion.app.wiring.subject_rights import SubjectRightsComponents
from discretion.domain.consent.api.dependencies import ConsentServices
from discretion.domain.identity.duplicates.api import ProposeSuggestion, SuggestionServices
from discretion.domain.ingest.dead_letters.api import DeadLetterServices
from discretion.domain.joins.api.mutations import JoinServices
from discretion.domain.joins.api.proposals import propose_join
from discretion.domain.joins.proposals import JoinDraft
from discretion.domain.kit.graphql.context import ResolverInfo, ResolverResources
from discretion.domain.recipients.api import RecipientServices
from discretion.domain.requests.api.dependencies import RequestServices
from discretion.edge.graphql.schema_builder import ApiServices
from discretion.store.customers import CustomerStore
from discretion.store.events import EventStore
from discretion.store.identities import IdentityStore
from discretion.store.suggestions import Suggestion


def build_resolver_resources(context: WiringContext, disclosure: DisclosureComponents) -> ResolverResources:
    """Build the stores that resolvers of all packages read."""
    database, clock = context.database, context.clock
    return ResolverResources(
        catalogue=context.catalogue,
        customers=CustomerStore(database=database, permission_window=context.permission_window, now_ms=clock),
        events=EventStore(database),
        disclosures=disclosure.ledger_storage,
        blind_index=context.blind_index,
        pairwise=context.pairwise,
        identities=IdentityStore(database),
    )


def build_api_services(
    context: WiringContext,
    *,
    consent: ConsentComponents,
    identity: IdentityComponents,
    ingest: IngestComponents,
    rights: SubjectRightsComponents,
    joins: JoinServices,
) -> ApiServices:
    """Select the services of the GraphQL API from those of all packages."""
    requests, erasure = rights.requests, rights.erasure
    return ApiServices(
        access=rights.access.download_links,
        consent=ConsentServices(
            lawbook=context.lawbook,
            consents=consent.terms.consents,
            receipts=consent.receipts,
            statement_recorder=consent.statement_recorder,
            notice_register=consent.notice_register,
            objection_hook=requests.objection_hook,
        ),
        dead_letters=DeadLetterServices(store=ingest.dead_letters, tracking_plan=ingest.tracking_plan),
        duplicates=SuggestionServices(
            suggestions=identity.suggestions,
            stewardship=identity.stewardship,
            propose=_build_suggestion_proposer(joins),
        ),
        identity=identity.stewardship,
        ingest=ingest.intake,
        joins=joins,
        outcome_feed=ingest.outcome_feed,
        tracking_plan=ingest.tracking_plan,
        legal_retention=erasure.legal_holds,
        notices=consent.notices,
        recipients=RecipientServices(
            notifier=rights.recipients.notifier,
            requests=requests.store,
            acknowledgements=rights.recipients.acknowledgements,
        ),
        requests=RequestServices(
            store=requests.store,
            deadlines=requests.deadlines,
            submission=requests.submission,
            immediate_rights=requests.immediate_rights,
            decisions=requests.decisions,
            reach_check=requests.reach_check,
            messages=requests.messages,
            sealer=requests.sealer,
            identity_proofing=requests.identity_proofing,
            address_proofing=requests.address_proofing,
            correction_proposals=requests.correction_proposals,
            erasure_preview=erasure.erasure_preview,
            egress=rights.recipients.egress,
        ),
    )


def _build_suggestion_proposer(joins: JoinServices) -> ProposeSuggestion:
    async def propose(info: ResolverInfo, suggestion: Suggestion, by: str, reason: str) -> None:
        draft = JoinDraft(suggestion.customers, by, reason, suggestion.id)
        await propose_join(joins.proposals, info, draft)

    return propose
