"""The desk: where organisations file requests for people, ask how they stand, and take them back.

Both protocols come here. Each organisation sees what it filed itself, under an id of its own; that the same
is asked already by somebody else, the person perhaps, is not shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.domain.agents.agent import Agent, Kind
from discretion.domain.agents.mandate import Mandate, Standing, fresh, read, standing
from discretion.domain.channels.fact import Identifier
from discretion.domain.rights import model
from discretion.domain.rights.clock import Clock
from discretion.domain.rights.file import File
from discretion.domain.rights.model import Asked, Asker, Assurance, State, turned
from discretion.errors import Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.seal.blind import BlindIndex
from discretion.store.customers import Customers
from discretion.store.mandates import Mandates
from discretion.store.requests import Requests

KEPT_MS = 60 * 24 * 3600 * 1000
"""How long a request that is over can still be asked about (DRP 1.0, 3.02: 7 to 60 days)."""

ATTEMPTS = 5
_WHO: Mapping[Kind, model.Kind] = {Kind.AGENT: model.Kind.AGENT, Kind.CONTROLLER: model.Kind.STEWARD}


@dataclass(frozen=True, slots=True)
class Filing:
    """What is filed. ``callbacks`` are URLs whose hosts were checked."""

    right: Right
    identifiers: tuple[Identifier, ...]
    assurance: Assurance
    scope: Mapping[str, str] = field(default_factory=dict)
    reference: str | None = None
    callbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """See the module."""

    file: File
    requests: Requests
    clock: Clock
    mandates: Mandates
    customers: Customers
    blind: BlindIndex
    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]

    async def take(self, agent: Agent, filing: Filing) -> Standing:
        """File a request, or find it, if this agent filed it before under the same reference.

        Raises:
            Conflict: ``AGENT_REFERENCE_TAKEN``; the reference is of a request for another right.
        """
        if (known := await self._known(agent, filing)) is not None:
            return await self._standing(known)
        mandate = fresh(_digest(agent, filing.reference) if filing.reference else self.entropy(16))
        customers = await self._customers(filing.identifiers)
        found = customers if agent.kind is Kind.CONTROLLER or len(customers) == 1 else []
        asked = Asked(filing.right, {**filing.scope, "mandate": mandate.hex()})
        asker = Asker(
            _WHO[agent.kind],
            f"{agent.kind.value}:{agent.id}",
            agent.id,
            agent.id,
            filing.assurance,
            filing.reference,
        )
        filed = [await self.file(one, asked, asker) for one in found or (None,)]
        now = self.now_ms()
        document: dict[str, Any] = {
            "_id": mandate,
            "agent": agent.id,
            "kind": agent.kind.value,
            "right": filing.right.value,
            "requests": [one.id for one in filed],
            "at": now,
            "callbacks": [{"url": one, "told": b"", "tries": 0, "due": now} for one in filing.callbacks],
            "due": now,
            **({"reference": filing.reference} if filing.reference else {}),
        }
        try:
            await self.mandates.add(document)
        except Conflict:  # the same was filed at the same time
            known = await self._known(agent, filing)
            if known is None:
                raise
            return await self._standing(known)
        return standing(read(document), filed, self.clock, now)

    async def status(self, agent: Agent, mandate: bytes) -> Standing | None:
        """How a mandate stands, if it is this agent's."""
        found = await self.mandates.one(mandate, agent.id)
        return None if found is None else await self._standing(read(found))

    async def referred(self, agent: Agent, reference: str) -> Standing | None:
        """How the mandate stands to which this agent gave a reference."""
        found = await self.mandates.referred(reference, agent.id)
        return None if found is None else await self._standing(read(found))

    async def revoke(self, agent: Agent, mandate: Mandate) -> Standing:
        """Take back what was filed. What is over, or has been begun, cannot be.

        Raises:
            Conflict: ``REQUEST_UNDER_WAY``, ``REQUEST_OVER``.
        """
        for one in mandate.requests:
            await self._withdraw(one, f"{agent.kind.value}:{agent.id}")
        return await self._standing(mandate)

    async def stands(self, mandate: Mandate) -> Standing | None:
        """How a mandate stands; None if nothing is known of its requests any more."""
        wanted = {"_id": {"$in": list(mandate.requests)}}
        found = await self.requests.find(wanted, [("_id", 1)], len(mandate.requests))
        if not found:
            return None
        return standing(mandate, [model.read(one) for one in found], self.clock, self.now_ms())

    async def _standing(self, mandate: Mandate) -> Standing:
        found = await self.stands(mandate)
        if found is None:
            raise NotFound("REQUEST_UNKNOWN", "There is no such request.")
        return found

    async def _known(self, agent: Agent, filing: Filing) -> Mandate | None:
        if filing.reference is None:
            return None
        found = await self.mandates.referred(filing.reference, agent.id)
        if found is None:
            return None
        known = read(found)
        if known.right is not filing.right:
            raise Conflict(
                "AGENT_REFERENCE_TAKEN",
                "This reference is of a request for another right.",
                "Give each request a reference of its own.",
            )
        return known

    async def _customers(self, identifiers: Sequence[Identifier]) -> list[bytes]:
        """Everybody whom one of these ids leads to, by id."""
        found = set()
        for one in identifiers:
            customer = await self.customers.by_identifier(self.blind.of(one.type, one.value.value))
            if customer is not None:
                found.add(customer)
        return sorted(found)

    async def _withdraw(self, request: bytes, by: str) -> None:
        for _ in range(ATTEMPTS):
            document = await self.requests.get(request)
            if document is None or document["state"] == State.WITHDRAWN.value:
                return
            if not model.read(document).open:
                raise Conflict("REQUEST_OVER", "The request is over.")
            if any(one["state"] == "done" for one in document["steps"]):
                raise Conflict("REQUEST_UNDER_WAY", "The request is being carried out already.")
            change = turned(document, State.WITHDRAWN, self.now_ms(), by)
            kept = {name: value for name, value in change.items() if value is not None}
            gone = [name for name, value in change.items() if value is None]
            if await self.requests.change(request, document["v"], kept, gone):
                return
        raise Conflict("REQUEST_UNDER_WAY", "The request is changing now.", "Ask again in a moment.")


def _digest(agent: Agent, reference: str) -> bytes:
    """So that whoever files again, after an answer that was lost, files the same."""
    return hashlib.sha256(f"{agent.kind.value} {agent.id} {reference}".encode()).digest()[:16]
