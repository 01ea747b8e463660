"""Builds the workflows of rights requests from what the packages offer that carry rights out."""

from __future__ import annotations

from discretion.app.wiring.access import AccessComponents
from discretion.app.wiring.consent import ConsentComponents
from discretion.app.wiring.context import WiringContext
from discretion.app.wiring.erasure import ErasureComponents
from discretion.app.wiring.recipients import RecipientComponents
from discretion.domain.correction.correction_step import build_correction_step
from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step import StepAction
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.domain.requests.immediate_rights import OptOutRecorder
from discretion.domain.requests.restriction import ProcessingRestriction
from discretion.domain.requests.workflows import (
    StepActions,
    Workflows,
    build_immediate_right_step,
    build_restriction_step,
    build_workflows,
)
from discretion.store.subject_request import SubjectRequest


def wire_workflows(
    context: WiringContext,
    consent: ConsentComponents,
    erasure: ErasureComponents,
    recipients: RecipientComponents,
    access: AccessComponents,
) -> Workflows:
    """Build the table of workflows."""
    scoped = erasure.scoped_erasure
    opt_outs = OptOutRecorder(
        statement_recorder=consent.statement_recorder, statement_writer=consent.statement_writer
    )
    return build_workflows(
        StepActions(
            delete_profile=build_scope_switch(
                whole_action=erasure.profile_deletion.run, scoped_action=scoped.erase_values
            ),
            record_erasure=build_scope_switch(whole_action=erasure.ledger_step.run, scoped_action=skip_step),
            notify_recipients=recipients.steps.notify_recipients,
            purge_collections=build_scope_switch(
                whole_action=erasure.purge.run, scoped_action=scoped.purge_events
            ),
            shred_keys=build_scope_switch(whole_action=erasure.key_destruction.run, scoped_action=skip_step),
            verify_erasure=build_scope_switch(
                whole_action=erasure.verification.run, scoped_action=scoped.verify_erased
            ),
            await_acknowledgements=recipients.steps.await_acknowledgements,
            sign_certificate=erasure.certification.run,
            restrict_processing=build_restriction_step(
                transactions=context.stores.transactions,
                restriction=ProcessingRestriction(context.rewriter),
            ),
            correct_values=build_correction_step(context.rewriter, context.blind_index),
            gather_package=access.gather.run,
            clear_failed_attempts=access.gather.clear_failed_attempts,
            send_package=access.send.run,
            apply_immediate_right=build_immediate_right_step(opt_outs),
        )
    )


async def skip_step(_request: SubjectRequest, _lease: Lease) -> StepOutcome:
    """Do nothing: a scoped erasure destroys no key, because the data that remain are sealed under it."""
    return StepDone()


def build_scope_switch(whole_action: StepAction, scoped_action: StepAction) -> StepAction:
    """Build a step that runs ``scoped_action`` when the request names a scope, else ``whole_action``."""

    async def run_step(request: SubjectRequest, lease: Lease) -> StepOutcome:
        return await (scoped_action if request.scope.is_partial else whole_action)(request, lease)

    return run_step
