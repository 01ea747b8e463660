"""Codes that are stored with a rights request, which waits for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from discretion.domain.requests.decisions import RequestDecisions
from discretion.domain.requests.one_time_codes import MAX_CODES, CodeState
from discretion.errors import NotFound
from discretion.store.subject_request import SubjectRequest

RequireWaiting = Callable[[SubjectRequest], None]
"""Raises Conflict ``REQUEST_STATE`` unless a request waits for the code that is sent or entered."""


@dataclass(frozen=True, slots=True)
class RequestCodes:
    """The codes of one request, by its id; ``require_waiting`` checks that it waits for them.

    Both methods raise NotFound ``REQUEST_NOT_FOUND``, the first also Conflict ``REQUEST_STATE``.
    """

    decisions: RequestDecisions
    request: bytes
    require_waiting: RequireWaiting

    async def change_codes(self, build_change: Callable[[CodeState], CodeState]) -> None:
        """Change the codes atomically; see ``one_time_codes.CodePlace``."""

        def change_request(current: SubjectRequest) -> SubjectRequest:
            self.require_waiting(current)
            # A request about nobody gets a code as well, which proves nothing.
            state = CodeState(current.code, current.codes_sent, is_usable=current.customer is not None)
            changed = build_change(state)
            return replace(current, code=changed.code, codes_sent=changed.sent)

        await self.decisions.apply_change(self.request, change_request)

    async def exceeds_limit(self, since: int) -> bool:
        """Count the codes for all requests about the person, and those to the new address."""
        requests = self.decisions.requests
        request = await requests.find(self.request)
        if request is None:
            raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
        if await requests.count_codes(request, since, MAX_CODES + 1) > MAX_CODES:
            return True
        if request.new_address is None:
            return False
        return await requests.count_codes_to(request.new_address, since, MAX_CODES + 1) > MAX_CODES
