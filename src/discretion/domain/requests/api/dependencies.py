"""The services that resolvers of rights requests use."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.domain.correction.proposal import ProposalBuilder
from discretion.domain.erasure.dry_run import ErasureDryRun
from discretion.domain.kit.egress import EgressClient
from discretion.domain.requests.address_proofing import AddressProofing
from discretion.domain.requests.deadlines import DeadlineClock
from discretion.domain.requests.decisions import RequestDecisions
from discretion.domain.requests.identity_proofing import IdentityProofing
from discretion.domain.requests.immediate_rights import ImmediateRights
from discretion.domain.requests.messages import RequestMessages
from discretion.domain.requests.reach_check import ReachCheck
from discretion.domain.requests.sealed_fields import RequestSealer
from discretion.domain.requests.submission import RequestSubmission
from discretion.store.requests import RequestStore


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestServices:
    """The services of the GraphQL API of rights requests."""

    store: RequestStore
    deadlines: DeadlineClock
    submission: RequestSubmission
    immediate_rights: ImmediateRights
    decisions: RequestDecisions
    reach_check: ReachCheck
    messages: RequestMessages
    sealer: RequestSealer
    identity_proofing: IdentityProofing
    address_proofing: AddressProofing
    correction_proposals: ProposalBuilder
    erasure_preview: ErasureDryRun
    egress: EgressClient
