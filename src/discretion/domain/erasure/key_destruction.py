"""Workflow step ``shred``: destroys the person's bucket keys, so that older copies cannot be decrypted."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.domain.erasure.crypto_shred import CryptoShredder
from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.store.subject_request import SubjectRequest


@dataclass(frozen=True, slots=True)
class ShredKeys:
    """The step ``shred``: replace and destroy the bucket keys of the person."""

    shredder: CryptoShredder

    async def run(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Destroy the bucket keys of all customer ids in the snapshot of a request, former ids too.

        Returns:
            ``{"buckets": [{"bucket": int, "generation": int}], "destroyed_ms": int, "horizon_ms": int}``;
            empty without a snapshot.
        """
        if request.snapshot is None:
            return StepDone()
        result = await self.shredder.shred(request.snapshot.customers, lease.checkpoint)
        buckets = [
            {"bucket": bucket, "generation": generation} for bucket, generation in result.generations.items()
        ]
        return StepDone(
            {"buckets": buckets, "destroyed_ms": result.destroyed_ms, "horizon_ms": result.horizon_ms}
        )
