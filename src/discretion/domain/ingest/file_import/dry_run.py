"""A dry run: what an import would refuse or leave out, without a database and without a change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from discretion.catalogue.model import Catalogue
from discretion.domain.ingest.file_import.file_import import YIELD_ROWS, ImportOrder, ReportProgress
from discretion.domain.ingest.file_import.import_tally import ImportTally
from discretion.domain.ingest.file_import.open_rows import open_rows
from discretion.domain.ingest.file_import.row_validation import RowValidator, ValidatedRows
from discretion.domain.ingest.message import IngestStatus
from discretion.domain.ingest.validation import MessageValidator
from discretion.seal.blind_index import BlindIndex


@dataclass(frozen=True, slots=True)
class ImportDryRun:
    """Validates the rows of a file as an import does. A repeated message counts as often as it occurs."""

    catalogue: Catalogue
    validator: MessageValidator
    now_ms: Callable[[], int]
    blind_index: BlindIndex = field(default=BlindIndex(bytes(32)), repr=False)

    def run(self, order: ImportOrder, report_progress: ReportProgress) -> ImportTally:
        """Return what an import of the file would count, except what depends on the people it is about."""
        tally = ImportTally()
        validator = RowValidator(
            self.catalogue, order.mapping, self.validator, self.blind_index, self.now_ms()
        )
        with open_rows(order.path, order.format, order.mapping) as rows:
            for row in rows.iterate_rows(0):
                validated = ValidatedRows()
                validator.add_row(row, validated)
                tally.add_all(validated.tally)
                tally.messages[IngestStatus.ACCEPTED] += sum(
                    not fact.is_remainder for fact in validated.facts
                )
                if not row.number % (YIELD_ROWS * 50):
                    report_progress(rows.position, rows.size)
            report_progress(rows.size, rows.size)
        return tally
