"""Following one request: told whenever something that is shown of it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from discretion.domain.requests.model import FINAL
from discretion.store.requests import Requests

LOOK_S = 0.5
HIDDEN = frozenset({"v", "fence", "until", "next", "code", "codes", "warned", "raised", "open", "sealed"})
"""Members of a request that change without anything to see."""


@dataclass(slots=True)
class Followed:
    """What a subscription is about: the resolver that finds the request says which, and how it stood."""

    document: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing is to come any more."""
        return self.document is None or self.document["state"] in FINAL


@dataclass(frozen=True, slots=True)
class Follow:
    """Looks at requests."""

    requests: Requests

    async def changes(self, followed: Followed) -> AsyncIterator[None]:
        """Each change since ``followed`` was last seen, until there can be no other."""
        while not followed.ended:
            await asyncio.sleep(LOOK_S)
            before = followed.document
            assert before is not None
            now = await self.requests.get(before["_id"])
            if now is None:
                return
            if _visible(now) != _visible(before):
                yield


def _visible(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in HIDDEN}
