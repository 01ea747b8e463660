"""The ``imports`` collection: how far each import of a file came, with counts; no personal data.

Progress is stored beside the data and not in a file, so that a restored database does not skip rows that were
imported after its dump.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from discretion.errors import Conflict
from discretion.store.document import Document, MutableDocument
from discretion.store.driver.database import Database

COLLECTION = "imports"


@dataclass(frozen=True, slots=True)
class StoredFault:
    """A kind of fault: effect, code, column, reason, how often it occurred, and in which rows first."""

    effect: str
    code: str
    column: str
    reason: str
    count: int
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import came. Times are ms since 1970.

    Attributes:
        id: Digest of the file's content, the mapping and the catalogue: the same import has the same id.
        mapping: The name of the mapping.
        source: The source of the messages.
        started: When it began.
        updated: When this was stored.
        row: The last row of which everything is durable.
        outcomes: The number of messages by outcome.
        faults: What was refused or left out.
        finished: When the end of the file was reached, or None.
    """

    id: bytes
    mapping: str
    source: str
    started: int
    updated: int
    row: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[StoredFault, ...] = ()
    finished: int | None = None


class ImportStore:
    """Reads and writes of the progress of imports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, import_id: bytes) -> ImportProgress | None:
        """Return the progress of an import, None if it never began."""
        document = await self._database.find_one(COLLECTION, {"_id": import_id})
        return None if document is None else parse_import_progress(document)

    async def begin(self, progress: ImportProgress) -> None:
        """Record that an import begins; without effect if another process was first."""
        try:
            await self._database.insert_many(COLLECTION, [build_import_document(progress)])
        except Conflict:
            return

    async def save(self, progress: ImportProgress) -> None:
        """Save progress. It never moves back: of two processes that import one file, the first one counts."""
        document = build_import_document(progress)
        ahead = {"_id": document.pop("_id"), "row": {"$lte": progress.row}}
        await self._database.update_one(COLLECTION, ahead, {"$set": document})


def parse_import_progress(document: Document) -> ImportProgress:
    """Parse the stored progress of an import."""
    return ImportProgress(
        id=document["_id"],
        mapping=document["mapping"],
        source=document["source"],
        started=document["started"],
        updated=document["updated"],
        row=document["row"],
        outcomes=dict(document["outcomes"]),
        faults=tuple(StoredFault(**{**fault, "rows": tuple(fault["rows"])}) for fault in document["faults"]),
        finished=document.get("finished"),
    )


def build_import_document(progress: ImportProgress) -> MutableDocument:
    """Build the stored document of the progress of an import."""
    return {
        "_id": progress.id,
        "mapping": progress.mapping,
        "source": progress.source,
        "started": progress.started,
        "updated": progress.updated,
        "row": progress.row,
        "outcomes": dict(progress.outcomes),
        "faults": [
            {
                "effect": fault.effect,
                "code": fault.code,
                "column": fault.column,
                "reason": fault.reason,
                "count": fault.count,
                "rows": list(fault.rows),
            }
            for fault in progress.faults
        ],
        **({} if progress.finished is None else {"finished": progress.finished}),
    }
