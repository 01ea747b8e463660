"""The collections in the map of places, and the indexes over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from discretion.store import events, source_record_codec
from discretion.store.document import Document
from discretion.store.places.place import (
    ACCOUNTABILITY,
    ERASURE,
    LAWS,
    Backlink,
    Departure,
    ErasedIds,
    IdKind,
    Place,
    PlaceKind,
    Reference,
    Removal,
    Stage,
)
from discretion.store.schema.collections import COLLECTIONS


def names_no_customer(document: Document, erased: ErasedIds) -> bool:
    """Return whether a merge or a split is about nobody else."""
    del erased
    return not document["customers"]


def names_no_record(document: Document, erased: ErasedIds) -> bool:
    """Return whether a statement is about no other source record."""
    del erased
    return not document["records"]


def belongs_to_erased(document: Document, erased: ErasedIds) -> bool:
    """Return whether only erased people use an identifier."""
    return document["_id"] in erased.identifiers


def decides_nothing(document: Document, erased: ErasedIds) -> bool:
    """Return whether a ruling has no effect any more: it joins or separates fewer than two records."""
    del erased
    sides = document["sides"]
    return sum(map(len, sides)) < 2 if document["joined"] else len(sides) < 2


@dataclass(frozen=True, slots=True)
class _CollectionEntry:
    """An entry for a collection, whose contents are described beside its schema."""

    name: str
    departure: Departure
    how: str
    expires_after: timedelta | None = None
    removal: Removal | None = None
    outlives_restore: bool = False
    law: str = ""


CUSTOMER, RECORD = IdKind.CUSTOMER, IdKind.RECORD
IDENTIFIER, RULING = IdKind.IDENTIFIER, IdKind.RULING
ONE_CUSTOMER = (Reference("customer", CUSTOMER),)
NAMING_LISTS = (Reference("records", RECORD), Reference("claims", RECORD), Reference("anonymous", RECORD))
REFUSALS = Reference("refusals.r", RECORD)

# In the order in which an erasure goes through them. A missing collection is found by the tests.
_ENTRIES: tuple[_CollectionEntry, ...] = (
    _CollectionEntry(
        "customers",
        Departure.DELETED,
        "The document is deleted; its data key dies with the key of its bucket.",
        removal=Removal(Stage.PROFILE, (Reference("_id", CUSTOMER),)),
    ),
    _CollectionEntry(
        "source_records",
        Departure.DELETED,
        "Deleted with the customer they belong to, and so are the pseudonyms that are sealed in them.",
        removal=Removal(Stage.PROFILE, (Reference("_id", RECORD),)),
    ),
    _CollectionEntry(
        "identifiers",
        Departure.SHRUNK,
        "Deleted with the records that name them; one that others use too loses these records.",
        removal=Removal(
            Stage.PROFILE,
            (Reference("_id", IDENTIFIER), *NAMING_LISTS),
            # A record whose person refuses is in ``records`` too.
            takes_out=(*NAMING_LISTS, REFUSALS),
            goes_when=belongs_to_erased,
        ),
    ),
    _CollectionEntry(
        "holds",
        Departure.SHRUNK,
        "It keeps its reason and its law, and names no customer; deleted when it is lifted.",
        removal=Removal(Stage.PROFILE, ONE_CUSTOMER, takes_out=ONE_CUSTOMER, clears=("records", "events")),
        # A hold that nobody can lift keeps the data retained for it for ever.
        outlives_restore=True,
    ),
    _CollectionEntry(
        "events",
        Departure.DELETED,
        "Deleted with the customer they belong to, and each at the end of its retention period.",
        removal=Removal(
            Stage.PURGE,
            (Reference(events.CUSTOMER, CUSTOMER), Reference(events.RECORD, RECORD)),
            leaves_tombstones=True,
            received=events.RECEIVED,
        ),
    ),
    _CollectionEntry(
        "messages",
        Departure.DELETED,
        "Deleted with the source record they belong to.",
        removal=Removal(Stage.PURGE, (Reference("record", RECORD),), leaves_tombstones=True, received="t"),
    ),
    _CollectionEntry(
        "dead_letters",
        Departure.DELETED,
        "Found and deleted by the digests in them; each is deleted after 14 days with the key of its day.",
        expires_after=timedelta(days=14),
        # Not by shared identifiers: a dead letter with one of those may be about another customer.
        removal=Removal(
            Stage.PURGE, (Reference("marks", IDENTIFIER),), leaves_tombstones=True, received="received"
        ),
    ),
    _CollectionEntry(
        "suggestions",
        Departure.DELETED,
        "Deleted with either of the customers they are about.",
        removal=Removal(Stage.PURGE, (Reference("customers", CUSTOMER),)),
    ),
    _CollectionEntry(
        "proposed_joins",
        Departure.DELETED,
        "Deleted with either of the customers they are about, and with a login that was informed; each is "
        "deleted 60 days after it was decided, but an objection stays.",
        removal=Removal(
            Stage.PURGE,
            (Reference("customers", CUSTOMER), Reference("logins.records", RECORD)),
            received="at",
        ),
    ),
    _CollectionEntry(
        "packages",
        Departure.DELETED,
        "Deleted with the customer they are about; each is deleted after 5 days.",
        expires_after=timedelta(days=5),
        removal=Removal(Stage.PURGE, ONE_CUSTOMER),
    ),
    _CollectionEntry(
        "package_links",
        Departure.DELETED,
        "Deleted with the customer they are about; each is invalid after 15 minutes.",
        expires_after=timedelta(minutes=15),
        removal=Removal(Stage.PURGE, ONE_CUSTOMER),
    ),
    _CollectionEntry(
        "record_codes",
        Departure.DELETED,
        "Deleted with either of the records they are about; each is deleted after 70 minutes.",
        expires_after=timedelta(minutes=70),
        removal=Removal(
            Stage.PURGE,
            (Reference("login", RECORD), Reference("record", RECORD), Reference("address", IDENTIFIER)),
            received="at",
        ),
    ),
    _CollectionEntry(
        "rulings",
        Departure.SHRUNK,
        "They lose the source records of the customer; one that decides nothing any more is deleted.",
        removal=Removal(
            Stage.PURGE,
            (Reference("_id", RULING), Reference("sides", RECORD)),
            takes_out=(Reference("sides", RECORD),),
            goes_when=decides_nothing,
            received="at",
            backlink=Backlink("source_records", source_record_codec.RULINGS, named_in="sides"),
        ),
    ),
    _CollectionEntry(
        "identity_events",
        Departure.SHRUNK,
        "They lose the customer and their evidence; deleted with the last customer they are about.",
        removal=Removal(
            Stage.PURGE,
            (
                Reference("customers", CUSTOMER),
                Reference("sides", RECORD),
                Reference("evidence.entry", IDENTIFIER),
            ),
            takes_out=(
                Reference("customers", CUSTOMER),
                Reference("sides", RECORD),
                Reference("evidence.entry", IDENTIFIER),
            ),
            goes_when=names_no_customer,
            received="at",
        ),
    ),
    _CollectionEntry(
        "consents",
        Departure.SHRUNK,
        "Deleted with the last source record they are about; never changed before that.",
        removal=Removal(
            Stage.PURGE,
            (Reference("records", RECORD), Reference("customer", CUSTOMER)),
            takes_out=(Reference("records", RECORD), Reference("customer", CUSTOMER)),
            goes_when=names_no_record,
            received="received",
        ),
    ),
    _CollectionEntry(
        "sweeps",
        Departure.SHRUNK,
        "A run that has reached this customer begins again; a finished run names nobody.",
        removal=Removal(
            Stage.PURGE,
            (Reference("cursor", CUSTOMER),),
            takes_out=(Reference("cursor", CUSTOMER),),
        ),
    ),
    _CollectionEntry(
        "requests",
        Departure.EVIDENCE,
        "Sealed parts are deleted; the fact of the request is kept as evidence, under an id that identifies "
        "nobody.",
        removal=Removal(Stage.PURGE, ONE_CUSTOMER, clears=("sealed", "code", "login", "reached")),
        law=f"{ACCOUNTABILITY}; 11 CCR 7101",
    ),
    _CollectionEntry(
        "held",
        Departure.OTHER_LAW,
        "Deleted on its day or when its hold is lifted; its key dies with the key of its bucket.",
        # No dump has what was retained since it was made, and the law still orders it kept.
        outlives_restore=True,
        law="GDPR Art. 17(3)",
    ),
    _CollectionEntry(
        "disclosures",
        Departure.EVIDENCE,
        "Kept as evidence; without the key the pseudonym identifies nobody. Whoever was merged with the "
        "person for a time has the pseudonym, sealed under their own key, for their own disclosures of then.",
    ),
    _CollectionEntry(
        "ledger_postings",
        Departure.EVIDENCE,
        "Kept with the disclosures; without the key the pseudonym identifies nobody.",
    ),
    _CollectionEntry(
        "erasures",
        Departure.EVIDENCE,
        "Kept: a restored database learns from them what to erase again.",
        law=f"{ERASURE}, 5(2)",
    ),
    _CollectionEntry(
        "tombstones",
        Departure.EVIDENCE,
        "Kept: they prevent erased data from being taken in again.",
        law=f"{ERASURE}, 5(2)",
    ),
    _CollectionEntry(
        "deliveries",
        Departure.EXPIRES,
        "Created by an erasure; ids are deleted after the notification, or after 44 days.",
        expires_after=timedelta(days=44),
        # Recipients must still be told of erasures since the dump.
        outlives_restore=True,
        law="GDPR Art. 19",
    ),
    _CollectionEntry(
        "mandates",
        Departure.EXPIRES,
        "URLs are deleted after the last notification, the rest 60 days later; no values.",
        expires_after=timedelta(days=60),
    ),
    _CollectionEntry(
        "replays", Departure.NO_PERSON, "None; MongoDB deletes each when the request or token has expired."
    ),
    _CollectionEntry(
        "agents", Departure.NO_PERSON, "None; deleted when an organisation is taken out of the register."
    ),
    _CollectionEntry("recipients", Departure.NO_PERSON, "None; deleted when a client leaves."),
    _CollectionEntry(
        "tracking_plan_violations", Departure.NO_PERSON, "None; MongoDB deletes each after 30 days."
    ),
    _CollectionEntry("ingest_outcomes", Departure.NO_PERSON, "None; MongoDB deletes each after 10 minutes."),
    _CollectionEntry("ingest_watches", Departure.NO_PERSON, "None; MongoDB deletes each within a minute."),
    _CollectionEntry("imports", Departure.NO_PERSON, "None; kept as long as the data that were imported."),
    _CollectionEntry("clients", Departure.NO_PERSON, "None; deleted when a client leaves."),
    _CollectionEntry("consent_terms", Departure.NO_PERSON, "None; kept as long as a consent refers to them."),
    _CollectionEntry("ledger_posting_state", Departure.NO_PERSON, "None."),
    _CollectionEntry("rulebooks", Departure.NO_PERSON, "None."),
    _CollectionEntry("installation", Departure.NO_PERSON, "None."),
)


def _build_collection_places() -> Iterator[Place]:
    contents = {collection.name: collection.contents for collection in COLLECTIONS}
    for entry in _ENTRIES:
        yield Place(
            PlaceKind.COLLECTION,
            entry.name,
            contents[entry.name],
            entry.departure,
            entry.how,
            entry.expires_after,
            entry.removal,
            entry.outlives_restore,
            entry.law or LAWS[entry.departure],
        )


def _build_index_places(places: tuple[Place, ...]) -> Iterator[Place]:
    """Yield the indexes: MongoDB takes the entries of a document out with the document."""
    by_name = {place.name: place for place in places}
    for collection in COLLECTIONS:
        for index in collection.indexes:
            yield Place(
                PlaceKind.INDEX,
                f"{collection.name} {index.name}",
                f"The values of {', '.join(key for key, _ in index.keys)} of each document.",
                by_name[collection.name].departure,
                "As the documents of the collection, in the same write.",
                law=by_name[collection.name].law,
            )


COLLECTION_PLACES: tuple[Place, ...] = tuple(_build_collection_places())
"""The collections, in the order in which an erasure goes through them."""

INDEX_PLACES: tuple[Place, ...] = tuple(_build_index_places(COLLECTION_PLACES))
"""The indexes: each as its collection."""
