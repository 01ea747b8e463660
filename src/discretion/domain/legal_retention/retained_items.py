"""Data that an erasure does not delete, because another law orders them kept or a steward placed a hold.

They are moved to ``held``, unavailable to every other purpose, under a random id and a key of their own, so
that neither leads back to the customer. Of an event only the properties that belong to the invoice are kept
(GDPR Art. 17(3)(b), 5(1)(c)).

Members of a document in ``held``: ``law``, ``why`` (provision), ``request`` (the erasure), ``key`` (wrapped
data key), ``until`` (ms) or ``hold`` (id), and ``items``. An item has ``id``, ``kind``, ``type``, ``source``,
``at`` and either ``props`` (sealed) or ``cells`` and ``names`` (sealed values and identifiers of a source
record).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.domain.identity.unit_of_work import WriteContext
from discretion.law.jurisdiction import Jurisdiction, Lawbook
from discretion.law.retention_duty import find_retention_duty
from discretion.seal.cell import encrypt_cell, event_cell_key, identifier_cell_key
from discretion.seal.cell_transfer import CellOwner, transfer_cell_as
from discretion.seal.key_files import KEY_BYTES, NONCE_BYTES
from discretion.store.document import MutableDocument

EVENT, RECORD = "event", "record"
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

    kind: str
    document: Mapping[str, Any] = field(repr=False)
    properties: frozenset[str] | None = None


RetainedByOrder = dict[RetentionOrder, list[RetainedItem]]


def select_retained(
    lawbook: Lawbook,
    laws: Iterable[str],
    events: Iterable[Mapping[str, Any]],
    records: Iterable[Mapping[str, Any]],
    holds: Sequence[Mapping[str, Any]],
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
            if record["_id"] in hold["records"] or not (hold["records"] or hold["events"]):
                orders.setdefault(_build_hold_order(hold), []).append(RetainedItem(RECORD, record))
    return orders


def _list_event_orders(
    laws: Sequence[Jurisdiction], event: Mapping[str, Any], holds: Sequence[Mapping[str, Any]], now: int
) -> Iterator[tuple[RetentionOrder, RetainedItem]]:
    duty = find_retention_duty(laws, event["type"], event["at"], now)
    if duty is not None:
        order = RetentionOrder(duty.jurisdiction_key, duty.rule.citation.source, duty.until_ms)
        yield order, RetainedItem(EVENT, event, duty.rule.properties)
    for hold in holds:
        if event["_id"] in hold["events"] or not (hold["records"] or hold["events"]):
            yield _build_hold_order(hold), RetainedItem(EVENT, event)


def _build_hold_order(hold: Mapping[str, Any]) -> RetentionOrder:
    return RetentionOrder(hold["law"], hold["reason"], None, hold["_id"])


def build_retained_documents(
    context: WriteContext, retained: RetainedByOrder, owner: CellOwner, request: bytes
) -> list[MutableDocument]:
    """Return the documents for ``held``, each with a key of its own."""
    return [
        _build_retained_document(context, order, items[start : start + ITEMS_PER_DOCUMENT], owner, request)
        for order, items in retained.items()
        for start in range(0, len(items), ITEMS_PER_DOCUMENT)
    ]


def _build_retained_document(
    context: WriteContext,
    order: RetentionOrder,
    items: Sequence[RetainedItem],
    owner: CellOwner,
    request: bytes,
) -> MutableDocument:
    holder: CellOwner = (context.entropy(16), context.entropy(KEY_BYTES))
    return {
        "_id": holder[0],
        "law": order.law,
        "why": order.provision,
        "request": request,
        "key": context.buckets.wrap(*holder, context.entropy(NONCE_BYTES)),
        "items": [_build_item(context, item, owner, holder) for item in items],
        **({} if order.until is None else {"until": order.until}),
        **({} if order.hold is None else {"hold": order.hold}),
    }


def _build_item(
    context: WriteContext, item: RetainedItem, owner: CellOwner, holder: CellOwner
) -> MutableDocument:
    # A new id: the id of an event is a digest of the sender's message id, which leads back to the customer.
    doc, item_id = item.document, context.entropy(16)
    if item.kind == RECORD:
        return {
            "id": item_id,
            "kind": RECORD,
            "type": RECORD,
            "source": doc["source"],
            "at": doc["last"],
            "cells": {
                key: _transfer_cell(context, key, cell, owner, holder) for key, cell in doc["cells"].items()
            },
            "names": _transfer_identifiers(context, item_id, doc["ids"], owner, holder),
        }
    stored = {"id": item_id, "kind": EVENT, "type": doc["type"], "source": doc["source"], "at": doc["at"]}
    if "props" not in doc:
        return stored
    keys = event_cell_key(doc["_id"]).encode(), event_cell_key(item_id).encode()
    nonce = context.entropy(NONCE_BYTES)
    return {
        **stored,
        "props": transfer_cell_as(doc["props"], keys[0], owner, keys[1], holder, nonce, item.properties),
    }


def _transfer_cell(
    context: WriteContext, key: str, cell: Mapping[str, Any], owner: CellOwner, holder: CellOwner
) -> bytes:
    """Encrypt a value for ``held``. Open values are encrypted too: nobody may be identified by them."""
    nonce = context.entropy(NONCE_BYTES)
    if "c" in cell:
        return transfer_cell_as(cell["c"], key.encode(), owner, key.encode(), holder, nonce)
    return encrypt_cell(AESGCM(holder[1]), holder[0], key.encode(), cell["t"], nonce, cell["v"])


def _transfer_identifiers(
    context: WriteContext,
    item_id: bytes,
    identifiers: Sequence[Mapping[str, Any]],
    owner: CellOwner,
    holder: CellOwner,
) -> dict[str, bytes]:
    """Return the identifiers of a record by type and number; their entries would identify the customer."""
    cells = {}
    for number, identifier in enumerate(identifiers):
        key, member = identifier_cell_key(identifier["e"]).encode(), f"{identifier['k']}/{number}"
        target_key = f"{item_id.hex()}/{member}".encode()
        cells[member] = transfer_cell_as(
            identifier["c"], key, owner, target_key, holder, context.entropy(NONCE_BYTES)
        )
    return cells
