"""What is not erased, since another law orders it kept or a steward put a hold on it.

It moves out of the reach of every purpose but that one: into ``held``, under a random id and a key of its
own, so that neither leads back to the customer. Of an event those properties go along that belong to the
invoice (GDPR Art. 17(3)(b), 5(1)(c)).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.domain.identity.unit_of_work import Workshop
from discretion.law.jurisdiction import Jurisdiction, Lawbook
from discretion.law.retention_duty import kept
from discretion.seal.cell import event_key, identifier_key, shut
from discretion.seal.cell_transfer import Owner, carry
from discretion.seal.key_files import KEY_BYTES, NONCE_BYTES

Document = dict[str, Any]

EVENT, RECORD = "event", "record"
TOGETHER = 200
"""Items that one document holds."""


@dataclass(frozen=True, slots=True)
class Order:
    """Why something is kept: the law, its provision, until when (ms) or until which hold is lifted."""

    law: str
    why: str
    until: int | None = None
    hold: bytes | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A document that is kept under an order; of an event ``only`` these properties, None for all."""

    kind: str
    document: Mapping[str, Any] = field(repr=False)
    only: frozenset[str] | None = None


Keeping = dict[Order, list[Item]]


def keeping(
    book: Lawbook,
    laws: Iterable[str],
    events: Iterable[Mapping[str, Any]],
    records: Iterable[Mapping[str, Any]],
    holds: Sequence[Mapping[str, Any]],
    now: int,
) -> Keeping:
    """What of somebody's events and records is kept, by the order that keeps it. Pure.

    Args:
        book: The laws.
        laws: Keys of the jurisdictions that protect them.
        events: Their events.
        records: Their source records.
        holds: Holds that stewards placed.
        now: The present (ms).
    """
    orders: Keeping = {}
    known: list[Jurisdiction] = [book.of(one) for one in laws]
    for event in events:
        for order, item in _event(known, event, holds, now):
            orders.setdefault(order, []).append(item)
    for record in records:
        for hold in holds:
            if record["_id"] in hold["records"] or not (hold["records"] or hold["events"]):
                orders.setdefault(_ordered(hold), []).append(Item(RECORD, record))
    return orders


def _event(
    laws: Sequence[Jurisdiction], event: Mapping[str, Any], holds: Sequence[Mapping[str, Any]], now: int
) -> Iterator[tuple[Order, Item]]:
    found = kept(laws, event["type"], event["at"], now)
    if found is not None:
        order = Order(found.law, found.rule.cited.source, found.until)
        yield order, Item(EVENT, event, found.rule.properties)
    for hold in holds:
        if event["_id"] in hold["events"] or not (hold["records"] or hold["events"]):
            yield _ordered(hold), Item(EVENT, event)


def _ordered(hold: Mapping[str, Any]) -> Order:
    return Order(hold["law"], hold["reason"], None, hold["_id"])


def held(shop: Workshop, keeps: Keeping, owner: Owner, request: bytes) -> list[Document]:
    """The documents in which it is kept, each under a key of its own."""
    return [
        _document(shop, order, items[start : start + TOGETHER], owner, request)
        for order, items in keeps.items()
        for start in range(0, len(items), TOGETHER)
    ]


def _document(shop: Workshop, order: Order, items: Sequence[Item], owner: Owner, request: bytes) -> Document:
    holder: Owner = (shop.entropy(16), shop.entropy(KEY_BYTES))
    return {
        "_id": holder[0],
        "law": order.law,
        "why": order.why,
        "request": request,
        "key": shop.buckets.wrap(*holder, shop.entropy(NONCE_BYTES)),
        "items": [_item(shop, one, owner, holder) for one in items],
        **({} if order.until is None else {"until": order.until}),
        **({} if order.hold is None else {"hold": order.hold}),
    }


def _item(shop: Workshop, item: Item, owner: Owner, holder: Owner) -> Document:
    doc, name = item.document, shop.entropy(16)
    if item.kind == RECORD:
        return {
            "id": name,
            "kind": RECORD,
            "type": RECORD,
            "source": doc["source"],
            "at": doc["last"],
            "cells": {key: _cell(shop, key, cell, owner, holder) for key, cell in doc["cells"].items()},
            "names": _names(shop, name, doc["ids"], owner, holder),
        }
    told = {"id": name, "kind": EVENT, "type": doc["type"], "source": doc["source"], "at": doc["at"]}
    if "props" not in doc:
        return told
    keys = event_key(doc["_id"]).encode(), event_key(name).encode()
    nonce = shop.entropy(NONCE_BYTES)
    return {**told, "props": carry(doc["props"], keys[0], owner, keys[1], holder, nonce, item.only)}


def _cell(shop: Workshop, key: str, cell: Mapping[str, Any], owner: Owner, holder: Owner) -> bytes:
    """A value that was readable is shut too: nobody is to find somebody erased by it."""
    nonce = shop.entropy(NONCE_BYTES)
    if "c" in cell:
        return carry(cell["c"], key.encode(), owner, key.encode(), holder, nonce)
    return shut(AESGCM(holder[1]), holder[0], key.encode(), cell["t"], nonce, cell["v"])


def _names(
    shop: Workshop, item: bytes, named: Sequence[Mapping[str, Any]], owner: Owner, holder: Owner
) -> dict[str, bytes]:
    """The identifiers of a record, by type and number; their entries would say whose they were."""
    names = {}
    for number, one in enumerate(named):
        key, under = identifier_key(one["e"]).encode(), f"{one['k']}/{number}"
        goal = f"{item.hex()}/{under}".encode()
        names[under] = carry(one["c"], key, owner, goal, holder, shop.entropy(NONCE_BYTES))
    return names
