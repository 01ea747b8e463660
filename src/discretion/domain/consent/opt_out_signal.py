"""Heeding the opt-out signal of a browser in which a customer asks for themselves.

It is the customer's own browser, so what it says holds for all that is known of them, from the first
request on (11 CCR 7025(c)(1)).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from discretion.domain.consent.statement_writer import Also, Speak, Utterance
from discretion.errors import Conflict, NotFound
from discretion.seal.pairwise_ids import Pairwise
from discretion.token.grant import Grant

SIGNAL = "gpc"
KIND = b"customer"
AGAIN_MS = 60_000
"""How long a customer's signal is not written again; after that it is, for it may have been lifted."""

REMEMBERED = 10_000


class Heed:
    """Puts ``Sec-GPC: 1`` in force for the customer who sent it; ``also`` is written with it."""

    def __init__(self, speak: Speak, pairwise: Pairwise, now_ms: Callable[[], int], also: Also) -> None:
        self._speak = speak
        self._also = also
        self._pairwise = pairwise
        self._now_ms = now_ms
        self._heard: OrderedDict[bytes, int] = OrderedDict()

    async def __call__(self, grant: Grant) -> None:
        """Heed the signal that came with a request; when this returns it is in force.

        Raises:
            Unavailable: the store is away.
        """
        if not grant.is_self:
            return
        customer = self._pairwise.open(grant.client, KIND, grant.subject)
        now = self._now_ms()
        if customer is None or now - self._heard.get(customer, -AGAIN_MS) < AGAIN_MS:
            return
        try:
            said = Utterance(f"{SIGNAL}-{now // AGAIN_MS}", signals=frozenset({SIGNAL}))
            await self._speak.say(customer, said, self._also)
        except NotFound:
            return
        except Conflict:  # another process heard it within the minute, under the same name
            pass
        self._heard[customer] = now
        self._heard.move_to_end(customer)
        if len(self._heard) > REMEMBERED:
            self._heard.popitem(last=False)

    def forget(self) -> None:
        """Let go of whom it heard; what they said is on record."""
        self._heard.clear()
