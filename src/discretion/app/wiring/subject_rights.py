"""Builds the components of data subjects' rights: erasure, recipients, access packages and requests."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.app.wiring.access import AccessComponents, build_access
from discretion.app.wiring.consent import ConsentComponents
from discretion.app.wiring.context import WiringContext
from discretion.app.wiring.erasure import ErasureComponents, build_erasure
from discretion.app.wiring.recipients import RecipientComponents, build_recipients
from discretion.app.wiring.requests import RequestComponents, build_requests
from discretion.app.wiring.workflows import wire_workflows
from discretion.disclose import Discloser
from discretion.domain.kit.workflow.lease import Checkpoint


@dataclass(frozen=True, slots=True)
class SubjectRightsComponents:
    """The components of the packages that carry out rights requests."""

    erasure: ErasureComponents
    recipients: RecipientComponents
    access: AccessComponents
    requests: RequestComponents


def build_subject_rights(
    context: WiringContext, discloser: Discloser, consent: ConsentComponents, on_checkpoint: Checkpoint
) -> SubjectRightsComponents:
    """Build the four packages; the workflow of requests runs the steps of the other three."""
    erasure = build_erasure(context)
    recipients = build_recipients(context, sign_again=erasure.certification.sign_again)
    access = build_access(context, discloser=discloser, receipts=consent.receipts, egress=recipients.egress)
    workflows = wire_workflows(
        context, consent=consent, erasure=erasure, recipients=recipients, access=access
    )
    return SubjectRightsComponents(
        erasure=erasure,
        recipients=recipients,
        access=access,
        requests=build_requests(
            context, discloser, consent=consent, workflows=workflows, on_checkpoint=on_checkpoint
        ),
    )
