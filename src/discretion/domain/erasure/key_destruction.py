"""The step of an erasure after which no older copy opens: the keys of the person's buckets are replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from discretion.domain.erasure.crypto_shred import Shred
from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.step_outcome import Done, Outcome


@dataclass(frozen=True, slots=True)
class Destroy:
    """See the module."""

    shred: Shred

    async def __call__(self, document: Mapping[str, Any], hold: Hold) -> Outcome:
        """Destroy the keys of everybody in the snapshot of a request, former ids too."""
        if "snapshot" not in document:
            return Done()
        done = await self.shred(document["snapshot"]["customers"], hold.at)
        buckets = [
            {"bucket": bucket, "generation": generation} for bucket, generation in done.buckets.items()
        ]
        return Done({"buckets": buckets, "destroyed_ms": done.destroyed, "horizon_ms": done.horizon})
