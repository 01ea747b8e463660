"""Filing a request: recognised if it is open already, its laws noted, and on its way when this returns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from discretion.domain.rights.clock import Clock
from discretion.domain.rights.model import Asked, Asker, Reason, Request, State, needed, read
from discretion.errors import Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.law.model import UNKNOWN
from discretion.store.driver import Database, Session
from discretion.store.requests import Requests

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
            customer: Whom it is about, an older id as it may be; None if nobody is known by what was given.
            asked: What for.
            asker: By whom.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``.
        """

        async def work(session: Session) -> Document:
            here, laws = await self._subject(session, customer)
            name = _name(here, asked)
            known = None if here is None else await self.requests.open_as(name, session)
            if known is not None:
                return known
            document = self._document(here, laws, name, asked, asker)
            await self.requests.add(document, session)
            return document

        try:
            filed = read(await self.database.transaction(work))
        except Conflict:  # the same was filed at the same time
            filed = read(await self.database.transaction(work))
        self.kick()
        return filed

    async def _subject(self, session: Session, customer: bytes | None) -> tuple[bytes | None, list[str]]:
        if customer is None:
            return None, [UNKNOWN]
        wanted = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        found = await self.database.find_one("customers", wanted, {"laws": 1}, session=session)
        if found is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        return found["_id"], found["laws"]

    def _document(
        self, customer: bytes | None, laws: list[str], name: bytes, asked: Asked, asker: Asker
    ) -> Document:
        now = self.now_ms()
        state, reason = begins(customer, asked, asker, bool(self.routes.get(asked.right)))
        proven = reason is not Reason.IDENTITY and customer is not None
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
            "laws": laws,
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
            **({} if customer is None else {"customer": customer, "open": name}),
            **({"identified": now} if proven else {}),
            **({} if asker.reference is None else {"reference": asker.reference}),
            **({} if asked.appeal_of is None else {"appeal_of": asked.appeal_of}),
            **({"next": now} if state is State.ACCEPTED else {}),
        }
        return {**told, **dated(self.clock, told)}


def begins(
    customer: bytes | None, asked: Asked, asker: Asker, automatic: bool
) -> tuple[State, Reason | None]:
    """The state a request begins in. Of nobody and of somebody who has proven nothing it is the same."""
    if customer is None or asker.assurance < needed(asked.right):
        return State.ACTION_REQUIRED, Reason.IDENTITY
    return (State.ACCEPTED if automatic and not asked.decides else State.ACKNOWLEDGED), None


def dated(clock: Clock, document: Mapping[str, Any]) -> Document:
    """The days of a request as its document stands, to be kept beside it; None is to be unset."""
    dates = clock.dates(read(document))
    found = {"due": dates.respond, "acknowledge_by": dates.acknowledge, "extend_by": dates.extend}
    stored = document.keys() & found.keys()
    return {name: at for name, at in found.items() if at is not None or name in stored}


def appealed(asked: Asked, request: Request) -> Asked:
    """An appeal against what became of a request."""
    return replace(asked, right=request.right, appeal_of=request.id, decides=True)


def _name(customer: bytes | None, asked: Asked) -> bytes:
    """The same request has the same name."""
    about = orjson.dumps(
        [asked.right.value, dict(asked.scope), (asked.appeal_of or b"").hex()], option=orjson.OPT_SORT_KEYS
    )
    return hashlib.sha256((customer or b"") + about + b"".join(sorted(asked.sealed.values()))).digest()[:16]
