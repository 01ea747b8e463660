"""Workflow steps that notify recipients and wait for their acknowledgements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome, StepWaiting
from discretion.domain.recipients.person_names import PersonNameReader
from discretion.domain.recipients.recipient_notifier import NotificationProgress, RecipientNotifier
from discretion.store.ledger_names import SubjectNames
from discretion.store.subject_request import SubjectRequest
from discretion.store.transactions import Session, Transactions

POLL_MIN_MS, POLL_MAX_MS = 1_000, 3_600_000
"""Shortest and longest interval of the checks for acknowledgements (ms)."""


@dataclass(frozen=True, slots=True)
class NotificationSteps:
    """The steps ``NOTIFY_RECIPIENTS`` and ``AWAIT_ACKNOWLEDGEMENTS``.

    An erasure stores the person's names in its snapshot and notifies the recipients after it deleted the
    customer. Every disclosure that was answered before is in the ledger by then, so no recipient is missed.
    For other rights the names are read from the customer, who still exists.
    """

    transactions: Transactions
    names: PersonNameReader
    notifier: RecipientNotifier
    now_ms: Callable[[], int]

    async def notify_recipients(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Create a delivery for each recipient of the data."""
        names = await self._load_names(request)
        deliveries = await self.notifier.build_deliveries(
            request.id,
            request.right.value,
            names,
            self.now_ms(),
            request.scope.attributes or None,
        )
        lease.checkpoint("found")

        # One transaction: after a crash the deliveries exist if and only if the step is done.
        async def add_and_complete(session: Session) -> None:
            await self.notifier.add_deliveries(deliveries, session)
            await lease.complete_step({"recipients": len(deliveries)}, session)

        await self.transactions.run(add_and_complete)
        return StepDone()

    async def await_acknowledgements(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Wait until no delivery is attempted any more, and store what became of them."""

        async def measure_and_complete(session: Session) -> NotificationProgress:
            measured = await self.notifier.measure_progress(request.id, session)
            if measured.next_event_at is None:
                await lease.complete_step(measured.build_result(), session)
            return measured

        # One transaction: an acknowledgement at the same moment is either measured or updates the result.
        progress = await self.transactions.run(measure_and_complete)
        if progress.next_event_at is None:
            return StepDone()
        wait_ms = progress.next_event_at - self.now_ms()
        return StepWaiting(max(POLL_MIN_MS, min(wait_ms, POLL_MAX_MS)), "RECIPIENTS_NOT_TOLD")

    async def _load_names(self, request: SubjectRequest) -> SubjectNames:
        if request.snapshot is not None and request.snapshot.names.pseudonyms:
            return request.snapshot.names
        if request.customer is None:
            return SubjectNames()
        current = await self.names.stores.people.current(request.customer)
        return SubjectNames() if current is None else await self.names.read_names(current)
