"""By when a request is to be answered, by all the laws that protect whoever it is about.

The earliest day of any of them counts. A law that does not give the right sets no day; where none gives it,
the request is answered by the day of the strictest law all the same. Laws are those of the day the request
came: a later one does not move what has begun.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from discretion.domain.requests.model import Request
from discretion.law.deadline import Due, Undue, Why, deadline
from discretion.law.deadline import Request as Timed
from discretion.law.jurisdiction import Jurisdiction, Lawbook, Right, Step
from discretion.law.model import UNKNOWN


@dataclass(frozen=True, slots=True)
class Dates:
    """When each step is over, in ms; None where no law sets a time, or while it stands still.

    ``why`` is why there is no day to respond.
    """

    acknowledge: int | None
    respond: int | None
    extend: int | None
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """Counts by the laws of ``lawbook``."""

    lawbook: Lawbook

    def dates(self, request: Request) -> Dates:
        """The dates of a request as it stands."""
        respond = Step.RESPOND if request.appeal_of is None else Step.APPEAL
        extend = Step.EXTEND if request.appeal_of is None else Step.APPEAL_EXTEND
        answered = self._each(request, respond)
        return Dates(
            _earliest(self._each(request, Step.ACKNOWLEDGE)),
            _earliest(answered),
            _earliest(self._each(request, extend)),
            _why(answered),
        )

    def may_extend(self, request: Request) -> int | Undue:
        """Until when the answer may take if it is extended as ``request`` says, or why it may not be."""
        step = Step.RESPOND if request.appeal_of is None else Step.APPEAL
        found = self._each(request, step, strict=True)
        refused = next((one for one in found if isinstance(one, Undue)), None)
        earliest = _earliest(found)
        if refused is not None or earliest is None:
            return refused or Undue(Why.NO_TIME, "No law sets a time to answer this request.")
        return earliest

    def laws(self, request: Request) -> list[Jurisdiction]:
        """The laws that give the right; where none does, the strictest."""
        return list(giving(self.lawbook, request.laws, request.right, _began(request)))

    def appealable(self, request: Request) -> list[Jurisdiction]:
        """The laws that let the person appeal what became of a request to whom it was made."""
        timed = Timed(_began(request), _began(request))
        return [
            law
            for law in self.laws(request)
            if request.appeal_of is None and isinstance(deadline(law, request.right, Step.APPEAL, timed), Due)
        ]

    def may_pause(self, request: Request) -> Undue | None:
        """Why the time of a request may not stand still for the pauses it has."""
        step = Step.RESPOND if request.appeal_of is None else Step.APPEAL
        found = (one for one in self._each(request, step) if isinstance(one, Undue))
        return next((one for one in found if one.why is Why.NO_PAUSE), None)

    def _each(self, request: Request, step: Step, *, strict: bool = False) -> list[Due | Undue]:
        extensions = (request.extension,) if request.extension else ()
        found = []
        for law in self.laws(request):
            timed = Timed(request.received, request.identified, request.began, request.pauses, extensions)
            one = deadline(law, request.right, step, timed)
            if isinstance(one, Undue) and one.why is Why.NO_EXTENSION and not strict:
                one = deadline(law, request.right, step, _plain(timed))
            found.append(one)
        return found


def giving(lawbook: Lawbook, laws: Iterable[str], right: Right, at: int) -> Iterable[Jurisdiction]:
    """Those of these laws that give a right at a moment; where none does, the strictest."""
    timed = Timed(at, at)
    there = [lawbook.of(key) for key in laws]
    gives = [
        one
        for one in there
        if not (
            isinstance(found := deadline(one, right, Step.RESPOND, timed), Undue)
            and found.why is Why.NO_RIGHT
        )
    ]
    return gives or [lawbook.of(UNKNOWN)]


def _began(request: Request) -> int:
    return request.received if request.began is None else request.began


def _plain(timed: Timed) -> Timed:
    return Timed(timed.received, timed.identified, timed.began, timed.pauses)


def _earliest(found: Iterable[Due | Undue]) -> int | None:
    return min((one.at for one in found if isinstance(one, Due)), default=None)


def _why(found: Iterable[Due | Undue]) -> Why | None:
    told = list(found)
    if any(isinstance(one, Due) for one in told):
        return None
    return next((one.why for one in told if isinstance(one, Undue)), Why.NO_TIME)
