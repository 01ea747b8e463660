"""Subscription to one request: an event whenever a visible field changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from discretion.domain.kit.workflow.poll import tick
from discretion.domain.requests.model import FINAL_STATES
from discretion.store.requests import RequestStore

POLL_S = 0.5
HIDDEN_FIELDS = frozenset(
    {"v", "fence", "until", "next", "code", "codes", "warned", "raised", "open", "sealed"}
)
"""Fields of a request that the API does not show; a change of these is no event."""


@dataclass(slots=True)
class RequestSubscription:
    """State of one subscription: the document that the resolver read last.

    It is None until the resolver has found the request. The first read comes before ``watch_changes``.
    """

    document: dict[str, Any] | None = None

    @property
    def is_ended(self) -> bool:
        """Whether no further event can follow: the request ended, or the first read found none."""
        return self.document is None or self.document["state"] in FINAL_STATES


@dataclass(frozen=True, slots=True)
class RequestWatcher:
    """Polls requests for changes."""

    requests: RequestStore

    async def watch_changes(self, subscription: RequestSubscription) -> AsyncIterator[None]:
        """Yield when the request differs from the subscription's last document, until it has ended.

        The request is read every ``POLL_S`` seconds: several changes within this time are one event. The
        caller resolves the subscription again after each event, which updates the document.
        """
        async for _ in tick(POLL_S):
            last_document = subscription.document
            if last_document is None or subscription.is_ended:
                return
            current_document = await self.requests.find(last_document["_id"])
            if current_document is None:
                return
            if _visible_fields(current_document) != _visible_fields(last_document):
                yield
                if subscription.is_ended:
                    return


def _visible_fields(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in HIDDEN_FIELDS}
