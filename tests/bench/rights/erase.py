"""Erasure requests over HTTP, with the times of the steps read from the stored request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from discretion.app import Platform
from discretion.domain.kit.workflow.step_name import StepName
from discretion.reveal.revealer import REQUEST_ID_KIND
from discretion.store.subject_request import RequestStep
from discretion.token.command import DEFAULT_LOGIN_TYPE
from discretion.token.grant import SELF
from tests.bench.rights.population import name_account

CLIENT = "customer-app"
ERASE_MUTATION = "mutation { requestErasure { id } }"
READ_CUSTOMER = "query($id: ID!) { customer(id: $id) { id identity { givenName } contact { email } } }"
POLL_S = 0.02
TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class ErasureTimes:
    """The times of one erasure in ms.

    Attributes:
        acknowledged_ms: From sending the request until its answer.
        unreadable_ms: From sending the request until no read finds the customer.
        certified_ms: From sending the request until its certificate is signed.
        step_ms: The duration of each step by its stored name.
    """

    acknowledged_ms: float
    unreadable_ms: float
    certified_ms: float
    step_ms: Mapping[str, float]


class ErasureClient:
    """Sends erasure requests with customer tokens.

    It polls the state in MongoDB, which costs the server little.
    """

    def __init__(self, http: httpx.AsyncClient, platform: Platform) -> None:
        self._http = http
        self._issuer = platform.issuer
        self._pairwise = platform.discloser.revealer.pairwise
        self._requests = platform.requests.store

    async def erase(self, customer: bytes) -> ErasureTimes:
        """Erase a customer.

        Raises:
            RuntimeError: the request was refused, or the erasure took longer than TIMEOUT_S.
        """
        token = self._issuer.issue_token(
            CLIENT,
            name_account(customer),
            (),
            (SELF,),
            authenticated=int(time.time()),
            lifetime_s=600,
            login_type=DEFAULT_LOGIN_TYPE,
        )
        asked_at, started_at = time.time() * 1000, time.perf_counter()
        answer = await self._http.post(
            "/graphql", json={"query": ERASE_MUTATION}, headers={"authorization": f"Bearer {token}"}
        )
        acknowledged_ms = (time.perf_counter() - started_at) * 1000
        body = answer.json()
        if "errors" in body:
            raise RuntimeError(str(body["errors"]))
        request_id = self._pairwise.decode(CLIENT, REQUEST_ID_KIND, body["data"]["requestErasure"]["id"])
        assert request_id is not None
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            request = await self._requests.find(request_id)
            assert request is not None
            if not request.is_open:
                return _compute_times(request.steps, asked_at, acknowledged_ms)
            if time.monotonic() > deadline:
                raise RuntimeError(f"a customer is not erased in time: {request.steps}")
            await asyncio.sleep(POLL_S)

    async def erase_concurrently(self, customers: Sequence[bytes]) -> list[ErasureTimes]:
        """Erase customers concurrently."""
        return await asyncio.gather(*(self.erase(customer) for customer in customers))


def _compute_times(steps: Sequence[RequestStep], asked_at: float, acknowledged_ms: float) -> ErasureTimes:
    ends = {step.name: step.at - asked_at for step in steps if step.at is not None}
    starts = (acknowledged_ms, *ends.values())
    step_ms = {name: end - start for (name, end), start in zip(ends.items(), starts, strict=False)}
    unreadable_ms, certified_ms = ends[StepName.DELETE_PROFILE], ends[StepName.SIGN_CERTIFICATE]
    return ErasureTimes(acknowledged_ms, unreadable_ms, certified_ms, step_ms)
