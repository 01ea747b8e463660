"""Subscription to one request: an event whenever a visible field changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from discretion.domain.kit.workflow.poll import tick
from discretion.store.requests import RequestStore
from discretion.store.subject_request import SubjectRequest

POLL_S = 0.5


@dataclass(slots=True)
class RequestSubscription:
    """State of one subscription: the request as the resolver read it last.

    It is None until the resolver has found the request. The first read comes before ``watch_changes``.
    """

    request: SubjectRequest | None = None

    @property
    def is_ended(self) -> bool:
        """Whether no further event can follow: the request ended, or the first read found none."""
        return self.request is None or not self.request.is_open


@dataclass(frozen=True, slots=True)
class RequestWatcher:
    """Polls requests for changes."""

    requests: RequestStore

    async def watch_changes(self, subscription: RequestSubscription) -> AsyncIterator[None]:
        """Yield when the request differs from what the subscription read last, until it has ended.

        The request is read every ``POLL_S`` seconds: several changes within this time are one event. The
        caller resolves the subscription again after each event, which reads the request anew.
        """
        async for _ in tick(POLL_S):
            last_read = subscription.request
            if last_read is None or subscription.is_ended:
                return
            current = await self.requests.find(last_read.id)
            if current is None:
                return
            if _clear_hidden(current) != _clear_hidden(last_read):
                yield
                if subscription.is_ended:
                    return


def _clear_hidden(request: SubjectRequest) -> SubjectRequest:
    """Return a request without what the API does not show; a change of that is no event."""
    return replace(
        request,
        version=0,
        fence=0,
        lease_until=0,
        next_run=None,
        open_digest=None,
        code=None,
        codes_sent=(),
        warned=(),
        warned_at=None,
        sealed={},
    )
