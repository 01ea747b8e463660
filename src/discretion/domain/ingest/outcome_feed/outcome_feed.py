"""The entries of one process in the feed of outcomes, and the watches of those who read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.message import MessageOutcome
from discretion.domain.ingest.tracking_plan.event_name import read_event_name
from discretion.domain.ingest.tracking_plan.violation_recorder import ViolationRecorder
from discretion.domain.ingest.validation import MESSAGE_TYPES
from discretion.errors import BadRequest
from discretion.store.ingest_outcomes import EVERY_SOURCE, IngestOutcomeStore, ObservedOutcome

WATCH_MS = 15_000
"""How long sources are watched after somebody read the feed."""

DELAY_MS = 3_000
"""How old an outcome is when it is shown: until then another process may write an earlier one."""

LIFETIME_MS = 600_000
"""How long an outcome is kept."""

MAX_ENTRIES = 500
"""The most outcomes that a process writes in a second; further ones are not shown."""

MAX_CODES = 20


@dataclass(frozen=True, slots=True)
class OutcomePage:
    """Outcomes in their order, and where the next page begins."""

    outcomes: tuple[ObservedOutcome, ...]
    cursor: str


class OutcomeFeed:
    """The feed. ``now_ms`` is the clock; random bytes tell the entries of processes apart."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: IngestOutcomeStore,
        now_ms: Callable[[], int],
        entropy: Callable[[int], bytes],
        violations: ViolationRecorder,
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._now_ms = now_ms
        self._violations = violations
        self._process = entropy(4).hex()
        self._number = 0
        self._watched: frozenset[str] = frozenset()
        self._entries: list[ObservedOutcome] = []

    def record(self, source: Source, outcomes: Iterable[tuple[object, MessageOutcome]]) -> None:
        """Add what became of messages, if somebody watches their source."""
        if not self._watched or not {source.key, EVERY_SOURCE} & self._watched:
            return
        at = self._now_ms()
        for raw, outcome in outcomes:
            if len(self._entries) >= MAX_ENTRIES:
                return
            self._entries.append(self._observe(source, at, raw, outcome))

    async def synchronise(self) -> None:
        """Write the entries of this process, and look who watches.

        Raises:
            Unavailable: the database is unavailable; the entries are lost.
        """
        entries, self._entries = self._entries, []
        now = self._now_ms()
        if entries:
            await self._store.add(entries, now + LIFETIME_MS)
        self._watched = await self._store.list_watched(now)

    async def read(self, source: str | None, after: str | None, limit: int) -> OutcomePage:
        """Return the outcomes after a cursor, the next ones at first, and watch for some seconds more.

        Raises:
            BadRequest: ``SOURCE_UNKNOWN``.
        """
        if source is not None and source not in self._catalogue.sources:
            raise BadRequest(
                "SOURCE_UNKNOWN",
                "The catalogue has no such source.",
                f"It is one of {', '.join(sorted(self._catalogue.sources))}.",
            )
        now = self._now_ms()
        await self._store.watch(source or EVERY_SOURCE, now + WATCH_MS)
        await self.synchronise()
        if after is None:
            return OutcomePage((), _build_id(now))
        # The end of the page is never behind its beginning, where the cursor of the first call is.
        before = max(after, _build_id(now - DELAY_MS))
        outcomes = await self._store.list_between(source, after, before, limit)
        is_full = len(outcomes) == limit
        named = await self._name_events(outcomes)
        return OutcomePage(tuple(named), outcomes[-1].id if is_full else before)

    async def _name_events(self, outcomes: Iterable[ObservedOutcome]) -> list[ObservedOutcome]:
        """Return outcomes with the names of undeclared events that may be shown by now."""
        outcomes = list(outcomes)
        names = await self._violations.find_event_names(
            {each.undeclared for each in outcomes if each.undeclared is not None}
        )
        return [
            replace(each, event=names[each.undeclared]) if each.undeclared in names else each
            for each in outcomes
        ]

    def _observe(self, source: Source, at: int, raw: object, outcome: MessageOutcome) -> ObservedOutcome:
        self._number += 1
        members = raw if isinstance(raw, dict) else {}
        message_type = members.get("type")
        name = read_event_name(self._catalogue, source, members)
        faults = [(each.code, each.place) for each in outcome.left_out[:MAX_CODES]]
        if outcome.code:
            faults.insert(0, (outcome.code, outcome.place))
        return ObservedOutcome(
            id=f"{_build_id(at)}-{self._process}-{self._number:09d}",
            at=at,
            source=source.key,
            type=message_type if message_type in MESSAGE_TYPES else "",
            event=name.text if name.is_declared else "",
            status=outcome.status.value,
            codes=tuple(code for code, _ in faults),
            places=tuple(place for _, place in faults),
            dropped=outcome.dropped,
            undeclared=None
            if name.is_declared or not name.text
            else self._violations.identify_event(source, name.text),
        )


def _build_id(at: int) -> str:
    return f"{at:015d}"
