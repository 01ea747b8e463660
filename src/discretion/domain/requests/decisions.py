"""Decisions about a request: accept, refuse, extend, pause, resume, withdraw, and confirm the identity.

A refusal names the provision that allows it and the remedies of the person (GDPR Art. 12(4)). A deadline is
extended or paused only if every applicable law allows it, and the person is told why (Art. 12(3)): the texts
are stored in the request and read through the API; no mail is sent. A steward who accepts or resumes a
request that waits for identity proof vouches for the requester. Every change recomputes the stored dates.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from discretion.domain.requests.deadlines import DeadlineClock
from discretion.domain.requests.model import (
    Assurance,
    RequestReason,
    RequestState,
    SubjectRequest,
    build_transition,
    read_request,
)
from discretion.domain.requests.remedies import describe_remedies
from discretion.domain.requests.submission import RequestSubmission, build_date_fields, drop_unset_fields
from discretion.errors import BadRequest, Conflict, NotFound
from discretion.law.deadline import DeadlineExtension, DeadlinePause, NoDueDate
from discretion.law.jurisdiction import PauseReason, TimeLength
from discretion.store.document import Document
from discretion.store.requests import RequestStore
from discretion.store.transactions import Session

BuildChange = Callable[[Document], Mapping[str, Any]]
"""Computes the fields to set in a request from its current document; a value of None removes the field."""

AfterChange = Callable[[Document, Session], Awaitable[None]]
"""Called with the document of a request that is filed or changed, in the same transaction."""


async def _do_nothing(_document: Document, _session: Session) -> None: ...


REFUSAL_REASONS = frozenset(
    {
        RequestReason.FRAUD,
        RequestReason.NOT_VERIFIED,
        RequestReason.NO_MATCH,
        RequestReason.NOT_COVERED,
        RequestReason.OUTSIDE_JURISDICTION,
        RequestReason.TOO_MANY,
        RequestReason.OTHER,
    }
)
"""Reasons for which a steward may refuse a request."""

MAX_TEXT_LENGTH = 2_000

_PROVISION = re.compile(r"\d")
_DECIDABLE = frozenset(
    {
        RequestState.INITIATED,
        RequestState.ACKNOWLEDGED,
        RequestState.ACTION_REQUIRED,
        RequestState.ACTION_PERFORMED,
        RequestState.DELAYED,
    }
)


@dataclass(frozen=True, slots=True)
class RequestDecisions:
    """Changes of requests by the privacy office and by the requester.

    ``after_change`` is called in the transaction of each change; ``wake_runner`` wakes the workflow runner.
    """

    requests: RequestStore
    deadline_clock: DeadlineClock
    submission: RequestSubmission
    now_ms: Callable[[], int]
    wake_runner: Callable[[], None]
    after_change: AfterChange = _do_nothing

    async def accept(self, request: bytes, by: str, answer: Document | None = None) -> SubjectRequest:
        """Accept a request. Without a workflow the answer itself fulfils it.

        Args:
            request: Id of the request.
            by: Actor for the history, such as ``steward:privacy-office``.
            answer: The answer to the person, as ``RequestMessages.seal_message`` returns it.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            Conflict: ``REQUEST_STATE``, ``REQUEST_OF_NOBODY``.
            BadRequest: ``ANSWER_MISSING``.
        """

        def build_acceptance(document: Document) -> Mapping[str, Any]:
            self._require_undecided(document)
            if document.get("customer") is None:
                raise Conflict("REQUEST_OF_NOBODY", "This request matches no customer.")
            now = self.now_ms()
            identity_fields = {
                "identified": document.get("identified", now),
                "expires": None,
                # Added to the messages of now: one may have come in since the steward read the request.
                **({} if answer is None else {"messages": [*document.get("messages", ()), answer]}),
            }
            if document.get("reason") == RequestReason.IDENTITY:
                # By accepting it the steward vouches for the requester's identity.
                identity_fields["assurance"] = int(Assurance.OFFICE)
            if document["steps"]:
                return {
                    **build_transition(document, RequestState.ACCEPTED, now, by),
                    "next": now,
                    **identity_fields,
                }
            if answer is None:
                raise BadRequest(
                    "ANSWER_MISSING",
                    "This right has no automatic workflow, so it needs a written answer.",
                    "Give 'answer': tell the person what was done.",
                )
            return {**build_transition(document, RequestState.FULFILLED, now, by), **identity_fields}

        changed = await self.apply_change(request, build_acceptance)
        self.wake_runner()
        return changed

    async def refuse(
        self,
        request: bytes,
        by: str,
        reason: RequestReason,
        law: str,
        explanation: str,
        further_remedy: str | None = None,
    ) -> SubjectRequest:
        """Refuse a request under a provision, and store for the person why and which remedies they have.

        Args:
            request: Id of the request.
            by: Actor for the history.
            reason: One of ``REFUSAL_REASONS``.
            law: The provision, such as ``GDPR Art. 17(3)(b)``.
            explanation: Text for the person.
            further_remedy: Text about a remedy in addition to those of the applicable laws.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            BadRequest: ``REFUSAL_REASON``, ``REFUSAL_LAW``, ``WORDS_LENGTH``.
            Conflict: ``REQUEST_STATE``, ``REQUEST_UNDER_WAY``.
        """
        if reason not in REFUSAL_REASONS:
            raise BadRequest("REFUSAL_REASON", f"'{reason}' is not a reason for a refusal.")
        if not _PROVISION.search(law) or len(law) > 200:
            raise BadRequest(
                "REFUSAL_LAW",
                "A refusal must name the provision that allows it.",
                "For example 'GDPR Art. 17(3)(b)' or 'Cal. Civ. Code 1798.105(d)'.",
            )
        check_text(explanation)

        def build_refusal(document: Document) -> Mapping[str, Any]:
            # A request that was accepted automatically can still be refused until its first step has run.
            if _was_accepted(document):
                _require_not_started(document)
            else:
                self._require_undecided(document)
            remedies = " ".join(
                (
                    *((further_remedy,) if further_remedy else ()),
                    describe_remedies(self.deadline_clock, read_request(document)),
                )
            )
            refusal = {"law": law, "words": explanation, "next": remedies}
            return {
                **build_transition(document, RequestState.REJECTED, self.now_ms(), by, reason),
                "refusal": refusal,
            }

        return await self.apply_change(request, build_refusal)

    async def extend(
        self, request: bytes, by: str, explanation: str, length: TimeLength | None
    ) -> SubjectRequest:
        """Extend the deadline once, and store for the person why.

        Args:
            request: Id of the request.
            by: Actor for the history.
            explanation: Text for the person.
            length: How much longer; None for as long as the laws allow.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            BadRequest: ``WORDS_LENGTH``.
            Conflict: ``EXTENSION_NOT_ALLOWED`` with the reason of the law, ``REQUEST_STATE``.
        """
        check_text(explanation)

        def build_extension(document: Document) -> Mapping[str, Any]:
            now, current = self.now_ms(), read_request(document)
            if current.extension is not None:
                raise Conflict("EXTENSION_NOT_ALLOWED", "A deadline can be extended only once.")
            allowed = self.deadline_clock.check_extension(
                replace(current, extension=DeadlineExtension(now, length))
            )
            if isinstance(allowed, NoDueDate):
                raise Conflict("EXTENSION_NOT_ALLOWED", allowed.message)
            # `told`: when the person was told (ms), `why`: the text for them
            extension: dict[str, Any] = {"told": now, "why": explanation}
            if length is not None:
                extension |= {"count": length.count, "unit": length.unit.value}
            return {
                **build_transition(document, RequestState.DELAYED, now, by),
                "extension": extension,
                "warned": None,
            }

        return await self.apply_change(request, build_extension)

    async def pause(self, request: bytes, by: str, reason: RequestReason) -> SubjectRequest:
        """Stop the clock and wait for the person to supply what is missing, if every law allows it.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            BadRequest: ``PAUSE_REASON``.
            Conflict: ``PAUSE_NOT_ALLOWED``, ``REQUEST_STATE``, ``REQUEST_UNDER_WAY``.
        """
        if reason.value not in set(PauseReason):
            raise BadRequest("PAUSE_REASON", f"'{reason}' does not stop the clock.")

        def build_pause(document: Document) -> Mapping[str, Any]:
            _require_not_started(document)
            now, current = self.now_ms(), read_request(document)
            pause = DeadlinePause(PauseReason(reason.value), now)
            refusal = self.deadline_clock.check_pause(replace(current, pauses=(*current.pauses, pause)))
            if refusal is not None:
                raise Conflict("PAUSE_NOT_ALLOWED", refusal.message)
            pauses = [*document.get("pauses", ()), {"reason": reason.value, "start": now}]
            change = build_transition(document, RequestState.ACTION_REQUIRED, now, by, reason)
            return {**change, "pauses": pauses, "next": None}

        return await self.apply_change(request, build_pause)

    async def resume(self, request: bytes, by: str, extra_fields: Document | None = None) -> SubjectRequest:
        """Restart the clock because the person supplied what was missing; ``extra_fields`` are set too.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            Conflict: ``REQUEST_STATE``; the request does not wait for the person.
        """

        def build_resumption(document: Document) -> Mapping[str, Any]:
            now = self.now_ms()
            change = build_answered_change(document, now, by)
            if document.get("reason") == RequestReason.IDENTITY:
                identity_fields = {
                    "identified": document.get("identified", now),
                    "assurance": int(Assurance.OFFICE),
                }
                change |= {**identity_fields, "expires": None, "code": None}
            return {**change, **_end_pauses(document, now), **(extra_fields or {})}

        changed = await self.apply_change(request, build_resumption)
        self.wake_runner()
        return changed

    async def withdraw(self, request: bytes, by: str) -> SubjectRequest:
        """Withdraw a request of which no step has run.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            Conflict: ``REQUEST_STATE``, ``REQUEST_UNDER_WAY``.
        """

        def build_withdrawal(document: Document) -> Mapping[str, Any]:
            _require_not_started(document)
            return build_transition(document, RequestState.WITHDRAWN, self.now_ms(), by)

        return await self.apply_change(request, build_withdrawal)

    async def confirm_identity(
        self, request: bytes, by: str, assurance: int, extra_fields: Document | None = None
    ) -> SubjectRequest:
        """Record that the requester proved their identity, and accept the request if nobody has to decide it.

        Until now the strictest law applied, because the laws of the customer would have shown whether one was
        found. From now on the laws of the customer apply.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            Conflict: ``REQUEST_STATE``.
        """
        laws = await self._find_customer_laws(request)

        def build_confirmation(document: Document) -> Mapping[str, Any]:
            now = self.now_ms()
            is_automatic = bool(document["steps"]) and not document["decides"]
            state = RequestState.ACCEPTED if is_automatic else RequestState.ACKNOWLEDGED
            return {
                **build_transition(document, state, now, by),
                **_end_pauses(document, now),
                **({"next": now} if is_automatic else {}),
                **({"laws": laws} if laws else {}),
                "identified": now,
                "assurance": assurance,
                "expires": None,
                "code": None,
                **(extra_fields or {}),
            }

        changed = await self.apply_change(request, build_confirmation)
        self.wake_runner()
        return changed

    async def apply_change(self, request: bytes, build_change: BuildChange) -> SubjectRequest:
        """Change a request atomically with respect to its current document, and recompute its dates.

        ``build_change`` is called again if another worker changed the request in between.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            DiscretionError: What ``build_change`` raises.
        """

        async def change_request(session: Session) -> Document:
            document = await self.requests.find(request, session)
            if document is None:
                raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
            change = dict(build_change(document))
            changed_document = drop_unset_fields({**document, **change})
            change |= build_date_fields(self.deadline_clock, changed_document)
            await self.requests.update(request, document["v"], change, session)
            stored = drop_unset_fields({**changed_document, **change, "v": document["v"] + 1})
            await self.after_change(stored, session)
            return stored

        return read_request(await self.submission.transactions.run(change_request))

    async def _find_customer_laws(self, request: bytes) -> list[str] | None:
        document = await self.requests.find(request)
        if document is None or document.get("customer") is None:
            return None
        current = await self.submission.people.current(document["customer"])
        return None if current is None else list(current.laws)

    def _require_undecided(self, document: Document) -> None:
        """Raise Conflict ``REQUEST_STATE`` if a request is being executed, or was decided before."""
        state = RequestState(document["state"])
        if state not in _DECIDABLE or _was_accepted(document):
            raise Conflict("REQUEST_STATE", f"A request in the state {state} cannot be decided (again).")


def build_answered_change(document: Document, now: int, by: str) -> dict[str, Any]:
    """Return the fields to set when the person supplied what was missing.

    A request that was accepted before continues with its workflow; any other goes to a steward.

    Raises:
        Conflict: ``REQUEST_STATE``.
    """
    if _was_accepted(document):
        return {**build_transition(document, RequestState.ACCEPTED, now, by), "next": now}
    return build_transition(document, RequestState.ACTION_PERFORMED, now, by)


def _was_accepted(document: Document) -> bool:
    return any(transition["state"] == RequestState.ACCEPTED for transition in document["history"])


def _require_not_started(document: Document) -> None:
    """Raise Conflict ``REQUEST_UNDER_WAY`` if a step has run: a half-finished erasure cannot be undone.

    The first step of an erasure stores ``snapshot`` in the transaction that deletes the profile.
    """
    if any(step["state"] == "done" for step in document["steps"]) or "snapshot" in document:
        raise Conflict("REQUEST_UNDER_WAY", "The execution of this request has begun and cannot be stopped.")


def check_text(text: str) -> str:
    """Return a text for the person unchanged.

    Raises:
        BadRequest: ``WORDS_LENGTH``.
    """
    if not text.strip() or len(text) > MAX_TEXT_LENGTH:
        raise BadRequest("WORDS_LENGTH", f"A text for the person has 1 to {MAX_TEXT_LENGTH} characters.")
    return text


def _end_pauses(document: Document, now: int) -> dict[str, Any]:
    pauses = document.get("pauses")
    return {"pauses": [{**pause, "end": pause.get("end", now)} for pause in pauses]} if pauses else {}
