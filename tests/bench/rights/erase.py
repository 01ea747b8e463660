"""Has somebody erased over HTTP, and takes the times from the request as it is kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from discretion.app import Platform
from discretion.token.grant import SELF

APP = "customer-app"
ERASE = "mutation { requestErasure { id } }"
ONE = "query($id: ID!) { customer(id: $id) { id identity { givenName } contact { email } } }"
LOOK_S = 0.02
PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Erased:
    """One erasure, in ms from when it was asked for.

    Until it was ``acknowledged``, until no read found the person (``gone``), until its certificate was
    ``signed``; ``steps`` is what each step took.
    """

    acknowledged: float
    gone: float
    signed: float
    steps: Mapping[str, float]


class Eraser:
    """Asks as customers, and reads their requests in MongoDB, so that asking how far it is costs little."""

    def __init__(self, http: httpx.AsyncClient, ours: Platform) -> None:
        self._http = http
        self._issuer = ours.issuer
        self._pairwise = ours.conductor.revealer.pairwise
        self._requests = ours.rights.requests

    async def __call__(self, customer: bytes) -> Erased:
        """Erase a customer.

        Raises:
            RuntimeError: they were not, for too long.
        """
        subject = self._pairwise.shut(APP, b"customer", customer)
        token = self._issuer.issue(APP, subject, (), (SELF,), authenticated=int(time.time()), lifetime_s=600)
        asked_at, start = time.time() * 1000, time.perf_counter()
        answer = await self._http.post(
            "/graphql", json={"query": ERASE}, headers={"authorization": f"Bearer {token}"}
        )
        acknowledged = (time.perf_counter() - start) * 1000
        told = answer.json()
        if "errors" in told:
            raise RuntimeError(str(told["errors"]))
        request = self._pairwise.open(APP, b"request", told["data"]["requestErasure"]["id"])
        assert request is not None
        until = time.monotonic() + PATIENCE_S
        while True:
            found = await self._requests.get(request)
            assert found is not None
            if found["state"] == "fulfilled":
                return _times(found["steps"], asked_at, acknowledged)
            if time.monotonic() > until:
                raise RuntimeError(f"somebody is not erased: {found['steps']}")
            await asyncio.sleep(LOOK_S)

    async def together(self, customers: Sequence[bytes]) -> list[Erased]:
        """Erase customers side by side."""
        return await asyncio.gather(*(self(one) for one in customers))


def _times(steps: Sequence[Mapping[str, Any]], asked_at: float, acknowledged: float) -> Erased:
    ends = {one["name"]: one["at"] - asked_at for one in steps}
    starts = (acknowledged, *ends.values())
    took = {name: end - begun for (name, end), begun in zip(ends.items(), starts, strict=False)}
    return Erased(acknowledged, ends["depart"], ends["certify"], took)
