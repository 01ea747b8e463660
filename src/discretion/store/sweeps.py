"""The ``sweeps`` collection: the runs of the retention sweep, with progress and counts; no personal data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from discretion.store.document import Document, MutableDocument
from discretion.store.driver.database import Database, Session
from discretion.store.lease import LeasedCollection

COLLECTION = "sweeps"


@dataclass(frozen=True, slots=True)
class SweepRun:
    """A run of the sweep. Times are ms since 1970.

    Attributes:
        number: The number of the run.
        started: When it started.
        fence: Incremented when another process takes the run over; writes with a lower fence are refused.
        leased_until: When the lease of the process that runs it ends.
        cursor: The last customer that is done.
        examined: The number of examined customers.
        changed: How many times a customer was changed.
        restricted: The number of restricted customers with expired values.
        values: Path of an attribute -> number of deleted values.
        events: Event type -> number of deleted events.
        finished: When it ended, or None.
    """

    number: int
    started: int
    fence: int = 1
    leased_until: int = 0
    cursor: bytes = b""
    examined: int = 0
    changed: int = 0
    restricted: int = 0
    values: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    finished: int | None = None


class SweepStore:
    """Reads and writes of runs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leases = LeasedCollection(database, COLLECTION)

    async def find_latest(self) -> SweepRun | None:
        """Return the latest run; only that one can be unfinished."""
        document = await self._database.find_one(COLLECTION, {}, sort=[("_id", -1)])
        return None if document is None else parse_sweep_run(document)

    async def add(self, run: SweepRun) -> None:
        """Record a new run, with its lease.

        Raises:
            Conflict: ``DUPLICATE``; another process was first.
        """
        # Processes that start at the same time compute the same number. The unique ``_id`` lets one of them
        # win.
        await self._database.insert_many(COLLECTION, [build_sweep_document(run) | {"next": run.started}])

    async def take_over(self, number: int, now: int, until: int) -> SweepRun | None:
        """Take over an unfinished run whose lease has expired; None if another process did."""
        document = await self._leases.take(now, until, document_id=_build_run_id(number))
        return None if document is None else parse_sweep_run(document)

    async def save(self, run: SweepRun, session: Session | None = None) -> bool:
        """Save the progress of a run, and when its lease ends.

        Return whether the lease was still held under its fence.
        """
        document = build_sweep_document(run)
        # A finished run is nobody's work any more.
        end = {} if run.finished is None else {"next": None}
        return await self._leases.save(document.pop("_id"), document.pop("fence"), document | end, session)


def parse_sweep_run(document: Document) -> SweepRun:
    """Parse a stored run."""
    return SweepRun(
        number=int(document["_id"]),
        started=document["started"],
        fence=document["fence"],
        leased_until=document["until"],
        cursor=document["cursor"],
        examined=document["met"],
        changed=document["changed"],
        restricted=document["held"],
        values={entry["name"]: entry["count"] for entry in document["values"]},
        events={entry["name"]: entry["count"] for entry in document["events"]},
        finished=document.get("finished"),
    )


def build_sweep_document(run: SweepRun) -> MutableDocument:
    """Build the stored document of a run."""
    return {
        "_id": _build_run_id(run.number),
        "started": run.started,
        "fence": run.fence,
        "until": run.leased_until,
        "cursor": run.cursor,
        "met": run.examined,
        "changed": run.changed,
        "held": run.restricted,
        "values": _list_counts(run.values),
        "events": _list_counts(run.events),
        **({} if run.finished is None else {"finished": run.finished}),
    }


def _list_counts(counts: Mapping[str, int]) -> list[MutableDocument]:
    """Return counts as a list of ``{name, count}``: event types may contain characters that keys may not."""
    return [{"name": name, "count": count} for name, count in sorted(counts.items())]


def _build_run_id(number: int) -> str:
    """Return the id of a run; ids sort like numbers."""
    return f"{number:09d}"
