"""Decisions about a request: accept, refuse, extend, pause, resume, withdraw, and confirm the identity.

A refusal names the provision that allows it and the remedies of the person (GDPR Art. 12(4)). A deadline is
extended or paused only if every applicable law allows it, and the person is told why (Art. 12(3)): the texts
are stored in the request and read through the API; no mail is sent. A steward who accepts or resumes a
request that waits for identity proof vouches for the requester. Every change recomputes the stored dates.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from discretion.domain.requests.deadlines import DeadlineClock
from discretion.domain.requests.model import change_state
from discretion.domain.requests.remedies import describe_remedies
from discretion.domain.requests.submission import RequestSubmission, leave_proof, set_deadlines
from discretion.errors import BadRequest, Conflict, NotFound
from discretion.law.deadline import DeadlineExtension, DeadlinePause, NoDueDate
from discretion.law.jurisdiction import PauseReason, Right, TimeLength
from discretion.store.request_state import RequesterAssurance, RequestReason, RequestState
from discretion.store.requests import RequestStore
from discretion.store.subject_request import RequestMessage, RequestRefusal, SubjectRequest
from discretion.store.transactions import Session

BuildChange = Callable[[SubjectRequest], SubjectRequest]
"""Returns a request as it is after a change."""

AfterChange = Callable[[SubjectRequest, Session], Awaitable[None]]
"""Called with a request that is filed or changed, in the same transaction."""


async def _do_nothing(_request: SubjectRequest, _session: Session) -> None: ...


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

    async def accept(self, request: bytes, by: str, answer: RequestMessage | None = None) -> SubjectRequest:
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

        def accept_undecided(current: SubjectRequest) -> SubjectRequest:
            _require_undecided(current)
            if current.customer is None:
                raise Conflict("REQUEST_OF_NOBODY", "This request matches no customer.")
            now = self.now_ms()
            accepted = _vouch_for_address(_vouch_for_requester(current, now), now)
            if answer is not None:
                # Added to the messages of now: one may have come in since the steward read the request.
                accepted = replace(accepted, messages=(*current.messages, answer))
            if current.steps:
                return replace(change_state(accepted, RequestState.ACCEPTED, now, by), next_run=now)
            if answer is None:
                raise BadRequest(
                    "ANSWER_MISSING",
                    "This right has no automatic workflow, so it needs a written answer.",
                    "Give 'answer': tell the person what was done.",
                )
            return change_state(accepted, RequestState.FULFILLED, now, by)

        changed = await self.apply_change(request, accept_undecided)
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

        def refuse_current(current: SubjectRequest) -> SubjectRequest:
            # A request that was accepted automatically can still be refused until its first step has run.
            if current.was_accepted:
                _require_not_started(current)
            else:
                _require_undecided(current)
            remedies = describe_remedies(self.deadline_clock, current)
            refusal = RequestRefusal(
                law, explanation, f"{further_remedy} {remedies}" if further_remedy else remedies
            )
            refused = change_state(current, RequestState.REJECTED, self.now_ms(), by, reason)
            return replace(refused, refusal=refusal)

        return await self.apply_change(request, refuse_current)

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

        def extend_current(current: SubjectRequest) -> SubjectRequest:
            now = self.now_ms()
            if current.extension is not None:
                raise Conflict("EXTENSION_NOT_ALLOWED", "A deadline can be extended only once.")
            extended = replace(
                current, extension=DeadlineExtension(now, length), extended_why=explanation, warned=()
            )
            allowed = self.deadline_clock.check_extension(extended)
            if isinstance(allowed, NoDueDate):
                raise Conflict("EXTENSION_NOT_ALLOWED", allowed.message)
            return change_state(extended, RequestState.DELAYED, now, by)

        return await self.apply_change(request, extend_current)

    async def pause(self, request: bytes, by: str, reason: RequestReason) -> SubjectRequest:
        """Stop the clock and wait for the person to supply what is missing, if every law allows it.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            BadRequest: ``PAUSE_REASON``.
            Conflict: ``PAUSE_NOT_ALLOWED``, ``REQUEST_STATE``, ``REQUEST_UNDER_WAY``.
        """
        if reason.value not in set(PauseReason):
            raise BadRequest("PAUSE_REASON", f"'{reason}' does not stop the clock.")

        def pause_current(current: SubjectRequest) -> SubjectRequest:
            _require_not_started(current)
            now = self.now_ms()
            pause = DeadlinePause(PauseReason(reason.value), now)
            paused = replace(current, pauses=(*current.pauses, pause), next_run=None)
            refusal = self.deadline_clock.check_pause(paused)
            if refusal is not None:
                raise Conflict("PAUSE_NOT_ALLOWED", refusal.message)
            return change_state(paused, RequestState.ACTION_REQUIRED, now, by, reason)

        return await self.apply_change(request, pause_current)

    async def resume(self, request: bytes, by: str) -> SubjectRequest:
        """Restart the clock because the person supplied what was missing.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            Conflict: ``REQUEST_STATE``; the request does not wait for the person.
        """

        def resume_current(current: SubjectRequest) -> SubjectRequest:
            now = self.now_ms()
            if current.reason is RequestReason.IDENTITY:
                current = replace(_vouch_for_requester(current, now), code=None)
            elif current.waits_for_address:  # the steward decides next, on what the person supplied
                current = replace(current, proof_until=None, code=None)
            return answer_open_question(current, now, by)

        changed = await self.apply_change(request, resume_current)
        self.wake_runner()
        return changed

    async def withdraw(self, request: bytes, by: str) -> SubjectRequest:
        """Withdraw a request of which no step has run.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            Conflict: ``REQUEST_STATE``, ``REQUEST_UNDER_WAY``.
        """

        def withdraw_current(current: SubjectRequest) -> SubjectRequest:
            _require_not_started(current)
            return change_state(current, RequestState.WITHDRAWN, self.now_ms(), by)

        return await self.apply_change(request, withdraw_current)

    async def confirm_identity(
        self, request: bytes, by: str, assurance: RequesterAssurance
    ) -> SubjectRequest:
        """Record that the requester proved their identity, and accept the request if nobody has to decide it.

        Until now the strictest law applied, because the laws of the customer would have shown whether one was
        found. From now on the laws of the customer apply.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            Conflict: ``REQUEST_STATE``.
        """
        laws = await self._find_customer_laws(request)

        def confirm_current(current: SubjectRequest) -> SubjectRequest:
            now = self.now_ms()
            identified = replace(
                current,
                pauses=_end_pauses(current.pauses, now),
                laws=laws or current.laws,
                identified=now,
                assurance=assurance,
            )
            return leave_proof(identified, now, by)

        changed = await self.apply_change(request, confirm_current)
        self.wake_runner()
        return changed

    async def confirm_address(self, request: bytes, by: str) -> SubjectRequest:
        """Record that the new address of a request was confirmed, and accept it if nobody has to decide it.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            Conflict: ``REQUEST_STATE``; the request does not wait for it.
        """

        def confirm_current(current: SubjectRequest) -> SubjectRequest:
            if not current.waits_for_address:
                raise Conflict("REQUEST_STATE", "This request does not wait for a new address.")
            now = self.now_ms()
            return leave_proof(replace(current, address_proven=now), now, by)

        changed = await self.apply_change(request, confirm_current)
        self.wake_runner()
        return changed

    async def apply_change(self, request: bytes, build_change: BuildChange) -> SubjectRequest:
        """Change a request atomically with respect to its current state, and recompute its dates.

        ``build_change`` is called again if another worker changed the request in between.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            DiscretionError: What ``build_change`` raises.
        """

        async def change_request(session: Session) -> SubjectRequest:
            current = await self.requests.find(request, session)
            if current is None:
                raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
            changed = set_deadlines(self.deadline_clock, build_change(current))
            stored = await self.requests.change(current, changed, session)
            await self.after_change(stored, session)
            return stored

        return await self.submission.transactions.run(change_request)

    async def _find_customer_laws(self, request: bytes) -> tuple[str, ...]:
        stored = await self.requests.find(request)
        if stored is None or stored.customer is None:
            return ()
        current = await self.submission.people.current(stored.customer)
        return () if current is None else current.laws


def answer_open_question(request: SubjectRequest, now: int, by: str) -> SubjectRequest:
    """Return a request for which the person supplied what was missing; its pause has ended.

    A request that was accepted before continues with its workflow; any other goes to a steward.

    Raises:
        Conflict: ``REQUEST_STATE``.
    """
    answered = replace(request, pauses=_end_pauses(request.pauses, now))
    if request.was_accepted:
        return replace(change_state(answered, RequestState.ACCEPTED, now, by), next_run=now)
    return change_state(answered, RequestState.ACTION_PERFORMED, now, by)


def _vouch_for_requester(request: SubjectRequest, now: int) -> SubjectRequest:
    """Return a request that needs no more proof of identity, because a steward goes on with it."""
    return replace(
        request,
        identified=now if request.identified is None else request.identified,
        assurance=RequesterAssurance.OFFICE
        if request.reason is RequestReason.IDENTITY
        else request.assurance,
        proof_until=None,
    )


def _vouch_for_address(request: SubjectRequest, now: int) -> SubjectRequest:
    """Return a request whose new address, if any, a steward accepts on other evidence than a code.

    An appeal is against the refusal of a request that has ended, so it has no digest of the address.
    """
    has_address = request.new_address is not None or (
        request.right is Right.CORRECTION and request.appeal_of is not None
    )
    if not has_address or request.address_proven is not None:
        return request
    return replace(request, address_proven=now, code=None)


def _require_undecided(request: SubjectRequest) -> None:
    """Raise Conflict ``REQUEST_STATE`` if a request is being executed, or was decided before."""
    if request.state not in _DECIDABLE or request.was_accepted:
        raise Conflict("REQUEST_STATE", f"A request in the state {request.state} cannot be decided (again).")


def _require_not_started(request: SubjectRequest) -> None:
    """Raise Conflict ``REQUEST_UNDER_WAY`` if a step has run: a half-finished erasure cannot be undone."""
    if request.is_under_way:
        raise Conflict("REQUEST_UNDER_WAY", "The execution of this request has begun and cannot be stopped.")


def check_text(text: str) -> str:
    """Return a text for the person unchanged.

    Raises:
        BadRequest: ``WORDS_LENGTH``.
    """
    if not text.strip() or len(text) > MAX_TEXT_LENGTH:
        raise BadRequest("WORDS_LENGTH", f"A text for the person has 1 to {MAX_TEXT_LENGTH} characters.")
    return text


def _end_pauses(pauses: tuple[DeadlinePause, ...], now: int) -> tuple[DeadlinePause, ...]:
    return tuple(pause if pause.end is not None else replace(pause, end=now) for pause in pauses)
