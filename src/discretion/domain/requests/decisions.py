"""What becomes of a request by somebody's word: decided, extended, paused, appealed, taken back.

Refused only with the provision that allows it, and with what the person can do next (GDPR Art. 12(4)); longer
or standing still only where every law that counts lets it, and told to the person (Art. 12(3)). The days that
are kept beside a request are counted anew with every change.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from discretion.domain.requests.deadlines import Clock
from discretion.domain.requests.model import Assurance, Reason, Request, State, read, turned
from discretion.domain.requests.submission import File, dated, kept
from discretion.errors import BadRequest, Conflict, NotFound
from discretion.law.deadline import Extension, Pause, Undue
from discretion.law.jurisdiction import Jurisdiction, Length, Stop
from discretion.store.requests import Requests

Document = Mapping[str, Any]
Turning = Callable[[Document], Mapping[str, Any]]
"""What is to be set in a request as it stands; None is to be unset."""

Followed = Callable[[Document], Awaitable[None]]


async def _by_nobody(_document: Document) -> None:
    """Nothing follows from a change."""


REFUSALS = frozenset(
    {
        Reason.FRAUD,
        Reason.NOT_VERIFIED,
        Reason.NO_MATCH,
        Reason.NOT_COVERED,
        Reason.OUTSIDE_JURISDICTION,
        Reason.TOO_MANY,
        Reason.OTHER,
    }
)
"""Why a steward may refuse."""

MAX_WORDS = 2_000
TRIES = 5
_PROVISION = re.compile(r"\d")
_DECIDABLE = frozenset(
    {State.INITIATED, State.ACKNOWLEDGED, State.ACTION_REQUIRED, State.ACTION_PERFORMED, State.DELAYED}
)


@dataclass(frozen=True, slots=True)
class Decide:
    """Changes requests. ``followed`` is told of each as it stands after a change."""

    requests: Requests
    clock: Clock
    file: File
    now_ms: Callable[[], int]
    kick: Callable[[], None]
    followed: Followed = _by_nobody

    async def accept(self, request: bytes, by: str, told: Document | None = None) -> Request:
        """Have a request carried out; one that no steps carry out is fulfilled by what it was ``told``.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``; Conflict: ``REQUEST_STATE``; BadRequest: ``ANSWER_MISSING``.
        """

        def accepted(document: Document) -> Mapping[str, Any]:
            self._undecided(document)
            if document.get("customer") is None:
                raise Conflict("REQUEST_OF_NOBODY", "Nobody is known who could have asked for this.")
            now = self.now_ms()
            proven = {"identified": document.get("identified", now), "expires": None, **(told or {})}
            if document.get("reason") == Reason.IDENTITY:
                proven["assurance"] = int(Assurance.OFFICE)
            if document["steps"]:
                return {**turned(document, State.ACCEPTED, now, by), "next": now, **proven}
            if told is None:
                raise BadRequest(
                    "ANSWER_MISSING",
                    "Nothing carries this right out by itself, so the answer is in words.",
                    "Give 'answer': what was done, as the person is to read it.",
                )
            return {**turned(document, State.FULFILLED, now, by), **proven}

        changed = await self.change(request, accepted)
        self.kick()
        return changed

    async def refuse(
        self, request: bytes, by: str, reason: Reason, law: str, words: str, more: str | None = None
    ) -> Request:
        """Refuse, under a provision, in words for the person; what they can do next is added.

        Raises:
            BadRequest: ``REFUSAL_REASON``, ``REFUSAL_LAW``, ``WORDS_LENGTH``;
            Conflict: ``REQUEST_UNDER_WAY``; else as ``accept``.
        """
        if reason not in REFUSALS:
            raise BadRequest("REFUSAL_REASON", f"Nobody is refused for '{reason}'.")
        if not _PROVISION.search(law) or len(law) > 200:
            raise BadRequest(
                "REFUSAL_LAW",
                "A refusal names the provision that allows it.",
                "Such as 'GDPR Art. 17(3)(b)' or 'Cal. Civ. Code 1798.105(d)'.",
            )
        spoken(words)

        def refused(document: Document) -> Mapping[str, Any]:
            if _accepted(document):  # what nobody had to decide is looked at before anything is done
                _untouched(document)
            else:
                self._undecided(document)
            following = " ".join((*((more,) if more else ()), self.following(read(document))))
            told = {"law": law, "words": words, "next": following}
            return {**turned(document, State.REJECTED, self.now_ms(), by, reason), "refusal": told}

        return await self.change(request, refused)

    async def extend(self, request: bytes, by: str, why: str, length: Length | None) -> Request:
        """Take longer to answer, told to the person now.

        Raises:
            BadRequest: ``WORDS_LENGTH``; Conflict: ``EXTENSION_NOT_ALLOWED``, with the law's reason.
        """
        spoken(why)

        def extended(document: Document) -> Mapping[str, Any]:
            now, here = self.now_ms(), read(document)
            if here.extension is not None:
                raise Conflict("EXTENSION_NOT_ALLOWED", "The time is made longer once.")
            allowed = self.clock.may_extend(replace(here, extension=Extension(now, length)))
            if isinstance(allowed, Undue):
                raise Conflict("EXTENSION_NOT_ALLOWED", allowed.message)
            told: dict[str, Any] = {"told": now, "why": why}
            if length is not None:
                told |= {"count": length.count, "unit": length.unit.value}
            return {**turned(document, State.DELAYED, now, by), "extension": told, "warned": None}

        return await self.change(request, extended)

    async def pause(self, request: bytes, by: str, reason: Reason) -> Request:
        """Ask the person for what is missing; where every law lets it, the time stands still until then.

        Raises:
            BadRequest: ``PAUSE_REASON``; Conflict: ``PAUSE_NOT_ALLOWED``, ``REQUEST_STATE``,
            ``REQUEST_UNDER_WAY``.
        """
        if reason.value not in set(Stop):
            raise BadRequest("PAUSE_REASON", f"The time does not stand still for '{reason}'.")

        def paused(document: Document) -> Mapping[str, Any]:
            _untouched(document)
            now, here = self.now_ms(), read(document)
            pause = Pause(Stop(reason.value), now)
            refused = self.clock.may_pause(replace(here, pauses=(*here.pauses, pause)))
            if refused is not None:
                raise Conflict("PAUSE_NOT_ALLOWED", refused.message)
            pauses = [*document.get("pauses", ()), {"reason": reason.value, "start": now}]
            change = turned(document, State.ACTION_REQUIRED, now, by, reason)
            return {**change, "pauses": pauses, "next": None}

        return await self.change(request, paused)

    async def resume(self, request: bytes, by: str, told: Document | None = None) -> Request:
        """What was asked for has come; the time runs on.

        Raises:
            Conflict: ``REQUEST_STATE``; it waits for nothing.
        """

        def resumed(document: Document) -> Mapping[str, Any]:
            now = self.now_ms()
            change = answered(document, now, by)
            if document.get("reason") == Reason.IDENTITY:
                seen = {"identified": document.get("identified", now), "assurance": int(Assurance.OFFICE)}
                change |= {**seen, "expires": None, "code": None}
            return {**change, **_unpaused(document, now), **(told or {})}

        changed = await self.change(request, resumed)
        self.kick()
        return changed

    async def withdraw(self, request: bytes, by: str) -> Request:
        """Take a request back, as long as nothing of it was done.

        Raises:
            Conflict: ``REQUEST_STATE``, ``REQUEST_UNDER_WAY``.
        """

        def withdrawn(document: Document) -> Mapping[str, Any]:
            _untouched(document)
            return turned(document, State.WITHDRAWN, self.now_ms(), by)

        return await self.change(request, withdrawn)

    async def proven(self, request: bytes, by: str, assurance: int, more: Document | None = None) -> Request:
        """It is proven who asks: the laws are theirs, and what waits for nothing else is carried out."""
        laws = await self._laws(request)

        def known(document: Document) -> Mapping[str, Any]:
            now = self.now_ms()
            ready = bool(document["steps"]) and not document["decides"]
            state = State.ACCEPTED if ready else State.ACKNOWLEDGED
            return {
                **turned(document, state, now, by),
                **_unpaused(document, now),
                **({"next": now} if ready else {}),
                **({"laws": laws} if laws else {}),
                "identified": now,
                "assurance": assurance,
                "expires": None,
                "code": None,
                **(more or {}),
            }

        changed = await self.change(request, known)
        self.kick()
        return changed

    async def change(self, request: bytes, turning: Turning) -> Request:
        """Change a request as it stands, however many others do.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``; Conflict: ``REQUEST_BUSY``, and what ``turning`` raises.
        """
        for _ in range(TRIES):
            document = await self.requests.get(request)
            if document is None:
                raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
            change = dict(turning(document))
            after = kept({**document, **change})
            change |= dated(self.clock, after)
            if await self.requests.change(request, document["v"], change):
                changed = kept({**after, **change, "v": document["v"] + 1})
                await self.followed(changed)
                return read(changed)
        raise Conflict("REQUEST_BUSY", "This request changes all the time.", "Try again in a moment.")

    def following(self, request: Request) -> str:
        """What the person can do about a refusal, by the laws that protect them."""
        ways = []
        if appeal := self.clock.appealable(request):
            ways.append(f"You can appeal to us ({_cited(appeal)}), with appeal(request:).")
        ways += [f"You can complain to {_authority(one)}." for one in self.clock.laws(request)]
        ways.append("You can go to court.")
        return " ".join(dict.fromkeys(ways))

    async def _laws(self, request: bytes) -> list[str] | None:
        document = await self.requests.get(request)
        if document is None or document.get("customer") is None:
            return None
        wanted = {"$or": [{"_id": document["customer"]}, {"merged.id": document["customer"]}]}
        found = await self.file.database.find_one("customers", wanted, {"laws": 1})
        return None if found is None else list(found["laws"])

    def _undecided(self, document: Document) -> None:
        """Raises Conflict ``REQUEST_STATE`` for what was decided before, or waits for proof of who asks."""
        state = State(document["state"])
        if state not in _DECIDABLE or _accepted(document):
            raise Conflict("REQUEST_STATE", f"A request that is {state} is not decided (again).")


def answered(document: Document, now: int, by: str) -> dict[str, Any]:
    """Members to be set when what was missing has come: what was accepted before is carried out on."""
    if _accepted(document):
        return {**turned(document, State.ACCEPTED, now, by), "next": now}
    return turned(document, State.ACTION_PERFORMED, now, by)


def _accepted(document: Document) -> bool:
    return any(one["state"] == State.ACCEPTED for one in document["history"])


def _untouched(document: Document) -> None:
    """Raises Conflict ``REQUEST_UNDER_WAY`` for what was begun: half erased, nothing is left standing."""
    if any(one["state"] == "done" for one in document["steps"]) or "snapshot" in document:
        raise Conflict("REQUEST_UNDER_WAY", "Part of it was carried out, and it is carried out whole.")


def spoken(words: str) -> str:
    """Words for a person, as they are.

    Raises:
        BadRequest: ``WORDS_LENGTH``.
    """
    if not words.strip() or len(words) > MAX_WORDS:
        raise BadRequest("WORDS_LENGTH", f"Words to the person have from 1 to {MAX_WORDS} characters.")
    return words


def _unpaused(document: Document, now: int) -> dict[str, Any]:
    pauses = document.get("pauses")
    return {"pauses": [{**one, "end": one.get("end", now)} for one in pauses]} if pauses else {}


def _cited(laws: list[Jurisdiction]) -> str:
    return ", ".join(one.law for one in laws)


def _authority(law: Jurisdiction) -> str:
    return f"{law.authority.name} ({law.authority.url})"
