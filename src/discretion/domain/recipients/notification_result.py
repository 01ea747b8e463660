"""What became of the notifications of a request, kept in the request and in its certificate.

The last acknowledgements may come after the request has ended: a steward informs recipients without a
webhook. The stored result is then computed anew, and a certificate that states it is signed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from discretion.domain.kit.workflow.step_name import StepName
from discretion.domain.recipients.recipient_notifier import RecipientNotifier
from discretion.store.document import JsonValue
from discretion.store.requests import RequestStore
from discretion.store.subject_request import SubjectRequest
from discretion.store.transactions import Session

SignAgain = Callable[[str, Mapping[str, JsonValue]], str]
"""Returns a certificate with another result of the notifications, signed now."""


@dataclass(frozen=True, slots=True)
class NotificationResults:
    """Updates the results that requests store of their notifications."""

    requests: RequestStore
    notifier: RecipientNotifier
    sign_again: SignAgain

    async def update(self, request: bytes, session: Session) -> None:
        """Store the result of the notifications as they are now, in the transaction that changed one."""
        current = await self.requests.find(request, session)
        if current is None:
            return
        changed = current
        if any(step.name == StepName.AWAIT_ACKNOWLEDGEMENTS and step.is_done for step in current.steps):
            progress = await self.notifier.measure_progress(request, session)
            changed = self._replace_result(current, progress.build_result())
        # Written even without a change: the step that measures the result at the same moment then runs again.
        await self.requests.change(current, changed, session)

    def _replace_result(self, request: SubjectRequest, output: Mapping[str, JsonValue]) -> SubjectRequest:
        steps = tuple(
            replace(step, output=output) if step.name == StepName.AWAIT_ACKNOWLEDGEMENTS else step
            for step in request.steps
        )
        changed = replace(request, steps=steps)
        certificate = request.result.certificate
        if certificate is None:
            return changed
        return replace(
            changed, result=replace(request.result, certificate=self.sign_again(certificate, output))
        )
