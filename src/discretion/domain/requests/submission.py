"""Filing a request: recognised if it is open already, its laws noted, and on its way when this returns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from discretion.domain.requests.deadlines import Clock
from discretion.domain.requests.model import (
    AT_ONCE,
    Asked,
    Asker,
    Reason,
    Request,
    State,
    needed,
    read,
    turned,
)
from discretion.errors import Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.law.model import UNKNOWN
from discretion.store.driver.database import Database, Session
from discretion.store.requests import Requests

EXPIRES_MS = 45 * 86_400_000
"""How long who asks may take to prove who they are."""

Document = dict[str, Any]
Routes = Mapping[Right, Sequence[str]]
"""The steps that carry a right out, by their names; a right without steps is a steward's to answer."""


@dataclass(frozen=True, slots=True)
class File:
    """Files requests. ``kick`` wakes whoever carries them out."""

    database: Database
    requests: Requests
    clock: Clock
    routes: Routes
    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]
    kick: Callable[[], None]

    async def __call__(self, customer: bytes | None, asked: Asked, asker: Asker) -> Request:
        """File a request; the one that is open already if it asks for the same.

        Args:
            customer: Whom it is about, an older id as it may be; None if nobody is known by what was given,
                which takes as long and is answered the same.
            asked: What for.
            asker: By whom.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``.
        """

        async def work(session: Session) -> Document:
            here, laws = await self._subject(session, customer)
            known = await self.requests.open_as(_name(here, asked, asker), session)
            if known is not None:
                return known
            document = {**self.document(here, laws, asked, asker), **_named(customer)}
            await self.requests.add(document, session)
            return document

        try:
            filed = read(await self.database.transaction(work))
        except Conflict:  # the same was filed at the same time
            filed = read(await self.database.transaction(work))
        self.kick()
        return filed

    async def _subject(self, session: Session, customer: bytes | None) -> tuple[bytes | None, list[str]]:
        named = customer or b""
        wanted = {"$or": [{"_id": named}, {"merged.id": named}]}
        found = await self.database.find_one("customers", wanted, {"laws": 1}, session=session)
        if customer is None:
            return None, [UNKNOWN]
        if found is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        return found["_id"], found["laws"]

    def document(self, customer: bytes | None, laws: Sequence[str], asked: Asked, asker: Asker) -> Document:
        """A request that was filed just now, as it is kept.

        Where somebody is named by an address alone, its days are those of the strictest law until it is
        proven who asks: theirs would tell whether anybody is known under it.
        """
        now = self.now_ms()
        state, reason = begins(customer, asked, asker, bool(self.routes.get(asked.right)))
        proven = reason is not Reason.IDENTITY
        told: Document = {
            "_id": self.entropy(16),
            "v": 1,
            "right": asked.right.value,
            "state": state.value,
            "client": asker.client,
            "subject": asker.subject,
            "kind": asker.kind.value,
            "by": asker.by,
            "assurance": int(asker.assurance),
            "laws": list(laws) if asker.contact is None else [UNKNOWN],
            "received": now,
            "acknowledged": now,
            "scope": dict(asked.scope),
            "sealed": dict(asked.sealed),
            "decides": asked.decides,
            "steps": [
                {"name": one, "state": "open", "attempts": 0} for one in self.routes.get(asked.right, ())
            ],
            "fence": 0,
            "until": 0,
            "history": [
                {
                    "state": state.value,
                    "at": now,
                    "by": asker.by,
                    **({} if reason is None else {"reason": reason.value}),
                }
            ],
            **({} if reason is None else {"reason": reason.value}),
            "open": _name(customer, asked, asker),
            **({} if customer is None else {"customer": customer}),
            **({} if asker.contact is None else {"contact": asker.contact}),
            **({} if proven else {"expires": now + EXPIRES_MS}),
            **({"identified": now} if proven else {}),
            **({} if asker.reference is None else {"reference": asker.reference}),
            **({} if asked.appeal_of is None else {"appeal_of": asked.appeal_of}),
            **({} if asked.began is None else {"began": asked.began}),
            **({"next": now} if state is State.ACCEPTED else {}),
        }
        return {**told, **dated(self.clock, told)}

    def fulfilled(self, customer: bytes | None, laws: Sequence[str], asked: Asked, asker: Asker) -> Document:
        """A request whose first step, if it has any, is done as it is filed; fulfilled if that is all."""
        told = self.document(customer, laws, asked, asker)
        now = told["received"]
        first, others = told["steps"][:1], told["steps"][1:]
        steps = [*({**one, "state": "done", "at": now} for one in first), *others]
        if others:
            return kept({**told, "steps": steps, "next": now})
        return kept({**told, "steps": steps, **turned(told, State.FULFILLED, now, asker.by)})


def _named(customer: bytes | None) -> Document:
    """Whom a request is about, by the id they asked under: parted again by the office, they are that one."""
    return {} if customer is None else {"customer": customer}


def begins(
    customer: bytes | None, asked: Asked, asker: Asker, automatic: bool
) -> tuple[State, Reason | None]:
    """The state a request begins in. Of nobody and of somebody who has proven nothing it is the same."""
    nobody = customer is None and asked.right not in AT_ONCE
    if nobody or asker.assurance < needed(asked.right):
        return State.ACTION_REQUIRED, Reason.IDENTITY
    return (State.ACCEPTED if automatic and not asked.decides else State.ACKNOWLEDGED), None


def dated(clock: Clock, document: Mapping[str, Any]) -> Document:
    """The days of a request as its document stands, to be kept beside it; None is to be unset."""
    dates = clock.dates(read(document))
    found = {"due": dates.respond, "acknowledge_by": dates.acknowledge, "extend_by": dates.extend}
    stored = document.keys() & found.keys()
    return {name: at for name, at in found.items() if at is not None or name in stored}


def kept(document: Mapping[str, Any]) -> Document:
    """A document without the members that are to be unset."""
    return {name: value for name, value in document.items() if value is not None}


def appealed(request: Request) -> Asked:
    """An appeal against what became of a request: the same is asked for, and a steward decides."""
    return Asked(request.right, request.scope, decides=True, appeal_of=request.id, began=request.received)


def _name(customer: bytes | None, asked: Asked, asker: Asker) -> bytes:
    """The same request has the same name: who named an address has one of that, whoever is known by it."""
    about = [asked.right.value, dict(asked.scope), (asked.appeal_of or b"").hex(), asked.same.hex()]
    by = [asker.client, asker.kind.value] if asker.contact is not None else []
    whose = asker.contact or customer or b""
    told = orjson.dumps([*about, *by], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(whose + told).digest()[:16]
