"""What became of the notifications of a request, kept in the request and in its certificate.

The last acknowledgements may come after the request has ended: a steward informs recipients without a
webhook. The stored result is then computed anew, and a certificate that states it is signed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.domain.kit.workflow.step_name import StepName
from discretion.domain.recipients.recipient_notifier import RecipientNotifier
from discretion.store.requests import RequestStore
from discretion.store.transactions import Session

CERTIFICATE_PATH = "result.certificate"
SignAgain = Callable[[str, Mapping[str, Any]], str]
"""Returns a certificate with another result of the notifications, signed now."""


@dataclass(frozen=True, slots=True)
class NotificationResults:
    """Updates the results that requests store of their notifications."""

    requests: RequestStore
    notifier: RecipientNotifier
    sign_again: SignAgain

    async def update(self, request: bytes, session: Session) -> None:
        """Store the result of the notifications as they are now, in the transaction that changed one."""
        document = await self.requests.find(request, session)
        if document is None:
            return
        change: dict[str, Any] = {}
        for index, step in enumerate(document["steps"]):
            if step["name"] == StepName.AWAIT_ACKNOWLEDGEMENTS and step["state"] == "done":
                progress = await self.notifier.measure_progress(request, session)
                change[f"steps.{index}.told"] = result = progress.build_result()
                certificate = document.get("result", {}).get("certificate")
                if certificate is not None:
                    change[CERTIFICATE_PATH] = self.sign_again(certificate, result)
        # Written even without a change: the step that measures the result at the same moment then runs again.
        await self.requests.update(request, document["v"], change, session)
