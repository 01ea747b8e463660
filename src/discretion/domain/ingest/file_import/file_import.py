"""The import of a file: rows are validated and ingested in windows, and progress is recorded behind them.

Progress is stored after everything before it is durable, so after ``kill -9`` the next run begins at most one
window too early, and repeated messages are duplicates.

A window is much larger than a transaction, and its facts are grouped by person: the profile of somebody with
many orders is written once for all of them. Each person is in one lane; lanes write at the same time, so that
one of them computes while MongoDB works for the other.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from discretion.catalogue.import_mapping import ImportMapping
from discretion.catalogue.model import Catalogue
from discretion.domain.ingest.file_import.import_tally import (
    FaultCount,
    FaultEffect,
    FaultKey,
    ImportTally,
)
from discretion.domain.ingest.file_import.open_rows import open_rows
from discretion.domain.ingest.file_import.row_file import FileFormat, Row, RowFile
from discretion.domain.ingest.file_import.row_validation import RowValidator, ValidatedRows
from discretion.domain.ingest.message import Fact
from discretion.domain.ingest.queue import ProcessFacts
from discretion.domain.ingest.validation import MessageValidator
from discretion.errors import Misconfigured
from discretion.seal.blind_index import BlindIndex
from discretion.store.consent_event import NoticeReference
from discretion.store.imports import ImportProgress, ImportStore, StoredFault

LANES = 2
"""Transactions that are written at the same time."""

WINDOW_FACTS = 8_000
"""Facts that are ingested before progress is stored: some ten megabytes."""

MAX_FACTS_PER_CALL = 500
"""The most facts of one transaction (``identity.unification``)."""

YIELD_ROWS = 20
"""Rows that are read before the answers of MongoDB are looked at."""

ReportProgress = Callable[[int, int], None]
"""Is called with how much of the file is done, and how much there is, in bytes or rows."""


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """Which file to import, by which mapping."""

    path: Path
    mapping: ImportMapping
    format: FileFormat


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The counts of an import and of its earlier runs; ``resumed_after`` is the row it went on from."""

    tally: ImportTally
    resumed_after: int
    was_finished: bool = False


@dataclass(frozen=True, slots=True)
class FileImporter:
    """Imports files.

    Attributes:
        process_facts: Ingests facts, as it does for messages of the tracking API.
        check_installation: Raises if this process may not go on, because its database went on without it.
        now_ms: The clock.
    """

    catalogue: Catalogue
    validator: MessageValidator
    blind_index: BlindIndex = field(repr=False)
    process_facts: ProcessFacts
    imports: ImportStore
    now_ms: Callable[[], int]

    async def run(
        self,
        order: ImportOrder,
        report_progress: ReportProgress,
        check_installation: Callable[[], Awaitable[None]],
    ) -> ImportResult:
        """Import a file, from where an earlier run of the same import stopped.

        Raises:
            Misconfigured: the file cannot be read; the rows before are imported. Or as
                ``check_installation``.
            Unavailable: the database is unavailable; another run goes on from the last stored progress.
        """
        import_id = self._identify(order)
        progress = await self.imports.find(import_id)
        if progress is None:
            now, mapping = self.now_ms(), order.mapping
            progress = ImportProgress(import_id, mapping.key, mapping.source, now, now)
            await self.imports.begin(progress)
        tally = _read_tally(progress)
        if progress.finished is not None:
            return ImportResult(tally, progress.row, was_finished=True)
        run = _ImportRun(self, progress, tally, check_installation)
        with open_rows(order.path, order.format, order.mapping) as rows:
            validator = RowValidator(
                self.catalogue, order.mapping, self.validator, self.blind_index, self.now_ms()
            )
            # The iterator is closed before the file that it reads.
            with closing(rows.iterate_rows(progress.row)) as iterator:
                await run.ingest_all(_FileWindows(rows, validator, iterator), report_progress)
        return ImportResult(tally, progress.row)

    def _identify(self, order: ImportOrder) -> bytes:
        """Return what makes this import the same one: the file's content, the mapping and the catalogue."""
        parts = (hash_file(order.path), order.format, order.mapping.version, self.catalogue.version)
        return self.blind_index.index("import", *parts)


