"""Builds a whole platform from its context: the packages first, then the endpoints over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

from starlette.applications import Starlette

from discretion.app.signing_keys import SigningKeys
from discretion.app.wiring.access import AccessComponents
from discretion.app.wiring.agents import AgentComponents, build_agents
from discretion.app.wiring.consent import build_consent
from discretion.app.wiring.context import WiringContext
from discretion.app.wiring.disclosure import build_disclosure
from discretion.app.wiring.endpoints import build_endpoints
from discretion.app.wiring.erasure import ErasureComponents
from discretion.app.wiring.identity import IdentityComponents, build_identity
from discretion.app.wiring.ingest import build_ingest
from discretion.app.wiring.joins import build_joins
from discretion.app.wiring.recipients import RecipientComponents
from discretion.app.wiring.requests import RequestComponents
from discretion.app.wiring.resolvers import build_api_services, build_resolver_resources
from discretion.app.wiring.subject_rights import build_subject_rights
from discretion.app.wiring.tokens import build_token_issuer, build_token_verifier
from discretion.catalogue.model import Catalogue
from discretion.disclose import Discloser
from discretion.domain.backup.restore import DatabaseRestore, RestoreStores
from discretion.domain.consent.recompute import PermissionRecomputation
from discretion.domain.erasure.crypto_shred import CryptoShredder
from discretion.domain.erasure.erasure_log import ErasureLog
from discretion.domain.identity.duplicates.suggestion_run import SUGGEST_GRANT, DuplicateSearch
from discretion.domain.ingest.dead_letters.replay import DeadLetterReplay
from discretion.domain.ingest.dead_letters.retention import DeadLetterRecorder
from discretion.domain.ingest.file_import.file_import import FileImporter
from discretion.domain.ingest.outcome_feed.outcome_feed import OutcomeFeed
from discretion.domain.ingest.tracking_plan.violation_recorder import ViolationRecorder
from discretion.domain.ingest.write_keys import WriteKeys
from discretion.domain.joins.proposals import JoinProposals
from discretion.domain.kit.graphql.context import ResolverResources
from discretion.domain.kit.workflow.lease import Checkpoint
from discretion.domain.retention.sweep import RetentionSweep
from discretion.edge.application import EdgeComponents, build_application
from discretion.edge.graphql.internal_client import InternalClient
from discretion.ledger.posting_writer import PostingWriter
from discretion.store.driver.database import Database
from discretion.store.dump import DumpStore
from discretion.store.retained_data import RetainedDataStore
from discretion.store.sweeps import SweepStore
from discretion.store.wrapped_keys import WrappedKeyStore
from discretion.token.issue import TokenIssuer
from discretion.token.verify import TokenVerifier


@dataclass(frozen=True, slots=True)
class Platform:
    """The objects that servers, commands and background work use.

    ``open_app`` returns the application, which is built at its first call: single commands answer no requests
    and need no GraphQL schema.
    """

    open_app: Callable[[], Starlette]
    catalogue: Catalogue
    database: Database
    issuer: TokenIssuer
    write_keys: WriteKeys
    discloser: Discloser
    duplicate_search: DuplicateSearch
    join_proposals: JoinProposals
    posting_writer: PostingWriter
    dead_letter_recorder: DeadLetterRecorder
    dead_letter_replay: DeadLetterReplay
    file_importer: FileImporter
    violation_recorder: ViolationRecorder
    outcome_feed: OutcomeFeed
    permission_recomputation: PermissionRecomputation
    retention_sweep: RetentionSweep
    requests: RequestComponents
    recipients: RecipientComponents
    access: AccessComponents
    crypto_shredding: CryptoShredder
    erasure: ErasureComponents
    erasure_log: ErasureLog
    backup_restore: DatabaseRestore
    signing_keys: SigningKeys
    agents: AgentComponents

    @property
    def app(self) -> Starlette:
        """The application that answers HTTP requests and WebSocket messages."""
        return self.open_app()


def wire_platform(context: WiringContext, on_checkpoint: Checkpoint) -> Platform:
    """Build every package, the endpoints over them, and the platform that holds both."""
    catalogue, database, clock = context.catalogue, context.database, context.clock
    disclosure = build_disclosure(context)
    consent = build_consent(context)
    ingest = build_ingest(
        context,
        statement_observer=consent.source_statements.record,
        finds_notice=consent.notice_register.is_known,
    )
    rights = build_subject_rights(
        context, discloser=disclosure.discloser, consent=consent, on_checkpoint=on_checkpoint
    )
    identity = build_identity(context)
    resources = build_resolver_resources(context, disclosure=disclosure)
    verifier = _build_verifier(context)
    joins = build_joins(context, requests=rights.requests, verifier=verifier)
    services = build_api_services(
        context,
        consent=consent,
        identity=identity,
        ingest=ingest,
        rights=rights,
        joins=joins,
    )
    open_endpoints = cache(
        partial(
            build_endpoints,
            context,
            services=services,
            resources=resources,
            verifier=verifier,
            disclosure=disclosure,
            consent=consent,
            ingest=ingest,
            rights=rights,
        )
    )
    agents = build_agents(context, resources=resources, rights=rights)
    return Platform(
        open_app=cache(lambda: build_application(replace(open_endpoints(), agent_routes=agents.routes))),
        catalogue=catalogue,
        database=database,
        issuer=_build_issuer(context),
        write_keys=ingest.write_keys,
        discloser=disclosure.discloser,
        posting_writer=disclosure.posting_writer,
        join_proposals=joins.proposals,
        duplicate_search=_build_duplicate_search(context, resources, identity, open_endpoints),
        dead_letter_recorder=ingest.dead_letter_recorder,
        dead_letter_replay=ingest.dead_letter_replay,
        file_importer=ingest.file_importer,
        violation_recorder=ingest.tracking_plan.recorder,
        outcome_feed=ingest.outcome_feed,
        permission_recomputation=consent.recomputation,
        retention_sweep=RetentionSweep(
            sweeps=SweepStore(database), rewriter=context.rewriter, catalogue=catalogue, now_ms=clock
        ),
        requests=rights.requests,
        recipients=rights.recipients,
        access=rights.access,
        crypto_shredding=rights.erasure.key_destruction.shredder,
        erasure=rights.erasure,
        erasure_log=rights.erasure.erasure_log,
        backup_restore=_build_backup_restore(context, erasure=rights.erasure),
        signing_keys=context.signing_keys,
        agents=agents,
    )


def _build_verifier(context: WiringContext) -> TokenVerifier:
    return build_token_verifier(
        settings=context.settings,
        select_keys=context.signing_keys.select,
        catalogue=context.catalogue,
        clock=context.clock,
    )


def _build_issuer(context: WiringContext) -> TokenIssuer:
    return build_token_issuer(
        settings=context.settings,
        select_keys=context.signing_keys.select,
        catalogue=context.catalogue,
        clock=context.clock,
        entropy=context.entropy,
    )


def _build_duplicate_search(
    context: WiringContext,
    resources: ResolverResources,
    identity: IdentityComponents,
    open_endpoints: Callable[[], EdgeComponents],
) -> DuplicateSearch:
    # It has a grant of its own, so its reads are planned and recorded like those of a client.
    async def run_query(query: str, variables: Mapping[str, object]) -> dict[str, object]:
        endpoints = open_endpoints()
        return await InternalClient(endpoints.documents, endpoints.runner, SUGGEST_GRANT).execute(
            query, variables
        )

    return DuplicateSearch(
        catalogue=context.catalogue,
        run_query=run_query,
        pairwise=context.pairwise,
        suggestions=identity.suggestions,
        identities=resources.identities,
        blind_index=context.blind_index,
    )


def _build_backup_restore(context: WiringContext, *, erasure: ErasureComponents) -> DatabaseRestore:
    database = context.database
    return DatabaseRestore(
        stores=RestoreStores(
            dumps=DumpStore(database),
            keys=WrappedKeyStore(database),
            source_records=context.stores.source_records,
            retained=RetainedDataStore(database),
        ),
        buckets=context.buckets,
        erasure_log=erasure.erasure_log,
        erasure_replay=erasure.erasure_replay,
        clock=context.clock,
    )
