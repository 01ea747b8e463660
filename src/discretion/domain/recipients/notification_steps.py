"""Workflow steps that notify recipients and wait for their acknowledgements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.runner import StepAction
from discretion.domain.kit.workflow.step_name import StepName
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome, StepWaiting
from discretion.domain.recipients.disclosed_attributes import LedgerPseudonym, derive_ledger_pseudonyms
from discretion.domain.recipients.recipient_notifier import NotificationProgress, RecipientNotifier
from discretion.seal.bucket_keys import BucketKeys
from discretion.store.document import Document
from discretion.store.people import PeopleStore
from discretion.store.transactions import Session, Transactions

POLL_MIN_MS, POLL_MAX_MS = 1_000, 3_600_000
"""Shortest and longest interval of the checks for acknowledgements (ms)."""

PSEUDONYMS_FIELD = "pseudonyms"
"""Key in a request's ``snapshot`` of the pseudonyms of a customer who was erased."""


def build_pseudonym_snapshot(pseudonyms: Sequence[LedgerPseudonym]) -> list[dict[str, bytes]]:
    """Return pseudonyms for the snapshot of a request: ``n`` is the pseudonym, ``c`` the customer id.

    The snapshot is stored in the transaction that deletes the customer and with it the wrapped data keys.
    """
    return [{"n": pseudonym.value, "c": pseudonym.customer} for pseudonym in pseudonyms]


def build_notification_steps(
    transactions: Transactions,
    people: PeopleStore,
    notifier: RecipientNotifier,
    buckets: BucketKeys,
    now_ms: Callable[[], int],
) -> Mapping[str, StepAction]:
    """Return the steps ``NOTIFY_RECIPIENTS`` and ``AWAIT_ACKNOWLEDGEMENTS``.

    An erasure stores the pseudonyms under ``snapshot.pseudonyms`` and notifies the recipients after it
    deleted the customer. Every disclosure that was answered before is in the ledger by then, so no recipient
    is missed. For other rights the pseudonyms are derived from the customer, who still exists.
    """

    async def notify_recipients(document: Document, lease: Lease) -> StepOutcome:
        pseudonyms = await _load_pseudonyms(people, buckets, document)
        attributes = document["scope"].get("attributes")
        deliveries = await notifier.build_deliveries(
            document["_id"], document["right"], pseudonyms, now_ms(), attributes
        )
        lease.checkpoint("found")

        # One transaction: after a crash the deliveries exist if and only if the step is done.
        async def add_and_complete(session: Session) -> None:
            await notifier.add_deliveries(deliveries, session)
            await lease.complete_step({"recipients": len(deliveries)}, session)

        await transactions.run(add_and_complete)
        return StepDone()

    async def await_acknowledgements(document: Document, lease: Lease) -> StepOutcome:
        async def measure_and_complete(session: Session) -> NotificationProgress:
            measured = await notifier.measure_progress(document["_id"], session)
            if measured.next_event_at is None:
                await lease.complete_step(measured.build_result(), session)
            return measured

        # One transaction: an acknowledgement at the same moment is either measured or updates the result.
        progress = await transactions.run(measure_and_complete)
        if progress.next_event_at is not None:
            return StepWaiting(
                max(POLL_MIN_MS, min(progress.next_event_at - now_ms(), POLL_MAX_MS)), "RECIPIENTS_NOT_TOLD"
            )
        return StepDone()

    return {
        StepName.NOTIFY_RECIPIENTS: notify_recipients,
        StepName.AWAIT_ACKNOWLEDGEMENTS: await_acknowledgements,
    }


async def _load_pseudonyms(
    people: PeopleStore, buckets: BucketKeys, document: Document
) -> Sequence[LedgerPseudonym]:
    stored = document.get("snapshot", {}).get(PSEUDONYMS_FIELD)
    if stored is not None:
        return [LedgerPseudonym(entry["n"], entry["c"]) for entry in stored]
    if (customer := document.get("customer")) is None:
        return ()
    current = await people.current(customer)
    return () if current is None else derive_ledger_pseudonyms(buckets, current.wrapped_keys)
