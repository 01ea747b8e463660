"""Builds the components by which customers join records to their login."""

from __future__ import annotations

from discretion.app.wiring.context import WiringContext
from discretion.app.wiring.requests import RequestComponents
from discretion.domain.identity.personal_joins import PersonalJoins
from discretion.domain.identity.stewardship import Stewardship
from discretion.domain.joins.api.mutations import JoinServices
from discretion.domain.joins.login_joins import LoginJoins
from discretion.domain.joins.proposals import JoinProposals
from discretion.domain.joins.record_joins import RecordJoins
from discretion.store.agents import ReplayStore
from discretion.store.proposed_joins import ProposedJoinStore
from discretion.store.record_codes import RecordCodeStore
from discretion.store.suggestions import SuggestionStore
from discretion.token.verify import TokenVerifier

DAY_MS = 86_400_000


def build_joins(context: WiringContext, requests: RequestComponents, verifier: TokenVerifier) -> JoinServices:
    """Build the services of joins; codes share the limits of each caller with those of requests."""
    joins, proofing = PersonalJoins(context.rewriter), requests.identity_proofing
    return JoinServices(
        login_joins=LoginJoins(
            verify=verifier.verify,
            login_reaches=context.login_reaches,
            joins=joins,
            replays=ReplayStore(context.database),
            blind_index=context.blind_index,
            mailer=proofing.mailer,
            now_ms=context.clock,
        ),
        record_joins=RecordJoins(
            codes=proofing.codes,
            store=RecordCodeStore(context.database),
            transactions=context.stores.transactions,
            mailer=proofing.mailer,
            code_addresses=proofing.code_addresses,
            joins=joins,
            now_ms=context.clock,
        ),
        login_reaches=context.login_reaches,
        proposals=JoinProposals(
            store=ProposedJoinStore(context.database),
            suggestions=SuggestionStore(database=context.database, now_ms=context.clock),
            stewardship=Stewardship(context.rewriter),
            transactions=context.stores.transactions,
            mailer=proofing.mailer,
            now_ms=context.clock,
            entropy=context.entropy,
            objection_ms=context.settings.objection_days * DAY_MS,
        ),
    )
