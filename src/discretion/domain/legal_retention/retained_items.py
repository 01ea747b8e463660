"""Data that an erasure does not delete, because another law orders them kept or a steward placed a hold.

They are moved to ``held``, unavailable to every other purpose, under a random id and a key of their own, so
that neither leads back to the customer. Of an event only the properties that belong to the invoice are kept
(GDPR Art. 17(3)(b), 5(1)(c)).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.domain.identity.unit_of_work import WriteContext
from discretion.law.jurisdiction import Jurisdiction, Lawbook
from discretion.law.retention_duty import find_retention_duty
from discretion.seal.cell import encrypt_cell, event_cell_key, identifier_cell_key
from discretion.seal.cell_transfer import CellOwner, transfer_cell_as
from discretion.seal.key_files import KEY_BYTES, NONCE_BYTES
from discretion.store.events import StoredEvent
from discretion.store.legal_holds import StoredHold
from discretion.store.retained_data import RetainedData, RetainedKind, RetainedPart
from discretion.store.source_record import Cell, RecordIdentifier, SourceRecord

ITEMS_PER_DOCUMENT = 200
"""Maximum number of items in one document."""


@dataclass(frozen=True, slots=True)
class RetentionOrder:
    """Why data are retained: law, provision, and until when (ms) or by which hold."""

    law: str
    provision: str
    until: int | None = None
    hold: bytes | None = None


@dataclass(frozen=True, slots=True)
class RetainedItem:
    """An event or source record that is retained. ``properties`` are those kept of an event, None for all."""

    document: StoredEvent | SourceRecord = field(repr=False)
    properties: frozenset[str] | None = None

    @property
    def kind(self) -> RetainedKind:
        """An event or a record."""
        return RetainedKind.EVENT if isinstance(self.document, StoredEvent) else RetainedKind.RECORD

    @property
    def name(self) -> str:
        """The type of the event, or ``record``."""
        return self.document.type if isinstance(self.document, StoredEvent) else RetainedKind.RECORD.value


RetainedByOrder = dict[RetentionOrder, list[RetainedItem]]


def select_retained(
    lawbook: Lawbook,
    laws: Iterable[str],
    events: Iterable[StoredEvent],
    records: Iterable[SourceRecord],
    holds: Sequence[StoredHold],
    now: int,
) -> RetainedByOrder:
    """Return which events and source records of a person are retained, by the order that retains them. Pure.

    Args:
        lawbook: The laws.
        laws: Keys of the jurisdictions that protect them.
        events: Their events.
        records: Their source records.
        holds: Legal holds on their data.
        now: The present (ms since 1970).
    """
    # An item under several orders is retained once for each, so that each copy expires on its own.
    orders: RetainedByOrder = {}
    jurisdictions: list[Jurisdiction] = [lawbook.find_jurisdiction(law) for law in laws]
    for event in events:
        for order, item in _list_event_orders(jurisdictions, event, holds, now):
            orders.setdefault(order, []).append(item)
    for record in records:
        for hold in holds:
            if record.id in hold.records or hold.keeps_everything:
                orders.setdefault(_build_hold_order(hold), []).append(RetainedItem(record))
    return orders


def _list_event_orders(
    laws: Sequence[Jurisdiction], event: StoredEvent, holds: Sequence[StoredHold], now: int
) -> Iterator[tuple[RetentionOrder, RetainedItem]]:
    duty = find_retention_duty(laws, event.type, event.at, now)
    if duty is not None:
        order = RetentionOrder(duty.jurisdiction_key, duty.rule.citation.source, duty.until_ms)
        yield order, RetainedItem(event, duty.rule.properties)
    for hold in holds:
        if event.id in hold.events or hold.keeps_everything:
            yield _build_hold_order(hold), RetainedItem(event)


def _build_hold_order(hold: StoredHold) -> RetentionOrder:
    return RetentionOrder(hold.law, hold.reason, None, hold.id)


def build_retained_documents(
    context: WriteContext, retained: RetainedByOrder, owner: CellOwner, request: bytes
) -> list[RetainedData]:
    """Return the data for ``held``, each with a key of its own."""
    return [
        _build_retained_data(context, order, items[start : start + ITEMS_PER_DOCUMENT], owner, request)
        for order, items in retained.items()
        for start in range(0, len(items), ITEMS_PER_DOCUMENT)
    ]


def _build_retained_data(
    context: WriteContext,
    order: RetentionOrder,
    items: Sequence[RetainedItem],
    owner: CellOwner,
    request: bytes,
) -> RetainedData:
    new_owner = CellOwner(context.entropy(16), context.entropy(KEY_BYTES))
    return RetainedData(
        id=new_owner.id,
        law=order.law,
        provision=order.provision,
        request=request,
        wrapped_key=context.buckets.wrap(new_owner.id, new_owner.key, context.entropy(NONCE_BYTES)),
        parts=tuple(_build_part(context, item, owner, new_owner) for item in items),
        until=order.until,
        hold=order.hold,
    )


def _build_part(
    context: WriteContext, item: RetainedItem, owner: CellOwner, new_owner: CellOwner
) -> RetainedPart:
    # A new id: the id of an event is a digest of the sender's message id, which leads back to the customer.
    item_id, document = context.entropy(16), item.document
    at = document.last if isinstance(document, SourceRecord) else document.at
    part = RetainedPart(id=item_id, kind=item.kind, type=item.name, source=document.source, at=at)
    if isinstance(document, SourceRecord):
        cells = {
            key: _transfer_cell(context, key, cell, owner, new_owner)
            for key, cell in document.cells.items()
            if cell.sealed is not None or cell.value is not None  # a removed value has neither
        }
        identifiers = _transfer_identifiers(context, item_id, document.identifiers, owner, new_owner)
        return replace(part, cells=cells, identifiers=identifiers)
    if document.properties is None:
        return part
    keys = event_cell_key(document.id).encode(), event_cell_key(item_id).encode()
    nonce = context.entropy(NONCE_BYTES)
    properties = transfer_cell_as(
        document.properties, keys[0], owner, keys[1], new_owner, nonce, item.properties
    )
    return replace(part, properties=properties)


def _transfer_cell(
    context: WriteContext, key: str, cell: Cell, owner: CellOwner, new_owner: CellOwner
) -> bytes:
    """Encrypt a value for ``held``. Open values are encrypted too: nobody may be identified by them."""
    nonce = context.entropy(NONCE_BYTES)
    if cell.sealed is not None:
        return transfer_cell_as(cell.sealed, key.encode(), owner, key.encode(), new_owner, nonce)
    return encrypt_cell(AESGCM(new_owner.key), new_owner.id, key.encode(), cell.at, nonce, cell.value)


def _transfer_identifiers(
    context: WriteContext,
    item_id: bytes,
    identifiers: Sequence[RecordIdentifier],
    owner: CellOwner,
    new_owner: CellOwner,
) -> dict[str, bytes]:
    """Return the identifiers of a record by type and number; their entries would identify the customer."""
    cells = {}
    for number, identifier in enumerate(identifiers):
        key, member = identifier_cell_key(identifier.entry).encode(), f"{identifier.type}/{number}"
        target_key = f"{item_id.hex()}/{member}".encode()
        cells[member] = transfer_cell_as(
            identifier.cell, key, owner, target_key, new_owner, context.entropy(NONCE_BYTES)
        )
    return cells
