"""What a correction is about stays out of reach for as long as somebody has to look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from discretion.domain.correction.contest_flags import Contest
from discretion.domain.requests.model import FINAL, Reason, State
from discretion.law.jurisdiction import Right

WAITING = frozenset({State.ACKNOWLEDGED, State.ACTION_REQUIRED, State.ACTION_PERFORMED, State.DELAYED})


@dataclass(frozen=True, slots=True)
class Contested:
    """Flags what a request contests, or no longer, as its state is. One that is carried out does so itself.

    Who has not proven who they are contests nothing: else anybody could have values withheld.
    """

    contest: Contest

    async def __call__(self, document: Mapping[str, Any]) -> None:
        """Follow a request that was filed, or that changed."""
        if document["right"] != Right.CORRECTION or document.get("customer") is None:
            return
        state, unproven = State(document["state"]), document.get("reason") == Reason.IDENTITY
        if state in WAITING and not unproven:
            await self.contest(document)
        elif state in FINAL and state is not State.FULFILLED:
            await self.contest(document, contested=False)
