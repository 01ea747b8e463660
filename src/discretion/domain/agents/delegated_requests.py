"""The desk: where organisations file requests for people, ask how they stand, and take them back.

Both protocols come here. Each organisation sees what it filed itself, under an id of its own; that the same
is asked already by somebody else, the person perhaps, is not shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from discretion.domain.access.download_links import HandOut
from discretion.domain.agents.agent import Agent, Kind
from discretion.domain.agents.agent_request import Mandate, Standing, fresh, read, standing
from discretion.domain.ingest.message import Identifier
from discretion.domain.requests import model
from discretion.domain.requests.decisions import Decide
from discretion.domain.requests.immediate import Once
from discretion.domain.requests.model import AT_ONCE, Asked, Asker, Assurance, Request, State, needed
from discretion.domain.requests.submission import File
from discretion.errors import Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.seal.blind_index import BlindIndex
from discretion.store.agent_requests import Mandates
from discretion.store.customers import Customers
from discretion.store.requests import Requests

KEPT_MS = 60 * 24 * 3600 * 1000
"""How long a request that is over can still be asked about (DRP 1.0, 3.02: 7 to 60 days)."""


@dataclass(frozen=True, slots=True)
class Filing:
    """What is filed. A request is known by the first of ``identifiers``; ``callbacks`` have checked hosts."""

    right: Right
    identifiers: tuple[Identifier, ...]
    assurance: Assurance
    scope: Mapping[str, str] = field(default_factory=dict)
    regime: str | None = None
    reference: str | None = None
    callbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """See the module."""

    file: File
    once: Once
    decide: Decide
    requests: Requests
    mandates: Mandates
    hand_out: HandOut
    customers: Customers
    blind: BlindIndex
    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]

    async def take(self, agent: Agent, filing: Filing) -> Standing:
        """File a request, or find it, if this agent filed it before and it is open, or under this reference.

        Raises:
            Conflict: ``AGENT_REFERENCE_TAKEN``; the reference is of a request for another right.
        """
        if (known := await self._known(agent, filing)) is not None:
            return await self._standing(known)
        mandate = fresh(_digest(agent, filing.reference) if filing.reference else self.entropy(16))
        filed = await (self._instructed if agent.kind is Kind.CONTROLLER else self._asked)(
            agent, filing, mandate
        )
        if filing.reference is None and filed:
            before = await self.mandates.under(filed[0].id, agent.id)
            if before is not None:
                return await self._standing(read(before))
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
            **({"regime": filing.regime} if filing.regime else {}),
        }
        try:
            await self.mandates.add(document)
        except Conflict:  # the same was filed at the same time
            known = await self._known(agent, filing)
            if known is None:
                raise
            return await self._standing(known)
        return await self._standing(read(document))

    async def status(self, agent: Agent, mandate: bytes) -> Standing | None:
        """How a mandate stands, if it is this agent's."""
        found = await self.mandates.one(mandate, agent.id)
        return None if found is None else await self._standing(read(found))

    async def referred(self, agent: Agent, reference: str) -> Standing | None:
        """How the mandate stands to which this agent gave a reference."""
        found = await self.mandates.referred(reference, agent.id)
        return None if found is None else await self._standing(read(found))

    async def revoke(self, agent: Agent, mandate: Mandate) -> Standing:
        """Take back what was filed, as long as nothing of it was done.

        Raises:
            Conflict: ``REQUEST_UNDER_WAY``, ``REQUEST_STATE``.
        """
        for one in mandate.requests:
            document = await self.requests.get(one)
            if document is not None and document["state"] != State.WITHDRAWN:
                await self.decide.withdraw(one, voice(agent))
        return await self._standing(mandate)

    async def stands(self, mandate: Mandate) -> Standing | None:
        """How a mandate stands; None if nothing is known of its requests any more."""
        wanted = {"_id": {"$in": list(mandate.requests)}}
        found = await self.requests.find(wanted, [("_id", 1)], len(mandate.requests) or 1)
        if len(found) < len(mandate.requests):
            return None
        expires = min((one["expires"] for one in found if "expires" in one), default=None)
        return replace(standing(mandate, [model.read(one) for one in found]), expires=expires)

    async def results(self, standing: Standing) -> str | None:
        """A link to what was made for a mandate, good once and for minutes; None if there is nothing."""
        if standing.state is not State.FULFILLED or len(standing.mandate.requests) != 1:
            return None
        document = await self.requests.get(standing.mandate.requests[0])
        try:
            return None if document is None else (await self.hand_out.link(document)).url
        except (Conflict, NotFound):  # nothing is made for this right, or it is gone
            return None

    def contact(self, kind: str, spelled: str) -> bytes:
        """What a request is known by that names an address, in its one spelling."""
        return self.blind.of("request-contact", kind, spelled)

    async def _asked(self, agent: Agent, filing: Filing, _mandate: bytes) -> list[Request]:
        """What an agent asks: for one person or nobody, which looks the same until it is proven who it is."""
        first = filing.identifiers[0]
        asker = Asker(
            model.Kind.AGENT,
            voice(agent),
            agent.id,
            agent.id,
            filing.assurance,
            filing.reference,
            self.contact(first.type, first.value.value),
        )
        found = await self._customers(filing.identifiers)
        customer = found[0] if len(found) == 1 else None
        asked = Asked(filing.right, filing.scope)
        if filing.right in AT_ONCE and filing.assurance >= needed(filing.right):
            return [await self.once(customer, asked, asker)]
        return [await self.file(customer, asked, asker)]

    async def _instructed(self, agent: Agent, filing: Filing, mandate: bytes) -> list[Request]:
        """What a controller has us do: for everybody whom its ids lead to."""
        asker = Asker(
            model.Kind.STEWARD, voice(agent), agent.id, agent.id, filing.assurance, filing.reference
        )
        asked = Asked(filing.right, filing.scope, same=mandate)
        found = await self._customers(filing.identifiers)
        return [await self.file(one, asked, asker) for one in found]

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


def voice(agent: Agent) -> str:
    """Who an agent is, in the history of a request."""
    return f"{agent.kind.value}:{agent.id}"


def _digest(agent: Agent, reference: str) -> bytes:
    """So that whoever files again, after an answer that was lost, files the same."""
    return hashlib.sha256(f"{voice(agent)} {reference}".encode()).digest()[:16]
