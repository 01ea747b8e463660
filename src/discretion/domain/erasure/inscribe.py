"""The step of an erasure after which no restored database brings the person back: a line in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from discretion.domain.engine.hold import Hold
from discretion.domain.engine.outcome import Done, Outcome
from discretion.domain.erasure.ledger import Erased
from discretion.domain.erasure.remember import Remember
from discretion.domain.erasure.snapshot import read
from discretion.store.tombstones import Tombstones


@dataclass(frozen=True, slots=True)
class Inscribe:
    """See the module."""

    remember: Remember
    tombstones: Tombstones

    async def __call__(self, document: Mapping[str, Any], hold: Hold) -> Outcome:
        """Put the erasure of a request into the ledger; a second time it adds nothing."""
        if "snapshot" not in document:
            return Done()
        snapshot = read(document["snapshot"])
        stones = tuple(self.tombstones.of(one) for one in (*snapshot.names, *snapshot.records))
        erased = Erased(document["_id"], snapshot.at, stones, snapshot.records, snapshot.customers)
        hold.at("ledger")
        await self.remember(erased)
        return Done({"line": True})
