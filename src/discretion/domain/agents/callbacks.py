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
from dataclasses import dataclass
from typing import Any

from discretion.background import run_alongside
from discretion.domain.agents.agent import Agent, AgentKind
from discretion.domain.agents.agent_register import AgentRegister
from discretion.domain.agents.agent_request import AgentRequestStatus, read_agent_request
from discretion.domain.agents.delegated_requests import RETENTION_MS, DelegatedRequests
from discretion.domain.kit.egress import EgressClient
from discretion.errors import DiscretionError

HTTP_OK = 200
BATCH = 50
POLL_MS = 20_000
"""Interval of the checks for a changed status (ms)."""

IDLE_POLL_MS = 3600 * 1000
"""Interval for agent requests without callback URLs (ms)."""

LEASE_MS = 60_000
"""How long one worker keeps an agent request from others (ms)."""

RETRY_MIN_MS, RETRY_MAX_MS = 30_000, 3 * 3600 * 1000
MAX_TRIES = 30
"""About three days, with the delays of ``compute_callback_delay``."""

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
        documents = await self.delegated_requests.agent_requests.list_due(now, BATCH)
        # `due` is also the lease: a worker that crashes leaves the agent request due again after
        # `LEASE_MS`.
        leased_until = now + LEASE_MS
        claimed = [
            document
            for document in documents
            if await self.delegated_requests.agent_requests.claim(
                document["_id"], document["due"], leased_until
            )
        ]
        await asyncio.gather(*(self._process_agent_request(document) for document in claimed))
        return len(claimed)

    async def _process_agent_request(self, document: Mapping[str, Any]) -> None:
        agent_request = read_agent_request(document)
        agent = await self.register.find_by_id(agent_request.agent, agent_request.kind)
        status = await self.delegated_requests.compute_status(agent_request)
        if agent is None or status is None:
            await self.delegated_requests.agent_requests.close(agent_request.id, self.now_ms() + RETENTION_MS)
            return
        callbacks = [
            await self._update_callback(agent, status, callback) for callback in document["callbacks"]
        ]
        if status.is_final and all(self._is_finished(status, callback) for callback in callbacks):
            await self.delegated_requests.agent_requests.close(agent_request.id, self.now_ms() + RETENTION_MS)
            return
        # Stored after the POST: after a crash in between the same status is sent once more, and never lost.
        due = min((callback["due"] for callback in callbacks), default=self.now_ms() + IDLE_POLL_MS)
        await self.delegated_requests.agent_requests.save_callbacks(agent_request.id, callbacks, due)

    async def _update_callback(
        self, agent: Agent, status: AgentRequestStatus, callback: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Send the current status to a URL if it is new and due. Return the stored form of the callback.

        Returns:
            ``url``, ``told`` (SHA-256 of the last delivered body), ``tries`` (failures since), ``due`` (ms).
        """
        now = self.now_ms()
        message = self.message_builders[agent.kind](status, callback["url"])
        digest = hashlib.sha256(message.body).digest()
        if callback["told"] == digest:
            return {**callback, "due": now + POLL_MS}
        if callback["due"] > now:
            return dict(callback)
        if await self._post_message(agent, callback["url"], message):
            return {**callback, "told": digest, "tries": 0, "due": now + POLL_MS}
        tries = callback["tries"] + 1
        return {**callback, "tries": tries, "due": now + compute_callback_delay(tries)}

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

    def _is_finished(self, status: AgentRequestStatus, callback: Mapping[str, Any]) -> bool:
        body = self.message_builders[status.agent_request.kind](status, callback["url"]).body
        is_acknowledged: bool = callback["told"] == hashlib.sha256(body).digest()
        return is_acknowledged or callback["tries"] >= MAX_TRIES

    async def run(self) -> None:
        """Send callbacks until the task is cancelled."""
        while True:
            try:
                if await self.run_once() == BATCH:
                    continue
            except DiscretionError as error:
                _log.error("callbacks could not be sent: %s", error.code)
            await asyncio.sleep(POLL_MS / 1000)


@asynccontextmanager
async def run_callback_sender(sender: CallbackSender) -> AsyncIterator[None]:
    """Run the callback sender in the background while the block runs."""
    async with run_alongside(sender.run()):
        yield


def compute_callback_delay(failures: int) -> int:
    """Return the delay after a number of failures (ms): doubled each time, up to three hours."""
    return int(min(RETRY_MIN_MS * 2 ** min(failures - 1, 30), RETRY_MAX_MS))
