"""Counts violations by source and day, and writes the counts every few seconds.

Counts of the last seconds are lost with the process: they are no evidence of anything. The name that a sender
chose is stored only when it came in two different messages. Until then there is a keyed digest of it, which
names nothing. So a name that only one message has, such as somebody's address in the wrong place, is never
written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.message import Fact, RefusedMessage
from discretion.domain.ingest.tracking_plan.plan_violation import (
    EVENT_PLACE,
    EVENT_UNDECLARED,
    PlanViolation,
    find_violations,
)
from discretion.seal.blind_index import BlindIndex
from discretion.store.tracking_plan_violations import (
    StoredViolation,
    TrackingPlanViolationStore,
    ViolationCount,
)

RETENTION_MS = 30 * 86_400_000
"""How long the counts of a day are kept."""

MAX_NAMES_PER_DAY = 500
"""The most kinds of violations that are counted apart for a source and a day."""

MAX_PENDING = 5_000
"""The most kinds of violations that wait to be written."""


@dataclass(slots=True)
class _Pending:
    """Counts of one kind that are not written yet, with the digests of up to two of its messages."""

    violation: PlanViolation
    source: str
    day: str
    count: int = 0
    messages: set[bytes] = field(default_factory=set)


class ViolationRecorder:
    """Counts the violations of messages; ``now_ms`` is the clock."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: TrackingPlanViolationStore,
        blind_index: BlindIndex,
        now_ms: Callable[[], int],
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._blind_index = blind_index
        self._now_ms = now_ms
        self._pending: dict[bytes, _Pending] = {}

    def record(self, source: Source, messages: Iterable[tuple[object, Fact | RefusedMessage]]) -> None:
        """Count the violations of messages, given what became of each by the validator."""
        day = self._find_day()
        for raw, result in messages:
            if isinstance(result, Fact) and not result.left_out and not result.dropped:
                continue
            # An id that was refused may have lone surrogates, which cannot be encoded.
            message = self._blind_index.index("message", source.key, ascii(result.message_id))
            for violation in find_violations(self._catalogue, source, raw, result):
                self._add(source.key, day, violation, message)

    def identify_event(self, source: Source, name: str) -> bytes:
        """Return the keyed digest under which an undeclared event is counted today."""
        return self._identify(
            source.key, self._find_day(), PlanViolation(EVENT_UNDECLARED, name, EVENT_PLACE)
        )

    async def find_event_names(self, ids: Collection[bytes]) -> dict[bytes, str]:
        """Return the names of undeclared events that may be shown, by digest.

        Raises:
            Unavailable: the database is unavailable.
        """
        if not ids:
            return {}
        await self.flush()
        return await self._store.find_events(ids)

    def _find_day(self) -> str:
        return datetime.fromtimestamp(self._now_ms() / 1000, UTC).date().isoformat()

    def _add(self, source: str, day: str, violation: PlanViolation, message: bytes) -> None:
        key = self._identify(source, day, violation)
        if key not in self._pending and len(self._pending) >= MAX_PENDING:
            violation = PlanViolation(violation.reason)
            key = self._identify(source, day, violation)
        pending = self._pending.setdefault(key, _Pending(violation, source, day))
        pending.count += 1
        if len(pending.messages) < 2:
            pending.messages.add(message)

    def _identify(self, source: str, day: str, violation: PlanViolation) -> bytes:
        parts = (violation.reason, violation.event, violation.place)
        return self._blind_index.index("violation", source, day, *parts)

    async def flush(self) -> None:
        """Write the counts so far.

        Raises:
            Unavailable: the database is unavailable; the counts are lost.
        """
        pending, self._pending = self._pending, {}
        by_source: dict[tuple[str, str], dict[bytes, _Pending]] = {}
        for key, each in pending.items():
            by_source.setdefault((each.source, each.day), {})[key] = each
        for (source, day), kinds in by_source.items():
            await self._write(source, day, kinds)

    async def _write(self, source: str, day: str, kinds: dict[bytes, _Pending]) -> None:
        admitted = await self._store.select_admitted(source, day, list(kinds), MAX_NAMES_PER_DAY)
        counts: dict[bytes, ViolationCount] = {}
        for key, each in kinds.items():
            violation = each.violation if key in admitted else PlanViolation(each.violation.reason)
            count = self._build_count(self._identify(source, day, violation), each, violation)
            counts[count.id] = count if count.id not in counts else counts[count.id].add(count.count)
        await self._store.add(list(counts.values()))

    def _build_count(self, key: bytes, pending: _Pending, violation: PlanViolation) -> ViolationCount:
        stored = StoredViolation(
            source=pending.source,
            day=pending.day,
            reason=violation.reason,
            event=violation.event,
            place=violation.place,
            shape=violation.shape,
        )
        return ViolationCount(
            id=key,
            violation=stored,
            count=pending.count,
            message=min(pending.messages),
            # The names of the catalogue are no secret; the others need two messages.
            is_shown=violation.is_declared or len(pending.messages) > 1,
            expires=self._now_ms() + RETENTION_MS,
        )
