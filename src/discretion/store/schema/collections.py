"""Every collection, and the indexes of attributes that customers are filtered or sorted by."""

from __future__ import annotations

from discretion.errors import Misconfigured
from discretion.store.schema.agents import AGENT_COLLECTIONS
from discretion.store.schema.declaration import (
    BINARY,
    BOOLEAN,
    DATE,
    INTEGER,
    TEXT,
    TIME,
    Collection,
    Index,
    array_of,
    map_of,
    object_of,
)
from discretion.store.schema.erasure import ERASURE_COLLECTIONS
from discretion.store.schema.ingest import INGEST_COLLECTIONS
from discretion.store.schema.profiles import PROFILE_COLLECTIONS
from discretion.store.schema.recipients import RECIPIENT_COLLECTIONS
from discretion.store.schema.requests import REQUEST_COLLECTIONS

MAX_INDEXED = 8
"""Attributes with an index. In a transaction MongoDB 6 reads the list of all indexes once for
each index: with 52 of them an update of one value took 3.0 ms, with 8 it takes 0.2 ms, in MongoDB's own time.
"""

INDEX_PREFIX = "ordered:"
"""Begins the names of these indexes in MongoDB."""


def build_attribute_index(key: str) -> Index:
    """Return the index of an attribute, by its key; equal values are ordered by id."""
    return Index(((key, 1), ("_id", 1)), prefix=INDEX_PREFIX)


def build_attribute_indexes(keys: frozenset[str]) -> tuple[Index, ...]:
    """Return the indexes of the attributes that customers are filtered or sorted by.

    Raises:
        Misconfigured: ``INDEXED_ATTRIBUTES_TOO_MANY``.
    """
    if len(keys) > MAX_INDEXED:
        raise Misconfigured(
            "INDEXED_ATTRIBUTES_TOO_MANY",
            f"{len(keys)} attributes are declared as ordered or filtered; the maximum is {MAX_INDEXED}.",
            "Remove it from attributes that few queries name; filters and orders by them still work.",
        )
    return tuple(build_attribute_index(key) for key in sorted(keys))


