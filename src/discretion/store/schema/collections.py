"""Every collection there is, as data."""

from __future__ import annotations

from discretion.errors import Misconfigured
from discretion.store.schema.agents import ACTING
from discretion.store.schema.declaration import (
    BINARY,
    CELL,
    CHOICE,
    DATE,
    FLAG,
    FORMER,
    NAMED,
    NUMBER,
    PLACE,
    SIGNAL,
    TEXT,
    TIME,
    VALUE,
    WHOLE,
    Collection,
    Index,
    by_name,
    exactly,
    many,
)
from discretion.store.schema.erasure import ERASURE
from discretion.store.schema.recipients import TELLING
from discretion.store.schema.requests import RIGHTS

MAX_ORDERED = 8
"""Indexes for orders. In a transaction MongoDB 6 reads the list of all indexes once for each: with 52 of them
an update of one value took 3.0 ms, with 8 it takes 0.2 ms, in MongoDB's own time."""

ORDERED_PREFIX = "ordered:"


def ordered_index(key: str) -> Index:
    """The index of an attribute that is kept in order, by its key; ties are in the order of ids."""
    return Index(((f"o.{key}", 1), ("_id", 1)), prefix=ORDERED_PREFIX)


def ordered_indexes(keys: frozenset[str]) -> tuple[Index, ...]:
    """The indexes of all attributes that are kept in order.

    Raises:
        Misconfigured: ``ORDERED_ATTRIBUTES_TOO_MANY``.
    """
    if len(keys) > MAX_ORDERED:
        raise Misconfigured(
            "ORDERED_ATTRIBUTES_TOO_MANY",
            f"{len(keys)} attributes are kept in order, and {MAX_ORDERED} is the most.",
            "Take 'ordered' out of those that few lists are sorted by; they can be sorted by all the same.",
        )
    return tuple(ordered_index(key) for key in sorted(keys))


