"""Workflow steps that notify recipients and wait for their acknowledgements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from discretion.domain.kit.workflow.lease import Lease
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


@dataclass(frozen=True, slots=True)
class NotificationSteps:
    """The steps ``NOTIFY_RECIPIENTS`` and ``AWAIT_ACKNOWLEDGEMENTS``.

    An erasure stores the pseudonyms under ``snapshot.pseudonyms`` and notifies the recipients after it
    deleted the customer. Every disclosure that was answered before is in the ledger by then, so no recipient
    is missed. For other rights the pseudonyms are derived from the customer, who still exists.
    """

    transactions: Transactions
    people: PeopleStore
    notifier: RecipientNotifier
    buckets: BucketKeys
    now_ms: Callable[[], int]

    async def notify_recipients(self, document: Document, lease: Lease) -> StepOutcome:
        """Create a delivery for each recipient of the data."""
        pseudonyms = await self._load_pseudonyms(document)
        deliveries = await self.notifier.build_deliveries(
            document["_id"],
            document["right"],
            pseudonyms,
            self.now_ms(),
            document["scope"].get("attributes"),
        )
        lease.checkpoint("found")

        # One transaction: after a crash the deliveries exist if and only if the step is done.
        async def add_and_complete(session: Session) -> None:
            await self.notifier.add_deliveries(deliveries, session)
            await lease.complete_step({"recipients": len(deliveries)}, session)

        await self.transactions.run(add_and_complete)
        return StepDone()

    async def await_acknowledgements(self, document: Document, lease: Lease) -> StepOutcome:
        """Wait until no delivery is attempted any more, and store what became of them."""

        async def measure_and_complete(session: Session) -> NotificationProgress:
            measured = await self.notifier.measure_progress(document["_id"], session)
            if measured.next_event_at is None:
                await lease.complete_step(measured.build_result(), session)
            return measured

        # One transaction: an acknowledgement at the same moment is either measured or updates the result.
        progress = await self.transactions.run(measure_and_complete)
        if progress.next_event_at is None:
            return StepDone()
        wait_ms = progress.next_event_at - self.now_ms()
        return StepWaiting(max(POLL_MIN_MS, min(wait_ms, POLL_MAX_MS)), "RECIPIENTS_NOT_TOLD")

    async def _load_pseudonyms(self, document: Document) -> Sequence[LedgerPseudonym]:
        stored = document.get("snapshot", {}).get(PSEUDONYMS_FIELD)
        if stored is not None:
            return [LedgerPseudonym(entry["n"], entry["c"]) for entry in stored]
        if (customer := document.get("customer")) is None:
            return ()
        current = await self.people.current(customer)
        return () if current is None else derive_ledger_pseudonyms(self.buckets, current.wrapped_keys)
