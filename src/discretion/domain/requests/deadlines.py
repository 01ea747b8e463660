"""Deadlines of a request under all laws that protect the customer.

The earliest date of all laws counts. A law that does not grant the right sets no date. If no law grants it,
the strictest law applies anyway. The version of a law is the one in force when the request was received: a
later amendment does not move a running deadline.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from discretion.law.deadline import DueDate, NoDueDate, NoDueDateReason, RequestTimes, compute_due_date
from discretion.law.jurisdiction import DeadlineStep, Jurisdiction, Lawbook, Right
from discretion.law.model import UNKNOWN
from discretion.store.subject_request import SubjectRequest


@dataclass(frozen=True, slots=True)
class RequestDates:
    """Deadlines of a request in ms since 1970.

    A deadline is None if no law sets one, or while the clock is stopped.

    Attributes:
        acknowledge: Until when the receipt of the request is acknowledged.
        respond: Until when it is answered, with its extension and pauses.
        extend: Until when the person must be told of an extension.
        why: The reason if ``respond`` is None.
    """

    acknowledge: int | None
    respond: int | None
    extend: int | None
    why: NoDueDateReason | None = None


@dataclass(frozen=True, slots=True)
class DeadlineClock:
    """Computes deadlines by the laws of ``lawbook``."""

    lawbook: Lawbook

    def compute_dates(self, request: SubjectRequest) -> RequestDates:
        """Return the deadlines of a request in its current state."""
        respond_step = DeadlineStep.RESPOND if request.appeal_of is None else DeadlineStep.APPEAL
        extend_step = DeadlineStep.EXTEND if request.appeal_of is None else DeadlineStep.APPEAL_EXTEND
        respond_deadlines = self._compute_deadlines(request, respond_step)
        return RequestDates(
            _earliest(self._compute_deadlines(request, DeadlineStep.ACKNOWLEDGE)),
            _earliest(respond_deadlines),
            _earliest(self._compute_deadlines(request, extend_step)),
            _reason_without_date(respond_deadlines),
        )

    def check_extension(self, request: SubjectRequest) -> int | NoDueDate:
        """Return the deadline (ms) of a request with its extension, or why the extension is not allowed.

        Every law must allow the extension: one refusal refuses it.

        Args:
            request: The request with the planned ``extension`` already set. Nothing is stored.
        """
        step = DeadlineStep.RESPOND if request.appeal_of is None else DeadlineStep.APPEAL
        deadlines = self._compute_deadlines(request, step, strict=True)
        refusal = next((result for result in deadlines if isinstance(result, NoDueDate)), None)
        earliest = _earliest(deadlines)
        if refusal is not None or earliest is None:
            return refusal or NoDueDate(NoDueDateReason.NO_TIME, "No law sets a time to answer this request.")
        return earliest

    def applicable_laws(self, request: SubjectRequest) -> list[Jurisdiction]:
        """Return the laws that grant the right of a request, or the strictest law if none does."""
        return list(select_laws(self.lawbook, request.laws, request.right, _rules_date(request)))

    def appeal_laws(self, request: SubjectRequest) -> list[Jurisdiction]:
        """Return the laws that grant an appeal to the controller. An appeal itself cannot be appealed."""
        timeline = RequestTimes(_rules_date(request), _rules_date(request))
        return [
            law
            for law in self.applicable_laws(request)
            if request.appeal_of is None
            and isinstance(compute_due_date(law, request.right, DeadlineStep.APPEAL, timeline), DueDate)
        ]

    def check_pause(self, request: SubjectRequest) -> NoDueDate | None:
        """Return why a law does not allow the pauses of a request, or None if every law allows them.

        Args:
            request: The request with the planned pause already among its ``pauses``. Nothing is stored.
        """
        step = DeadlineStep.RESPOND if request.appeal_of is None else DeadlineStep.APPEAL
        refusals = (
            result for result in self._compute_deadlines(request, step) if isinstance(result, NoDueDate)
        )
        return next((result for result in refusals if result.reason is NoDueDateReason.NO_PAUSE), None)

    def _compute_deadlines(
        self, request: SubjectRequest, step: DeadlineStep, *, strict: bool = False
    ) -> list[DueDate | NoDueDate]:
        extensions = (request.extension,) if request.extension else ()
        deadlines = []
        for law in self.applicable_laws(request):
            timeline = RequestTimes(
                request.received, request.identified, request.original_received, request.pauses, extensions
            )
            result = compute_due_date(law, request.right, step, timeline)
            if isinstance(result, NoDueDate) and result.reason is NoDueDateReason.NO_EXTENSION and not strict:
                # This law does not know the extension. Its original deadline still applies.
                result = compute_due_date(law, request.right, step, _without_extensions(timeline))
            deadlines.append(result)
        return deadlines


def select_laws(lawbook: Lawbook, laws: Iterable[str], right: Right, at: int) -> Iterable[Jurisdiction]:
    """Return those of ``laws`` that grant a right at a time (ms), or the strictest law if none does."""
    timeline = RequestTimes(at, at)
    jurisdictions = [lawbook.find_jurisdiction(key) for key in laws]
    granting = [
        jurisdiction
        for jurisdiction in jurisdictions
        if not (
            isinstance(
                result := compute_due_date(jurisdiction, right, DeadlineStep.RESPOND, timeline), NoDueDate
            )
            and result.reason is NoDueDateReason.NO_RIGHT
        )
    ]
    return granting or [lawbook.find_jurisdiction(UNKNOWN)]


def _rules_date(request: SubjectRequest) -> int:
    return request.received if request.original_received is None else request.original_received


def _without_extensions(timeline: RequestTimes) -> RequestTimes:
    return RequestTimes(
        timeline.received_at, timeline.identified_at, timeline.original_received_at, timeline.pauses
    )


def _earliest(deadlines: Iterable[DueDate | NoDueDate]) -> int | None:
    return min((result.ends_at for result in deadlines if isinstance(result, DueDate)), default=None)


def _reason_without_date(deadlines: Iterable[DueDate | NoDueDate]) -> NoDueDateReason | None:
    results = list(deadlines)
    if any(isinstance(result, DueDate) for result in results):
        return None
    return next(
        (result.reason for result in results if isinstance(result, NoDueDate)), NoDueDateReason.NO_TIME
    )
