"""Status callbacks: each status change is POSTed to the organisation's URLs until they reply with 200.

A change is detected by comparing the digest of the current message with the digest of the last delivered one.
A failed delivery is retried with growing delays for three days. A retry sends the status of that time.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from discretion.domain.agents.agent_register import AgentRegister
from discretion.domain.agents.agent_request import AgentRequestStatus
from discretion.domain.agents.delegated_requests import RETENTION_MS, DelegatedRequests
from discretion.domain.kit.egress import EgressClient
from discretion.domain.kit.workflow.poll import attempt_logged, run_polling
from discretion.domain.kit.workflow.retry import Backoff
from discretion.errors import DiscretionError
from discretion.store.agent_requests import AgentRequest, StatusCallback
from discretion.store.agents import Agent, AgentKind

HTTP_OK = 200
BATCH = 50
POLL_MS = 20_000
"""Interval of the checks for a changed status (ms)."""

IDLE_POLL_MS = 3600 * 1000
"""Interval for agent requests without callback URLs (ms)."""

LEASE_MS = 60_000
"""How long one worker keeps an agent request from others (ms)."""

BACKOFF = Backoff(min_ms=30_000, max_ms=3 * 3600 * 1000)
MAX_TRIES = 30
"""About three days, with the delays of ``BACKOFF``."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallbackMessage:
    """Body and headers of a callback."""

    body: bytes
    headers: Mapping[str, str]


MessageBuilder = Callable[[AgentRequestStatus, str], CallbackMessage]
"""Builds the message of a protocol from a status and a URL. The same status must give the same body."""


@dataclass(frozen=True, slots=True)
class CallbackSender:
    """Worker that sends callbacks; ``message_builders`` has the builder of each kind of organisation."""

    delegated_requests: DelegatedRequests
    register: AgentRegister
    egress: EgressClient
    message_builders: Mapping[AgentKind, MessageBuilder]
    now_ms: Callable[[], int]

    async def run_once(self) -> int:
        """Send the callbacks that are due. Return the number of agent requests that were checked."""
        now = self.now_ms()
        due = await self.delegated_requests.agent_requests.take_due(now, now + LEASE_MS, BATCH)
        # One that cannot be checked is due again after its lease, and holds up no other.
        await asyncio.gather(
            *(
                attempt_logged("sending a callback", self._process_agent_request(agent_request))
                for agent_request in due
            )
        )
        return len(due)

    async def _process_agent_request(self, agent_request: AgentRequest) -> None:
        store = self.delegated_requests.agent_requests
        agent = await self.register.find_by_id(agent_request.agent, agent_request.kind)
        status = await self.delegated_requests.compute_status(agent_request)
        if agent is None or status is None:
            await store.close(agent_request, self.now_ms() + RETENTION_MS)
            return
        callbacks = [
            await self._update_callback(agent, status, callback) for callback in agent_request.callbacks
        ]
        if status.is_final and all(self._is_finished(status, callback) for callback in callbacks):
            await store.close(agent_request, self.now_ms() + RETENTION_MS)
            return
        # Stored after the POST: after a crash in between the same status is sent once more, and never lost.
        next_at = min((callback.due for callback in callbacks), default=self.now_ms() + IDLE_POLL_MS)
        await store.save_callbacks(agent_request, callbacks, next_at)

    async def _update_callback(
        self, agent: Agent, status: AgentRequestStatus, callback: StatusCallback
    ) -> StatusCallback:
        """Send the current status to a URL if it is new and due; return the callback as it is then."""
        now = self.now_ms()
        message = self.message_builders[agent.kind](status, callback.url)
        digest = hashlib.sha256(message.body).digest()
        if callback.acknowledged == digest:
            return replace(callback, due=now + POLL_MS)
        if callback.due > now:
            return callback
        if await self._post_message(agent, callback.url, message):
            return StatusCallback(callback.url, now + POLL_MS, digest)
        tries = callback.tries + 1
        return replace(callback, tries=tries, due=now + BACKOFF.compute_delay(tries))

    async def _post_message(self, agent: Agent, url: str, message: CallbackMessage) -> bool:
        try:
            # The hosts are checked again: one may have been removed from the register
            # since the request was filed.
            http_status = await self.egress.post(url, message.body, message.headers, hosts=agent.hosts)
        except DiscretionError as error:
            # Only the code is logged: the message may quote the URL, which may identify a person.
            _log.info("a callback failed: %s", error.code)
            return False
        return http_status == HTTP_OK

    def _is_finished(self, status: AgentRequestStatus, callback: StatusCallback) -> bool:
        body = self.message_builders[status.agent_request.kind](status, callback.url).body
        return callback.acknowledged == hashlib.sha256(body).digest() or callback.tries >= MAX_TRIES


@asynccontextmanager
async def run_callback_sender(sender: CallbackSender) -> AsyncIterator[None]:
    """Run the callback sender in the background while the block runs."""

    async def send_due() -> bool:
        return await sender.run_once() == BATCH

    async with run_polling("sending callbacks", send_due, POLL_MS / 1000):
        yield
