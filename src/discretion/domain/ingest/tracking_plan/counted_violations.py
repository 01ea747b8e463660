"""What the API reads of the violations of the tracking plan."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.domain.ingest.tracking_plan.violation_recorder import ViolationRecorder
from discretion.store.tracking_plan_violations import StoredViolation, TrackingPlanViolationStore

MAX_LISTED = 500
"""The most violations that one answer lists."""


@dataclass(frozen=True, slots=True)
class CountedViolations:
    """The counts of all processes, those of this one up to now."""

    recorder: ViolationRecorder
    store: TrackingPlanViolationStore

    async def list_violations(self, source: str | None, limit: int) -> list[StoredViolation]:
        """List violations, of one source if one is named: the latest day first, then the most frequent."""
        await self.recorder.flush()
        return await self.store.list_all(source, limit)

    async def list_events(self) -> dict[tuple[str, str, str], list[str]]:
        """Return the shown names of events by reason, place and source, the most frequent first."""
        events: dict[tuple[str, str, str], list[str]] = {}
        for violation in await self.list_violations(None, MAX_LISTED):
            names = events.setdefault((violation.reason, violation.place, violation.source), [])
            if violation.event and violation.event not in names:
                names.append(violation.event)
        return events
