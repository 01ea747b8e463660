"""Proving who asks with a code that was sent to an address we know of them.

Eight digits, good for ten minutes and five tries, kept as Argon2id (RFC 9106; the parameters are OWASP's).
How often is limited before anything is hashed. Whether anybody is known is not told: for nobody there is a
code too, which is sent to nobody, and the same is hashed, answered and counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from discretion.domain.requests.code_addresses import Addresses
from discretion.domain.requests.decisions import Decide
from discretion.domain.requests.mailer import Post
from discretion.domain.requests.model import Assurance, Reason, Request, State
from discretion.errors import BadRequest, Conflict, DiscretionError, TooMany

LIFE_MS, TRIES, DIGITS = 600_000, 5, 8
CODES, WITHIN_MS = 3, 3_600_000
"""Codes that may be sent to one person, whatever they are asked for, and in how long.

So there are 15 tries an hour at a code of theirs, 16,200 until a request expires: one in 6,000 finds it.
"""

PACE, PACE_MS, PACED = 20, 60_000, 10_000
"""Tries of one caller within a time, and how many callers are remembered."""

TOGETHER = 2
"""Hashes that are worked out at once; each takes 19 MiB."""

SUBJECT = "Your code"
TEXT = """Your code is {code}. It is good for ten minutes.

Somebody asked us about the data that we keep of you, and this shows that it is you. If it was not you who
asked, give this code to nobody; nothing will be done.
"""

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_log = logging.getLogger(__name__)
Document = Mapping[str, Any]


class Pace:
    """How often each caller tried lately."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._tries: OrderedDict[str, list[int]] = OrderedDict()

    def count(self, who: str) -> None:
        """One more try.

        Raises:
            TooMany: ``TRIES_TOO_MANY``.
        """
        now = self._now_ms()
        lately = [one for one in self._tries.pop(who, ()) if now - one < PACE_MS]
        self._tries[who] = lately
        if len(lately) >= PACE:
            raise TooMany("TRIES_TOO_MANY", "There were too many tries.", "Wait a minute.")
        lately.append(now)
        if len(self._tries) > PACED:
            self._tries.popitem(last=False)


@dataclass(slots=True)
class Prove:
    """Sends codes and takes them."""

    decide: Decide
    post: Post
    addresses: Addresses
    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]
    pace: Pace
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(TOGETHER), repr=False)
    _sending: set[asyncio.Task[None]] = field(default_factory=set, repr=False)
    _nobody: str = field(default="", repr=False)

    async def send(self, request: bytes, who: str, address: str | None, *, secret: bool) -> None:
        """Send a code to an address, if there is one.

        Args:
            request: For which.
            who: Who asks for it, as far as tries are counted.
            address: Where to.
            secret: Whether there is one is told to nobody: the answer waits for no mail.

        Raises:
            Conflict: ``REQUEST_STATE``; TooMany: ``CODES_TOO_MANY``, ``TRIES_TOO_MANY``;
            Unavailable: ``MAIL_UNAVAILABLE``.
        """
        self.pace.count(who)
        await self.post.ready()
        code = f"{int.from_bytes(self.entropy(8)) % 10**DIGITS:0{DIGITS}d}"
        hashed = await self._hash(code)

        def sent(document: Document) -> Document:
            waiting(document)
            now = self.now_ms()
            lately = [one for one in document.get("codes", ()) if now - one < WITHIN_MS]
            if len(lately) >= CODES:
                raise _codes_too_many()
            kept = {"hash": hashed, "tries": 0, "until": now + LIFE_MS}
            return {"code": kept, "codes": [*lately, now]}

        asked = await self.decide.change(request, sent)
        await self._counted(asked.id)
        if address is None:
            return
        mail = self.post(address, SUBJECT, TEXT.format(code=code))
        if not secret:
            await mail
            return
        task = asyncio.create_task(_quietly(mail))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _counted(self, request: bytes) -> None:
        """Count codes over all requests about one person. Of several at a time all see each other's.

        Raises:
            TooMany: ``CODES_TOO_MANY``; the code just made is no more.
        """
        document = await self.decide.requests.get(request)
        assert document is not None
        since = self.now_ms() - WITHIN_MS
        if await self.decide.requests.codes(document, since, CODES + 1) <= CODES:
            return

        def unsent(document: Document) -> Document:
            return {"code": None, "codes": list(document.get("codes", ()))[:-1]}

        await self.decide.change(request, unsent)
        raise _codes_too_many()

    async def take(self, request: bytes, who: str, by: str, code: str) -> Request:
        """Take a code; who asks is proven if it is the one.

        Raises:
            Conflict: ``REQUEST_STATE``; BadRequest: ``CODE_WRONG``, whatever was wrong with it;
            TooMany: ``TRIES_TOO_MANY``.
        """
        self.pace.count(who)
        found: list[Document | None] = [None]

        def tried(document: Document) -> Document:
            waiting(document)
            kept = document.get("code")
            good = kept is not None and kept["tries"] < TRIES and self.now_ms() < kept["until"]
            found[0] = kept if good and document.get("customer") is not None else None
            return {"code": {**kept, "tries": min(kept["tries"] + 1, TRIES)}} if kept is not None else {}

        await self.decide.change(request, tried)
        kept = found[0]
        right = await self._verify(await self._stand_in() if kept is None else kept["hash"], code)
        if kept is None or not right:
            raise BadRequest("CODE_WRONG", "The code is not good.", "Look again, or have another one sent.")
        return await self.decide.proven(request, by, Assurance.CODE)

    async def _stand_in(self) -> str:
        """A hash that nobody's code has."""
        if not self._nobody:
            self._nobody = await self._hash(self.entropy(16).hex())
        return self._nobody

    async def _hash(self, code: str) -> str:
        async with self._room:
            return await asyncio.to_thread(_hasher.hash, code, salt=self.entropy(16))

    async def _verify(self, hashed: str, code: str) -> bool:
        async with self._room:
            try:
                return await asyncio.to_thread(_hasher.verify, hashed, code)
            except VerificationError:
                return False


def waiting(document: Document) -> None:
    """Whether a request waits for proof of who asks.

    Raises:
        Conflict: ``REQUEST_STATE``.
    """
    if (document["state"], document.get("reason")) != (State.ACTION_REQUIRED, Reason.IDENTITY):
        raise Conflict("REQUEST_STATE", "This request does not wait for proof of who asks.")


def _codes_too_many() -> TooMany:
    return TooMany("CODES_TOO_MANY", f"There are at most {CODES} codes in an hour.", "Wait.")


async def _quietly(mail: Any) -> None:
    try:
        await mail
    except DiscretionError as error:
        _log.error("a code could not be sent: %s", error.code)


def masked(address: str) -> str:
    """An address as it is shown to somebody who may not be theirs."""
    name, _, domain = address.partition("@")
    place, _, top = domain.rpartition(".")
    return f"{name[:1]}***@{place[:1]}***.{top}"
