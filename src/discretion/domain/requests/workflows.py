"""The workflow of each right: its steps in their order, and the steps that this package runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step import StepAction, WorkflowStep
from discretion.domain.kit.workflow.step_name import StepName
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.domain.requests.immediate_rights import OptOutRecorder
from discretion.domain.requests.model import change_state
from discretion.domain.requests.restriction import ProcessingRestriction
from discretion.law.jurisdiction import Right
from discretion.store.request_state import RequestState
from discretion.store.subject_request import SubjectRequest
from discretion.store.transactions import Session, Transactions

ENGINE_ACTOR = "engine"
"""Actor in the history for changes that the workflow runner makes."""

Workflows = Mapping[Right, Sequence[WorkflowStep]]
"""The steps of each right, in their order. A steward answers a right that is not listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepActions:
    """What runs each step; ``app`` takes the actions from the packages that carry rights out."""

    delete_profile: StepAction
    record_erasure: StepAction
    notify_recipients: StepAction
    purge_collections: StepAction
    shred_keys: StepAction
    verify_erasure: StepAction
    await_acknowledgements: StepAction
    sign_certificate: StepAction
    restrict_processing: StepAction
    correct_values: StepAction
    gather_package: StepAction
    clear_failed_attempts: StepAction
    send_package: StepAction
    apply_immediate_right: StepAction


def build_workflows(actions: StepActions) -> Workflows:
    """Return the table that says which right runs which steps, in which order, and what runs each."""
    notify = WorkflowStep(StepName.NOTIFY_RECIPIENTS, actions.notify_recipients)
    await_acknowledgements = WorkflowStep(StepName.AWAIT_ACKNOWLEDGEMENTS, actions.await_acknowledgements)
    gather = WorkflowStep(StepName.GATHER_PACKAGE, actions.gather_package)
    clear = WorkflowStep(StepName.CLEAR_FAILED_ATTEMPTS, actions.clear_failed_attempts)
    apply_immediate_right = WorkflowStep(StepName.APPLY_IMMEDIATE_RIGHT, actions.apply_immediate_right)
    return {
        Right.ERASURE: (
            WorkflowStep(StepName.DELETE_PROFILE, actions.delete_profile),
            # As early as possible: until the ledger has the erasure, a restored backup brings the person
            # back.
            WorkflowStep(StepName.RECORD_ERASURE, actions.record_erasure),
            # After the profile is deleted: every disclosure is in the ledger by then.
            notify,
            WorkflowStep(StepName.PURGE_COLLECTIONS, actions.purge_collections),
            # After the customer document is deleted: a data key that is still stored would be taken for that
            # of a remaining customer and rewrapped.
            WorkflowStep(StepName.SHRED_KEYS, actions.shred_keys),
            WorkflowStep(StepName.VERIFY_ERASURE, actions.verify_erasure),
            await_acknowledgements,
            # Last: the certificate states the results of all other steps.
            WorkflowStep(StepName.SIGN_CERTIFICATE, actions.sign_certificate),
        ),
        Right.RESTRICTION: (
            WorkflowStep(StepName.RESTRICT_PROCESSING, actions.restrict_processing),
            notify,
            await_acknowledgements,
        ),
        Right.CORRECTION: (
            WorkflowStep(StepName.CORRECT_VALUES, actions.correct_values),
            notify,
            await_acknowledgements,
        ),
        Right.ACCESS: (gather, clear),
        Right.PORTABILITY: (gather, clear, WorkflowStep(StepName.SEND_PACKAGE, actions.send_package)),
        Right.RECIPIENTS: (gather, clear),
        Right.OPT_OUT_SALE: (apply_immediate_right,),
        Right.LIMIT_SENSITIVE: (apply_immediate_right,),
    }


def build_restriction_step(transactions: Transactions, restriction: ProcessingRestriction) -> StepAction:
    """Return the step that restricts processing, or lifts the restriction if the request says so."""

    async def restrict_processing(request: SubjectRequest, lease: Lease) -> StepOutcome:
        async def restrict_and_complete(session: Session) -> bool:
            await lease.require_reach(session)
            is_found = request.customer is not None and await restriction.apply(
                request.customer, session, restricted=not request.scope.is_lifted
            )
            # Completed in the same transaction: after a crash the step has either run or not.
            await lease.complete_step({"found": is_found}, session)
            return is_found

        return StepDone({"found": await transactions.run(restrict_and_complete)})

    return restrict_processing


def build_immediate_right_step(opt_outs: OptOutRecorder) -> StepAction:
    """Return the step that applies an opt-out or a limit whose requester was identified after filing."""

    async def apply_immediate_right(request: SubjectRequest, _lease: Lease) -> StepOutcome:
        return StepDone({"found": await opt_outs.put_request_in_force(request)})

    return apply_immediate_right


def fulfil_request(request: SubjectRequest) -> SubjectRequest:
    """Return a request whose last step is done as fulfilled.

    The time is that of the last completed step, so that a repeated call after a crash sets the same.
    """
    at = max(step.at for step in request.steps if step.at is not None)
    return change_state(request, RequestState.FULFILLED, at, ENGINE_ACTOR)