@dataclass(slots=True)
class _FileWindows:
    """The rows of a file, in windows."""

    rows: RowFile
    validator: RowValidator
    iterator: Iterator[Row]
    _unreadable: Misconfigured | None = None

    async def read_window(self) -> ValidatedRows | None:
        """Read and validate the next rows; None at the end of the file.

        Raises:
            Misconfigured: the next row cannot be read; those before it were returned.
        """
        if self._unreadable is not None:
            raise self._unreadable
        window, count = ValidatedRows(), 0
        try:
            for row in self.iterator:
                self.validator.add_row(row, window)
                count += 1
                if len(window.facts) >= WINDOW_FACTS or count >= WINDOW_FACTS:
                    break
                if not count % YIELD_ROWS:
                    await asyncio.sleep(0)
        except Misconfigured as unreadable:
            if not count:
                raise
            self._unreadable = unreadable
        return window if count else None


@dataclass(slots=True)
class _ImportRun:
    """One run: the import, what is stored of it, and its counts so far."""

    importer: FileImporter
    progress: ImportProgress
    tally: ImportTally
    check_installation: Callable[[], Awaitable[None]]

    async def ingest_all(self, windows: _FileWindows, report_progress: ReportProgress) -> None:
        """Ingest all windows: the next one is read while one is written."""
        writing: asyncio.Task[None] | None = None
        try:
            while (window := await windows.read_window()) is not None:
                if writing is not None:
                    await writing
                await self.check_installation()
                report_progress(windows.rows.position, windows.rows.size)
                writing = asyncio.create_task(self._ingest_window(window))
        finally:
            # Also when the next rows cannot be read: those before them are imported.
            if writing is not None:
                await writing
        await self._save(finished=True)
        report_progress(windows.rows.size, windows.rows.size)

    async def _ingest_window(self, window: ValidatedRows) -> None:
        lanes: list[list[Fact]] = [[] for _ in range(LANES)]
        # The sort is stable: the facts of one person stay in the order of their rows.
        for fact in sorted(window.facts, key=_read_person):
            lanes[hash(_read_person(fact)) % LANES].append(fact)
        # All lanes have ended when this returns, also if one of them failed.
        results = await asyncio.gather(*map(self._ingest_lane, lanes), return_exceptions=True)
        self.tally.add_all(window.tally)
        for result in results:
            if isinstance(result, BaseException):
                raise result
            self.tally.messages += result
        await self._save(finished=False)

    async def _ingest_lane(self, facts: Sequence[Fact]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for start in range(0, len(facts), MAX_FACTS_PER_CALL):
            part = facts[start : start + MAX_FACTS_PER_CALL]
            outcomes = await self.importer.process_facts(part)
            # The message of a remainder has been counted as refused.
            counts.update(
                outcome.status for fact, outcome in zip(part, outcomes, strict=True) if not fact.is_remainder
            )
        return counts

    async def _save(self, *, finished: bool) -> None:
        now = self.importer.now_ms()
        await self.importer.imports.save(
            ImportProgress(
                id=self.progress.id,
                mapping=self.progress.mapping,
                source=self.progress.source,
                started=self.progress.started,
                updated=now,
                row=max(self.tally.rows, self.progress.row),
                outcomes={str(name): count for name, count in self.tally.messages.items()},
                faults=tuple(_store_fault(key, count) for key, count in self.tally.faults.items()),
                finished=now if finished else None,
            )
        )


def accept_past_notice(notice: NoticeReference) -> bool:
    """Return True: notices of the past are not among the editions of this installation.

    A sender of messages must name an edition that people are shown. The operator who imports a file answers
    for the proof in it, which is recorded as the file states it.
    """
    del notice
    return True


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_person(fact: Fact) -> str:
    return fact.identifiers[0].value.value


def _store_fault(key: FaultKey, counted: FaultCount) -> StoredFault:
    return StoredFault(
        key.effect.value, key.code, key.column, counted.reason, counted.count, tuple(counted.rows)
    )


def _read_tally(progress: ImportProgress) -> ImportTally:
    return ImportTally(
        rows=progress.row,
        messages=Counter(progress.outcomes),
        faults={
            FaultKey(FaultEffect(fault.effect), fault.code, fault.column): FaultCount(
                fault.reason, fault.count, list(fault.rows)
            )
            for fault in progress.faults
        },
    )
