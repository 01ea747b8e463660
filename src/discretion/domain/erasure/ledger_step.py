"""The step of an erasure after which no restored database brings the person back: a line in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from discretion.domain.erasure.erasure_ledger import Erased
from discretion.domain.erasure.erasure_log import Remember
from discretion.domain.erasure.erasure_snapshot import read
from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.step_outcome import Done, Outcome
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
