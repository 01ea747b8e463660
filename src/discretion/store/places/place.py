"""What an entry of the map of places says: what a place holds, and how a person leaves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from discretion.store.document import Document


class PlaceKind(StrEnum):
    """The kind of a place."""

    COLLECTION = "collection"
    INDEX = "index"
    MEMORY = "memory"
    FILE = "file"
    OUTSIDE = "outside party"


class Departure(StrEnum):
    """How a person leaves a place when they are erased."""

    DELETED = "deleted"
    SHRUNK = "shrunk"  # what is about others too stays, without the person
    EVIDENCE = "kept as evidence"
    OTHER_LAW = "kept under another law"
    EXPIRES = "expires by itself"
    KEY_DESTROYED = "key destroyed"  # the bytes stay for a while, and nobody can read them any more
    NOTIFIED = "told to erase"
    NO_PERSON = "holds no person"


ERASURE = "GDPR Art. 17(1)"
ACCOUNTABILITY = "GDPR Art. 5(2)"
STORAGE_LIMITATION = "GDPR Art. 5(1)(e)"

LAWS: Mapping[Departure, str] = MappingProxyType(
    {
        Departure.DELETED: ERASURE,
        Departure.SHRUNK: ERASURE,
        Departure.KEY_DESTROYED: ERASURE,
        Departure.EXPIRES: STORAGE_LIMITATION,
        Departure.NOTIFIED: "GDPR Art. 19",
        Departure.EVIDENCE: ACCOUNTABILITY,
        Departure.NO_PERSON: "",
    }
)
"""The provision behind each departure, unless an entry names another. One kept under another law names it."""


class IdKind(StrEnum):
    """The kind of an id by which data of a person are found."""

    CUSTOMER = "customer"
    RECORD = "source record"
    IDENTIFIER = "identifier"  # the blind index of one that only this person uses
    RULING = "ruling"


@dataclass(frozen=True, slots=True)
class ErasedIds:
    """The ids of one or more erased people."""

    customers: frozenset[bytes] = field(default=frozenset(), repr=False)
    records: frozenset[bytes] = field(default=frozenset(), repr=False)
    identifiers: frozenset[bytes] = field(default=frozenset(), repr=False)
    rulings: frozenset[bytes] = field(default=frozenset(), repr=False)

    def list_kind(self, kind: IdKind) -> frozenset[bytes]:
        """Return the ids of one kind."""
        return {
            IdKind.CUSTOMER: self.customers,
            IdKind.RECORD: self.records,
            IdKind.IDENTIFIER: self.identifiers,
            IdKind.RULING: self.rulings,
        }[kind]


class Stage(StrEnum):
    """When an erasure takes a person out of a collection."""

    PROFILE = "profile"  # in the one transaction after which no read finds the person
    PURGE = "purge"  # after it, in batches


@dataclass(frozen=True, slots=True)
class Reference:
    """A member of a document, at any depth of lists, that names people by ids of one kind."""

    member: str
    kind: IdKind


@dataclass(frozen=True, slots=True)
class Backlink:
    """Documents that name a deleted document, and lose its id.

    Attributes:
        collection: Their collection.
        member: The list in them that holds the id.
        named_in: The member of the deleted document that names them, after erased ids were taken out.
    """

    collection: str
    member: str
    named_in: str


ErasedTest = Callable[[Document, ErasedIds], bool]


def keep_always(document: Document, erased: ErasedIds) -> bool:
    """Return False: the document stays, without the person."""
    del document, erased
    return False


@dataclass(frozen=True, slots=True)
class Removal:
    """How the documents of a collection lose a person.

    Attributes:
        stage: When.
        found_by: The members by which the documents of a person are found.
        takes_out: The members that lose the ids of the person; none where whole documents are deleted.
        clears: The members that are emptied, whatever they hold.
        goes_when: Whether a document goes as a whole, by what is left of it.
        leaves_tombstones: Whether the id of a deleted document must not be taken in again.
        received: The member with the time of receipt (ms). A person who returns has the same records and
            identifiers again; documents since their return are not part of the erasure.
        backlink: Who else must forget a document that goes.
    """

    stage: Stage
    found_by: tuple[Reference, ...]
    takes_out: tuple[Reference, ...] = ()
    clears: tuple[str, ...] = ()
    goes_when: ErasedTest = keep_always
    leaves_tombstones: bool = False
    received: str = ""
    backlink: Backlink | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place that may hold data of a person.

    Attributes:
        kind: The kind of place.
        name: A collection; a collection and its index; a module and the name of the variable; a path pattern
            in the data folder; or a party.
        holds: What it may hold.
        departure: How a person leaves it.
        how: The same in a sentence.
        expires_after: How long it holds something at most, if that ends by itself.
        removal: How documents lose the person; None if no erasure changes the place.
        outlives_restore: Whether a restore keeps what the place holds now, beside what the dump has.
        law: The provision under which a person leaves the place, or something of them is kept; empty if it
            holds no person.
    """

    kind: PlaceKind
    name: str
    holds: str
    departure: Departure
    how: str
    expires_after: timedelta | None = None
    removal: Removal | None = None
    outlives_restore: bool = False
    law: str = ""
