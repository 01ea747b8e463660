"""A row becomes messages of the tracking API, by a mapping of the catalogue.

A row gives at most one ``identify``, with its traits and further ids, one message for each event, and one
``consent`` for each statement. None has ``sentAt``: a time of the past is taken as it is, not corrected for
the sender's clock.

Ids of messages follow from the row alone, so a file that is imported again, in whole or in part, under
another name or together with later rows, counts nothing twice. An event is known by the row's key: an order
that is exported again counts once, also if its row has changed since. Traits and statements are known by
their content: a row that has changed says something new. The ids are keyed digests, because ids of messages
are stored and a key may be a phone number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson

from discretion.catalogue.import_mapping import (
    ImportCondition,
    ImportedCell,
    ImportedEvent,
    ImportMapping,
)
from discretion.catalogue.model import Catalogue, ValueType
from discretion.domain.ingest.file_import.cell import (
    CellReader,
    CellUnreadable,
    is_absent,
    write_cell_text,
)
from discretion.domain.ingest.file_import.row_file import Row
from discretion.domain.ingest.file_import.row_result import Message, RowFault, RowMessages
from discretion.domain.ingest.file_import.row_statement import StatementReader, select_refusals
from discretion.seal.blind_index import BlindIndex

PAGE_EVENTS = ("page", "screen")
GROUP_EVENT, GROUP_ID = "group", "groupId"


class _Refused(Exception):
    """A message of a row cannot be built; its fault was added."""


@dataclass(frozen=True, slots=True)
class _TypedCells:
    """The readers of cells by the name of what they fill."""

    readers: Mapping[str, CellReader]

    def read(self, row: Row, result: RowMessages) -> Message:
        values: Message = {}
        for name, reader in self.readers.items():
            value = result.read_or_leave_out(reader, row)
            if value is not None:
                values[name] = value
        return values


class RowMessageBuilder:
    """Builds the messages of rows, for one mapping."""

    def __init__(self, catalogue: Catalogue, mapping: ImportMapping, blind_index: BlindIndex) -> None:
        self._mapping = mapping
        self._blind_index = blind_index
        self._person = _TypedCells(
            {
                member: CellReader(cell, mapping)
                for member, cell in (("userId", mapping.user_id), ("anonymousId", mapping.anonymous_id))
                if cell is not None
            }
        )
        supply = catalogue.supply_by_channel[catalogue.sources[mapping.source].channel]
        self._traits = _TypedCells(
            {
                trait: CellReader(cell, mapping, attribute.type, attribute.many)
                for trait, cell in mapping.traits.items()
                for attribute in (supply.attributes[supply.by_trait[trait]],)
            }
        )
        self._identifiers = [
            (identifier, CellReader(identifier.cell, mapping)) for identifier in mapping.identifiers
        ]
        self._events = [(event, _read_properties(catalogue, mapping, event)) for event in mapping.events]
        self._statements = [StatementReader(statement, mapping) for statement in mapping.statements]

    def build(self, row: Row) -> RowMessages:
        """Build the messages of a row. A message that cannot be built is a fault; the others are built."""
        result = RowMessages()
        if row.is_malformed:
            result.faults.append(
                RowFault("ROW_MALFORMED", "", "It has not as many cells as the header, or is no JSON object.")
            )
            return result
        person = self._person.read(row, result)
        for build_messages in (self._build_identify, self._build_events, self._build_statements):
            for message in build_messages(row, result):
                result.messages.append({**message, **person})
        # With the person's ids: the same statement of two people is two statements.
        for message in result.messages:
            if "messageId" not in message:
                message["messageId"] = self._digest_content(message)
        return result

    def _build_identify(self, row: Row, result: RowMessages) -> Iterator[Message]:
        traits = self._traits.read(row, result)
        external_ids = [
            {
                "id": value,
                "type": identifier.type,
                "collection": "users",
                "encoding": "none",
                "assurance": identifier.assurance.label,
            }
            for identifier, reader in self._identifiers
            if (value := result.read_or_leave_out(reader, row)) is not None
        ]
        if not traits and not external_ids:
            return
        message: Message = {"type": "identify", "traits": _nest(traits)}
        if external_ids:
            message["context"] = {"externalIds": external_ids}
        yield from self._add_time(message, self._mapping.time, row, result)

    def _build_events(self, row: Row, result: RowMessages) -> Iterator[Message]:
        for event, properties in self._events:
            if not _is_selected(self._mapping, event.only_if, row):
                continue
            try:
                message = {
                    **_shape_event(event.name, properties.read(row, result)),
                    "messageId": self._digest_key(event.name, row, result),
                }
            except _Refused:
                continue
            yield from self._add_time(message, event.time, row, result)

    def _build_statements(self, row: Row, result: RowMessages) -> Iterator[Message]:
        for reader in self._statements:
            if not _is_selected(self._mapping, reader.statement.only_if, row):
                continue
            message = reader.read(row, result)
            if message is None:
                continue
            timed = list(self._add_time(message, reader.statement.time, row, result))
            # A no without a readable time counts from its receipt: it must not be lost.
            yield from timed or select_refusals(message)

    def _add_time(
        self, message: Message, cell: ImportedCell, row: Row, result: RowMessages
    ) -> Iterator[Message]:
        """Yield the message with its time, or nothing if the row has none."""
        try:
            time = CellReader(cell, self._mapping, ValueType.DATETIME).read(row.cells)
        except CellUnreadable as unreadable:
            result.faults.append(RowFault("CELL_UNREADABLE", cell.column or "", unreadable.reason))
            return
        if time is None:
            column = cell.column or ""
            result.faults.append(
                RowFault(
                    "TIME_MISSING", column, "The row says no time, and that of the import would be wrong."
                )
            )
            return
        yield {**message, "timestamp": time}

    def _digest_key(self, event_name: str, row: Row, result: RowMessages) -> str:
        """Return the id of an event's message, from the key of its row."""
        texts = []
        for column in self._mapping.row_key:
            value = row.cells.get(column)
            if is_absent(self._mapping, value):
                result.faults.append(
                    RowFault("KEY_MISSING", column, "Without it a repetition could not be recognised.")
                )
                raise _Refused
            texts.append(write_cell_text(value))
        return self._digest(event_name, *texts)

    def _digest_content(self, message: Message) -> str:
        content = orjson.dumps(message, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
        return self._digest("content", content.decode())

    def _digest(self, *parts: str) -> str:
        digest = self._blind_index.index("import", self._mapping.source, self._mapping.key, *parts)
        return f"import:{digest.hex()}"


def _read_properties(catalogue: Catalogue, mapping: ImportMapping, event: ImportedEvent) -> _TypedCells:
    declared = {each.name: each for each in catalogue.events[event.name].properties}
    return _TypedCells(
        {
            name: CellReader(cell, mapping, declared[name].type, declared[name].many)
            for name, cell in event.properties.items()
        }
    )


def _is_selected(mapping: ImportMapping, condition: ImportCondition | None, row: Row) -> bool:
    if condition is None:
        return True
    value = row.cells.get(condition.column)
    if is_absent(mapping, value):
        return False
    return not condition.values or write_cell_text(value) in condition.values


def _shape_event(name: str, properties: Message) -> Message:
    """Return the members of an event's message, as its call has them."""
    if name in PAGE_EVENTS:
        return {"type": name, "properties": properties}
    if name == GROUP_EVENT:
        traits = {key: value for key, value in properties.items() if key != GROUP_ID}
        return {"type": name, GROUP_ID: properties.get(GROUP_ID), "traits": traits}
    return {"type": "track", "event": name, "properties": properties}


def _nest(values: Mapping[str, object]) -> Message:
    """Return values by dotted places as nested objects."""
    nested: Message = {}
    for place, value in values.items():
        *outer_steps, name = place.split(".")
        inner = nested
        for step in outer_steps:
            child = inner.setdefault(step, {})
            assert isinstance(child, dict)
            inner = child
        inner[name] = value
    return nested
