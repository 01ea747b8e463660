"""Rows become facts by the rules of the tracking API; what is refused or left out is counted by column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from discretion.catalogue.import_mapping import ImportMapping
from discretion.catalogue.model import Catalogue, Source
from discretion.catalogue.retention_cut_off import RetentionCutOffs, compute_cut_offs
from discretion.domain.ingest.file_import.column_names import ColumnNames
from discretion.domain.ingest.file_import.import_tally import FaultEffect, FaultKey, ImportTally
from discretion.domain.ingest.file_import.row_file import Row
from discretion.domain.ingest.file_import.row_messages import RowMessageBuilder
from discretion.domain.ingest.file_import.row_result import Message, RowFault
from discretion.domain.ingest.intake import validate_message
from discretion.domain.ingest.message import Fact, IngestStatus, RefusedMessage
from discretion.domain.ingest.validation import MessageValidator
from discretion.seal.blind_index import BlindIndex


@dataclass(slots=True)
class ValidatedRows:
    """The facts of some rows, and the counts of what was refused or left out of them."""

    facts: list[Fact] = field(default_factory=list, repr=False)
    tally: ImportTally = field(default_factory=ImportTally)


class RowValidator:
    """Validates rows, for one mapping; ``received`` is the time of the import (ms since 1970)."""

    def __init__(
        self,
        catalogue: Catalogue,
        mapping: ImportMapping,
        validator: MessageValidator,
        blind_index: BlindIndex,
        received: int,
    ) -> None:
        self._source: Source = catalogue.sources[mapping.source]
        self._builder = RowMessageBuilder(catalogue, mapping, blind_index)
        self._columns = ColumnNames.collect(mapping)
        self._validator = validator
        self._received = received
        self._cut_offs: RetentionCutOffs = compute_cut_offs(catalogue, received)

    def add_row(self, row: Row, rows: ValidatedRows) -> None:
        """Add the facts of a row, and count what is wrong with it."""
        built = self._builder.build(row)
        tally = rows.tally
        tally.rows = row.number
        for fault in built.faults:
            self._count(tally, row, fault)
        for message in built.messages:
            result = validate_message(self._validator, self._source, message, self._received)
            if isinstance(result, RefusedMessage):
                column = self._columns.find_column(message, result.place)
                self._count(tally, row, RowFault(result.code, column, result.reason))
                if result.statements is not None:
                    rows.facts.append(result.statements)
                continue
            for fault in self._list_left_out(message, result):
                self._count(tally, row, fault)
            rows.facts.append(result)

    def _count(self, tally: ImportTally, row: Row, fault: RowFault) -> None:
        effect = FaultEffect.REFUSED if fault.refuses else FaultEffect.LEFT_OUT
        tally.messages[IngestStatus.REFUSED] += fault.refuses
        tally.add_fault(FaultKey(effect, fault.code, fault.column), row.number, fault.reason)

    def _list_left_out(self, message: Message, fact: Fact) -> Iterator[RowFault]:
        for left_out in fact.left_out:
            column = self._columns.find_column(message, left_out.place)
            yield RowFault(left_out.code, column, left_out.reason, refuses=False)
        for attribute, _ in fact.values:
            if fact.at < self._cut_offs.find_attribute_cut_off(attribute.key):
                places = (f"traits.{trait}" for trait in attribute.traits)
                yield _build_expired_fault(self._find_first_column(message, places))
        event = fact.event
        if event is not None and fact.at < self._cut_offs.find_event_cut_off(event.type.key):
            yield _build_expired_fault(event.type.key)

    def _find_first_column(self, message: Message, places: Iterable[str]) -> str:
        columns = {place: self._columns.find_column(message, place) for place in places}
        return next((column for place, column in columns.items() if column != place), "")


def _build_expired_fault(column: str) -> RowFault:
    return RowFault(
        "RETENTION_ENDED",
        column,
        "It is older than its retention period and not stored.",
        refuses=False,
    )
