"""The workflow of each right: its steps in their order, and the steps that this package runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.runner import StepAction
from discretion.domain.kit.workflow.step_name import StepName
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.domain.requests.immediate_rights import ImmediateRights
from discretion.domain.requests.model import RequestState, build_transition, read_request
from discretion.domain.requests.restriction import ProcessingRestriction
from discretion.law.jurisdiction import Right
from discretion.store.document import Document
from discretion.store.transactions import Session, Transactions

ENGINE_ACTOR = "engine"
"""Actor in the history for changes that the workflow runner makes."""

# An erasure notifies the recipients after the profile is deleted: every disclosure is in the ledger by then.
WORKFLOWS: Mapping[Right, tuple[StepName, ...]] = {
    Right.ERASURE: (
        StepName.DELETE_PROFILE,
        # As early as possible: until the ledger has the erasure, a restored backup brings the person back.
        StepName.RECORD_ERASURE,
        StepName.NOTIFY_RECIPIENTS,
        StepName.PURGE_COLLECTIONS,
        # After the customer document is deleted: a data key that is still stored would be taken for that of a
        # remaining customer and rewrapped.
        StepName.SHRED_KEYS,
        StepName.VERIFY_ERASURE,
        StepName.AWAIT_ACKNOWLEDGEMENTS,
        # Last: the certificate states the results of all other steps.
        StepName.SIGN_CERTIFICATE,
    ),
    Right.RESTRICTION: (
        StepName.RESTRICT_PROCESSING,
        StepName.NOTIFY_RECIPIENTS,
        StepName.AWAIT_ACKNOWLEDGEMENTS,
    ),
    Right.CORRECTION: (StepName.CORRECT_VALUES, StepName.NOTIFY_RECIPIENTS, StepName.AWAIT_ACKNOWLEDGEMENTS),
    Right.ACCESS: (StepName.GATHER_PACKAGE, StepName.CLEAR_FAILED_ATTEMPTS),
    Right.PORTABILITY: (StepName.GATHER_PACKAGE, StepName.CLEAR_FAILED_ATTEMPTS, StepName.SEND_PACKAGE),
    Right.RECIPIENTS: (StepName.GATHER_PACKAGE, StepName.CLEAR_FAILED_ATTEMPTS),
    Right.OPT_OUT_SALE: (StepName.APPLY_IMMEDIATE_RIGHT,),
    Right.LIMIT_SENSITIVE: (StepName.APPLY_IMMEDIATE_RIGHT,),
}
"""The steps of each right, in their order. A steward answers a right that is not listed."""


def build_restriction_step(transactions: Transactions, restriction: ProcessingRestriction) -> StepAction:
    """Return the step that restricts processing, or lifts the restriction if ``scope.lift`` is set."""

    async def restrict_processing(document: Document, lease: Lease) -> StepOutcome:
        is_lifted = document["scope"].get("lift", False)

        async def restrict_and_complete(session: Session) -> bool:
            is_found = await restriction.apply(document["customer"], session, restricted=not is_lifted)
            # Completed in the same transaction: after a crash the step has either run or not.
            await lease.complete_step({"found": is_found}, session)
            return is_found

        return StepDone({"found": await transactions.run(restrict_and_complete)})

    return restrict_processing


def build_immediate_right_step(immediate_rights: ImmediateRights) -> StepAction:
    """Return the step that applies an opt-out or a limit whose requester was identified after filing."""

    async def apply_immediate_right(document: Document, _lease: Lease) -> StepOutcome:
        return StepDone({"found": await immediate_rights.put_request_in_force(read_request(document))})

    return apply_immediate_right


def build_fulfilment(document: Document) -> dict[str, Any]:
    """Return the fields to set when the last step of a request is done.

    The time is that of the last completed step, so that a repeated call after a crash sets the same.
    """
    at = max(step["at"] for step in document["steps"])
    return build_transition(document, RequestState.FULFILLED, at, ENGINE_ACTOR)