COLLECTIONS: tuple[Collection, ...] = (
    *RIGHTS,
    *ERASURE,
    *TELLING,
    Collection(
        name="erasures",
        holds="Random ids of erasures, and when they were; nothing leads back.",
        erasure="Kept: a restored database is told by them (GDPR Art. 17(1), 5(2)).",
        schema=exactly({"_id": BINARY, "at": TIME}, {"line": FLAG}),
    ),
    *ACTING,
    Collection(
        name="customers",
        holds="The unified profile: sealed values, open values under a random id, what is permitted of them.",
        erasure="The document is deleted; its data key dies with the key of its bucket.",
        schema=exactly(
            {
                "_id": BINARY,
                "v": WHOLE,
                "allow": WHOLE,
                "until": TIME,
                "later": WHOLE,
                "kinds": by_name(many(WHOLE)),
                "rules": TEXT,
                "laws": many(TEXT),
                "key": BINARY,
                "s": by_name(BINARY),
                "o": by_name(VALUE),
                "t": by_name(TIME),
                "p": by_name(many(TEXT)),
                "restricted": FLAG,
                "created": TIME,
                "updated": TIME,
                "merged": many(FORMER),
            },
            {"contested": by_name(exactly({"t": TIME, "p": many(TEXT)}, {"c": BINARY, "v": VALUE}))},
        ),
        indexes=(
            Index((("rules", 1), ("until", 1), ("allow", 1))),  # whom to judge anew, and how many permit
            # Few customers were ever merged. Every id is at least the empty one, which is how the planner
            # knows that the index serves an equality; an empty list has no such member.
            Index((("o.$**", 1),)),  # any open attribute can be filtered by
            Index((("merged.id", 1),), partial={"merged.id": {"$gte": b""}}),
            Index((("merged.key", 1),), partial={"merged.key": {"$gte": b""}}),
            Index((("key", 1),)),  # begins with bucket and generation: see store.wrapped
        ),
    ),
    Collection(
        name="source_records",
        holds="What one source told of one person: sealed ids and values, open values, choices, totals.",
        erasure="Deleted with the customer they belong to.",
        schema=exactly(
            {
                "_id": BINARY,
                "source": TEXT,
                "customer": BINARY,
                "v": WHOLE,
                "ids": many(NAMED),
                "cells": by_name(CELL),
                "folds": by_name(exactly({"t": TIME, "n": {}}, {"e": TIME})),
                "choices": by_name(CHOICE),
                "words": by_name(CHOICE),
                "guards": by_name(CHOICE),
                "signals": by_name(SIGNAL),
                "first": TIME,
                "last": TIME,
                "born": TIME,
            },
            {
                "home": BINARY,
                "rulings": many(BINARY),
                "restricted": FLAG,
                "place": PLACE,
                "without": many(exactly({"s": TEXT, "t": TIME})),
                "of": BINARY,
                "contested": by_name(many(BINARY)),
            },
        ),
        indexes=(Index((("customer", 1),)),),
    ),
    Collection(
        name="identifiers",
        holds="Keyed digests of addresses, phone numbers and the like, who names them, whose they are.",
        erasure="Deleted with the customer they lead to.",
        schema=exactly(
            {"_id": BINARY, "type": TEXT, "records": many(BINARY), "t": TIME}, {"customer": BINARY}
        ),
        indexes=(Index((("customer", 1),)), Index((("records", 1),))),
    ),
    Collection(
        name="events",
        holds="What happened when and in which channel; properties are sealed.",
        erasure="Deleted with the customer they belong to, and each when its retention is over.",
        schema=exactly(
            {
                "_id": BINARY,
                "customer": BINARY,
                "record": BINARY,
                "source": TEXT,
                "channel": TEXT,
                "type": TEXT,
                "at": TIME,
                "received": TIME,
            },
            {"props": BINARY},
        ),
        indexes=(Index((("customer", 1), ("at", -1), ("_id", -1))),),
    ),
    Collection(
        name="messages",
        holds="Digests of messages that left no event, so that each counts once.",
        erasure="Deleted with the source record they spoke to.",
        schema=exactly({"_id": BINARY, "record": BINARY, "t": TIME}),
        indexes=(Index((("record", 1),)),),
    ),
    Collection(
        name="identity_events",
        holds="Which customers were merged or parted, when, by whom, and on which evidence.",
        erasure="Deleted with the customers they are about.",
        schema=exactly(
            {
                "_id": BINARY,
                "kind": TEXT,
                "at": TIME,
                "by": TEXT,
                "customers": many(BINARY),
                "sides": many(many(BINARY)),
                "evidence": many(exactly({"type": TEXT, "entry": BINARY})),
            }
        ),
        indexes=(Index((("customers", 1), ("at", -1), ("_id", -1))),),
    ),
    Collection(
        name="rulings",
        holds="Word of stewards: which source records are one person, and which never are.",
        erasure="Deleted with the last customer they are about.",
        schema=exactly({"_id": BINARY, "joined": FLAG, "sides": many(many(BINARY)), "by": TEXT, "at": TIME}),
    ),
    Collection(
        name="suggestions",
        holds="Pairs of customers who are probably one person: how likely, what agrees how far, no values.",
        erasure="Deleted with either of the customers they are about.",
        schema=exactly(
            {
                "_id": BINARY,
                "customers": many(BINARY),
                "score": NUMBER,
                "weight": NUMBER,
                "evidence": many(exactly({"name": TEXT, "says": TEXT, "weight": NUMBER})),
                "model": TEXT,
                "state": TEXT,
                "at": TIME,
            },
            {"by": TEXT, "decided": TIME},
        ),
        indexes=(Index((("customers", 1),)), Index((("state", 1), ("weight", -1), ("_id", 1)))),
    ),
    Collection(
        name="disclosures",
        holds="Who saw which attributes of whom, for what; people under a pseudonym, no values.",
        erasure="Kept as evidence (GDPR Art. 5(2)); the pseudonym leads nowhere once the key is gone.",
        schema=exactly({"_id": TEXT, "at": TIME, "client": TEXT, "subjects": many(BINARY), "entry": BINARY}),
        indexes=(Index((("subjects", 1), ("at", -1), ("_id", -1))),),
    ),
    Collection(
        name="consents",
        holds="What a person said about each purpose, when, how, and to which notice, by ids of records.",
        erasure="Deleted with the last source record they are about; until then nothing is changed in them.",
        schema=exactly(
            {
                "_id": BINARY,
                "schema": TEXT,
                "records": many(BINARY),
                "customer": BINARY,
                "purpose": TEXT,
                "catalogue": TEXT,
                "basis": TEXT,
                "laws": many(TEXT),
                "state": TEXT,
                "at": TIME,
                "received": TIME,
                "method": TEXT,
                "by": TEXT,
                "terms": BINARY,
            },
            {
                "until": TIME,
                "notice": exactly({"version": TEXT, "language": TEXT, "sha256": TEXT}),
                "channel": TEXT,
                "signal": TEXT,
                "guardian": TEXT,
                "conflict": BINARY,
            },
        ),
        indexes=(Index((("records", 1), ("received", -1), ("_id", -1))),),
    ),
    Collection(
        name="consent_terms",
        holds="What people agree to, as it stood at the time; no personal data.",
        erasure="None; kept as long as a consent names them.",
        schema=exactly(
            {
                "_id": BINARY,
                "purpose": TEXT,
                "label": TEXT,
                "description": TEXT,
                "meaning": TEXT,
                "basis": TEXT,
                "lasts": TEXT,
                "data": many(exactly({"category": TEXT, "retention": many(TEXT), "sensitive": many(TEXT)})),
                "controller": exactly({"name": TEXT, "address": TEXT, "contact": TEXT}),
                "recipients": many(TEXT),
                "storage": TEXT,
                "withdrawal": TEXT,
                "withdrawal_url": TEXT,
                "rights_url": TEXT,
                "authority": TEXT,
            }
        ),
    ),
    Collection(
        name="dead_letters",
        holds="Refused messages, without what nobody declares, sealed; keyed digests of the ids they name.",
        erasure="Found and deleted by those digests; each is gone after 14 days, and its day's key too.",
        schema=exactly(
            {
                "_id": BINARY,
                "source": TEXT,
                "code": TEXT,
                "place": TEXT,
                "received": TIME,
                "expires": DATE,
                "dropped": WHOLE,
                "marks": many(BINARY),
                "sealed": BINARY,
            }
        ),
        indexes=(
            Index((("code", 1), ("place", 1), ("source", 1), ("received", 1))),
            Index((("marks", 1),)),
            Index((("expires", 1),), expire_s=0),
        ),
    ),
    Collection(
        name="rulebooks",
        holds="Digests of the rules that customers were judged by; no personal data.",
        erasure="None.",
        schema=exactly({"_id": TEXT, "purposes": by_name(TEXT), "since": TIME}),
    ),
    Collection(
        name="sweeps",
        holds="Runs of the sweep: when, how far, how many values and events of each kind; no personal data.",
        erasure="None; a run names the customer id it stands at, which leads nowhere once they are gone.",
        schema=exactly(
            {
                "_id": TEXT,
                "started": TIME,
                "fence": WHOLE,
                "until": TIME,
                "cursor": BINARY,
                "met": WHOLE,
                "changed": WHOLE,
                "held": WHOLE,
                "values": many(exactly({"name": TEXT, "count": WHOLE})),
                "events": many(exactly({"name": TEXT, "count": WHOLE})),
            },
            {"finished": TIME},
        ),
    ),
    Collection(
        name="clients",
        holds="Registered senders and digests of their keys; organisations, no personal data.",
        erasure="None; deleted when a client leaves.",
        schema=exactly({"_id": TEXT, "kind": TEXT, "source": TEXT, "digest": BINARY}),
    ),
)
"""Every collection there is."""
