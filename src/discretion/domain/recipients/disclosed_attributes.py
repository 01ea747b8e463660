"""Who was given what of a person: read out of the ledger, which has every reveal (GDPR Art. 15(1)(c) and 19).

The ledger calls a person by a pseudonym of each data key they ever had. From it and from the id that belongs
to the key follows the id by which each client knows them: that is what the client is told, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.catalogue.recipient import Recipient, Role
from discretion.ledger.entry import Entry
from discretion.ledger.storage import LedgerStorage
from discretion.seal.bucket_keys import Buckets
from discretion.seal.cell import pseudonym
from discretion.token.grant import SELF

PAGE = 1_000
"""Entries read together."""

BESIDE = ("event:", "identifier:")
"""How an entry names what was revealed beside attributes: a type of event, an identifier of a type."""


@dataclass(frozen=True, slots=True)
class Name:
    """What the ledger calls a person, and the id of theirs it goes with."""

    pseudonym: bytes = field(repr=False)
    customer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Received:
    """What one client was given: attributes and ``event:…`` types, for which purposes, under which ids.

    ``kind`` is what the catalogue knows the client as. ``customers`` are ids of the person by which it met
    them, the present one first if it is among them.
    """

    client: str
    kind: Recipient | None
    attributes: tuple[str, ...]
    purposes: tuple[str, ...]
    customers: tuple[bytes, ...] = field(repr=False)
    last: int


def names_of(buckets: Buckets, customer: Mapping[str, Any]) -> tuple[Name, ...]:
    """Every name of a customer, given ``_id``, ``key`` and ``merged`` of their document.

    They need the data keys, so whoever destroys those asks before and keeps the answer.
    """
    keys = [(customer["_id"], customer["key"]), *((one["id"], one["key"]) for one in customer["merged"])]
    return tuple(Name(pseudonym(buckets.unwrap(who, wrapped)), who) for who, wrapped in keys)


def known_as(catalogue: Catalogue, client: str, kind: str | None = None) -> Recipient | None:
    """The recipient of the catalogue that a client is: the ``kind`` it was registered as goes first."""
    if kind is not None and kind in catalogue.recipients:
        return catalogue.recipients[kind]
    if client in catalogue.recipients:
        return catalogue.recipients[client]
    return next((one for one in catalogue.recipients.values() if client in one.clients), None)


def received(
    catalogue: Catalogue, entries: Iterable[Entry], names: Sequence[Name], kinds: Mapping[str, str]
) -> list[Received]:
    """The clients that were given something of a person, by client id.

    Not the person themself, and nobody whom the catalogue knows as staff: they are the controller (GDPR
    Art. 29). A client that nobody knows is somebody else.

    Args:
        catalogue: Who is who.
        entries: What the ledger has under these names.
        names: Every name of the person.
        kinds: What clients were registered as.
    """
    ids = {name.pseudonym: name.customer for name in names}
    given: dict[str, _Given] = {}
    for entry in entries:
        if entry.actor == SELF:
            continue
        seen = {name: bits for name, bits in entry.subjects.items() if name in ids}
        if what := _what(entry, seen.values()):
            one = given.setdefault(entry.client, _Given())
            one.attributes |= what
            one.purposes |= set(entry.purposes)
            one.customers |= {ids[name] for name in seen}
            one.last = max(one.last, entry.at)
    found = []
    for client, one in sorted(given.items()):
        kind = known_as(catalogue, client, kinds.get(client))
        if kind is None or kind.role is not Role.STAFF:
            order = [name.customer for name in names if name.customer in one.customers]
            attributes, purposes = tuple(sorted(one.attributes)), tuple(sorted(one.purposes))
            found.append(Received(client, kind, attributes, purposes, tuple(order), one.last))
    return found


@dataclass(slots=True)
class _Given:
    attributes: set[str] = field(default_factory=set)
    purposes: set[str] = field(default_factory=set)
    customers: set[bytes] = field(default_factory=set)
    last: int = 0


def _what(entry: Entry, seen: Iterable[int]) -> set[str]:
    """What an entry gave of a person; what is beside attributes it notes of everybody in it alike."""
    met, bits = False, 0
    for one in seen:
        met, bits = True, bits | one
    if not met:
        return set()
    attributes = {path for index, (path, _) in enumerate(entry.attributes) if bits >> index & 1}
    return attributes | {one for one in entry.extra if one.startswith(BESIDE)}


async def entries_of(ledger: LedgerStorage, names: Sequence[Name]) -> list[Entry]:
    """Everything on record of a person."""
    wanted, found = [name.pseudonym for name in names], []
    before: tuple[int, str] | None = None
    while page := await ledger.of_subject(wanted, before, PAGE):
        found += page
        before = page[-1].at, page[-1].receipt
    return found