# A collection that is missing here has no validator, and a dump does not contain it.
COLLECTIONS: tuple[Collection, ...] = (
    # First, so that an interrupted restore has loaded it. schema the version of this schema, target the
    # version that it is being moved to, declaration a digest of what the version declares.
    Collection(
        name="installation",
        contents="The version of the schema, and digests that identify the keys; no personal data.",
        schema=object_of(
            {
                "_id": TEXT,
                "schema": INTEGER,
                "target": INTEGER,
                "declaration": TEXT,
                "bucketKeys": BINARY,
                "signingKeys": BINARY,
                "created": TIME,
            }
        ),
    ),
    *REQUEST_COLLECTIONS,
    *ERASURE_COLLECTIONS,
    *RECIPIENT_COLLECTIONS,
    # line is true once the erasure is in the erasure ledger (``erasures``).
    Collection(
        name="erasures",
        contents="Random ids of erasures and their times; they identify nobody.",
        schema=object_of({"_id": BINARY, "at": TIME}, {"line": BOOLEAN}),
    ),
    *AGENT_COLLECTIONS,
    *PROFILE_COLLECTIONS,
    # _id is the receipt, e the packed entry (``ledger.packed_entry``), s the pseudonym if the entry is about
    # one person, otherwise n the position (``ledger.positions``).
    Collection(
        name="disclosures",
        contents="Which client read which attributes of which people, and why; pseudonyms, no values.",
        schema=object_of({"_id": BINARY, "e": BINARY}, {"s": BINARY, "n": INTEGER}),
        indexes=(
            Index((("s", 1), ("_id", 1)), partial={"s": {"$exists": True}}),
            Index((("n", 1),), partial={"n": {"$gte": 0}}, unique=True),
        ),
    ),
    # _id is the bucket and the number of the document in it, c a list of packed postings, l no higher than
    # any receipt in them, h a receipt that no earlier posting of the bucket exceeds (``ledger.postings``).
    Collection(
        name="ledger_postings",
        contents="Which disclosures are about which people: pairs of a pseudonym and a receipt.",
        schema=object_of({"_id": INTEGER, "c": array_of(BINARY), "l": BINARY, "h": BINARY}),
    ),
    # One document: w the position of each lane up to which postings were written, h the highest receipt with
    # postings, p the last document of each bucket and its size, f the last fence under which a run finished.
    Collection(
        name="ledger_posting_state",
        contents="How far postings were written; no personal data.",
        schema=object_of(
            {
                "_id": INTEGER,
                "w": array_of(INTEGER),
                "h": BINARY,
                "p": BINARY,
                "f": INTEGER,
                "fence": INTEGER,
                "until": TIME,
                "next": TIME,
            }
        ),
    ),
    # records the source records that received the statement, customer the customer they belonged to then,
    # catalogue the version, by the author, terms the digest of the terms, guardian the retailer's reference
    # of the guardian, conflict the id of an earlier event in which another author stated the opposite.
    Collection(
        name="consents",
        contents="What people stated about each purpose, when, how, and under which notice, by record id.",
        schema=object_of(
            {
                "_id": BINARY,
                "schema": TEXT,
                "records": array_of(BINARY),
                "customer": BINARY,
                "purpose": TEXT,
                "catalogue": TEXT,
                "basis": TEXT,
                "laws": array_of(TEXT),
                "state": TEXT,
                "at": TIME,
                "received": TIME,
                "method": TEXT,
                "by": TEXT,
                "terms": BINARY,
            },
            {
                "until": TIME,
                "notice": object_of({"version": TEXT, "language": TEXT, "sha256": TEXT}),
                "channel": TEXT,
                "signal": TEXT,
                "guardian": TEXT,
                "conflict": BINARY,
            },
        ),
        indexes=(
            Index((("records", 1), ("received", -1), ("_id", -1))),
            # An erasure finds statements that name the customer and only records that left them since.
            Index((("customer", 1),)),
        ),
    ),
    Collection(
        name="consent_terms",
        contents="The terms that people agreed to, as they were at the time; no personal data.",
        schema=object_of(
            {
                "_id": BINARY,
                "purpose": TEXT,
                "label": TEXT,
                "description": TEXT,
                "meaning": TEXT,
                "basis": TEXT,
                "lasts": TEXT,
                "data": array_of(
                    object_of({"category": TEXT, "retention": array_of(TEXT), "sensitive": array_of(TEXT)})
                ),
                "controller": object_of({"name": TEXT, "address": TEXT, "contact": TEXT}),
                "recipients": array_of(TEXT),
                "storage": TEXT,
                "withdrawal": TEXT,
                "withdrawal_url": TEXT,
                "rights_url": TEXT,
                "authority": TEXT,
            }
        ),
    ),
    # marks blind indexes of the identifiers in the message, dropped how many undeclared members were removed,
    # code and place the reason, sealed the message under the key of its day.
    Collection(
        name="dead_letters",
        contents="Refused messages, sealed, without undeclared members; keyed digests of the ids they name.",
        schema=object_of(
            {
                "_id": BINARY,
                "source": TEXT,
                "code": TEXT,
                "place": TEXT,
                "received": TIME,
                "expires": DATE,
                "dropped": INTEGER,
                "marks": array_of(BINARY),
                "sealed": BINARY,
            }
        ),
        indexes=(
            Index((("code", 1), ("place", 1), ("source", 1), ("received", 1))),
            Index((("marks", 1),)),
            Index((("expires", 1),), expire_s=0),
        ),
    ),
    *INGEST_COLLECTIONS,
    # _id counts the acts, version is that of all rules, permissions that of those that customers store,
    # purposes the digest of each purpose's rules ("/" for "."), sections what the rules say, since (ms) when.
    Collection(
        name="rulebooks",
        contents="The rules that were put in force, one after the other; no personal data.",
        schema=object_of(
            {
                "_id": INTEGER,
                "version": TEXT,
                "permissions": TEXT,
                "purposes": map_of(TEXT),
                "sections": TEXT,
                "since": TIME,
            }
        ),
    ),
    # next, until and fence are the lease (``store.lease``), cursor the last finished customer, met customers
    # examined, changed customers rewritten, held customers whose expired data a restriction keeps.
    Collection(
        name="sweeps",
        contents="Runs of the retention sweep: time, progress and counts by kind; no personal data.",
        schema=object_of(
            {
                "_id": TEXT,
                "started": TIME,
                "fence": INTEGER,
                "until": TIME,
                "cursor": BINARY,
                "met": INTEGER,
                "changed": INTEGER,
                "held": INTEGER,
                "values": array_of(object_of({"name": TEXT, "count": INTEGER})),
                "events": array_of(object_of({"name": TEXT, "count": INTEGER})),
            },
            {"finished": TIME, "next": TIME},
        ),
    ),
    # kind is "source", digest the SHA-256 of the source's write key.
    Collection(
        name="clients",
        contents="Registered sources and digests of their keys; organisations, no personal data.",
        schema=object_of({"_id": TEXT, "kind": TEXT, "source": TEXT, "digest": BINARY}),
    ),
)
"""Every collection of the database."""
