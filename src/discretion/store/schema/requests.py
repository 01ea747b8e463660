"""Collections of rights requests and of the packages they produce."""

from __future__ import annotations

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

CODE = object_of({"hash": TEXT, "tries": INTEGER, "until": TIME})
"""A code that was sent: its hash, how often it was tried, until when it is valid (ms)."""

REQUEST_COLLECTIONS: tuple[Collection, ...] = (
    #   v               version, incremented with every change
    #   client, subject who filed it (``sub`` at a client); kind person, agent, guardian, steward; by the name
    #   assurance       how surely the author is identified, 0 to 5
    #   scope           what is requested, without personal data: part of an access request; channel, category
    #                   or purpose of an erasure; lift a restriction; decision to review; purposes of an
    #                   objection; attributes to correct, and those of them to remove
    #   sealed          the part with personal data, each cell by its name
    #   decides         whether a steward decides before anything is done
    #   steps           of the workflow: told the result, why the reason of waiting or of the last failure
    #   next, until, fence   when the next step is due (ms), and the lease of its worker (``store.lease``)
    #   open            digest of subject and content while the request is open; unique, so it is filed once
    #   contact         keyed digest of the address by which the subject was named
    #   login           blind index of what the login rests on that filed it, while the request is open
    #   reached         digests of the numbers that this login or contact reached then, while it is open
    #   new_address     keyed digest of the address that a correction asks for, while the request is open
    #   address_proven  when that address was confirmed (ms)
    #   identified      when the identity was proven; expires when the time to prove it, or the address, ends
    #   code, codes     hash of the code sent to an address; when codes were sent (ms)
    #   acknowledge_by, extend_by, due   legal deadlines (ms); pauses stop them, an extension of count units
    #                   postpones due: when and why the person was told
    #   appeal_of       the request that this one appeals; began when that one was received (ms)
    #   messages        between person and privacy office; for is the customer id they are sealed under
    #   warned, raised  deadline warnings that were given, and when the last one was (ms)
    #   snapshot        of an erasure: every id of the person at a time, removed by the last step; names are
    #                   identifiers of theirs alone, shared those of others too, pseudonyms those in the
    #                   ledger (n) with their customer ids (c), periods as in ``source_records``, opened
    #   result          what was done: purged documents, deleted events, certificate, receipt of the package
    #   package         the package: under whose key, by which attempt, its pages and rows by section
    Collection(
        name="requests",
        contents="Rights requests, authors and progress; personal parts are sealed with the person's key.",
        schema=object_of(
            {
                "_id": BINARY,
                "v": INTEGER,
                "right": TEXT,
                "state": TEXT,
                "client": TEXT,
                "subject": TEXT,
                "kind": TEXT,
                "by": TEXT,
                "assurance": INTEGER,
                "laws": array_of(TEXT),
                "received": TIME,
                "scope": {"bsonType": "object"},
                "sealed": map_of(BINARY),
                "decides": BOOLEAN,
                "steps": array_of(
                    object_of(
                        {"name": TEXT, "state": TEXT, "attempts": INTEGER},
                        {"at": TIME, "why": TEXT, "told": {"bsonType": "object"}},
                    )
                ),
                "fence": INTEGER,
                "until": TIME,
                "history": array_of(object_of({"state": TEXT, "at": TIME, "by": TEXT}, {"reason": TEXT})),
            },
            {
                "reason": TEXT,
                "customer": BINARY,
                "open": BINARY,
                "identified": TIME,
                "acknowledged": TIME,
                "acknowledge_by": TIME,
                "extend_by": TIME,
                "due": TIME,
                "ended": TIME,
                "next": TIME,
                "reference": TEXT,
                "appeal_of": BINARY,
                "pauses": array_of(object_of({"reason": TEXT, "start": TIME}, {"end": TIME})),
                "extension": object_of({"told": TIME, "why": TEXT}, {"count": INTEGER, "unit": TEXT}),
                "refusal": object_of({"law": TEXT, "words": TEXT, "next": TEXT}),
                "began": TIME,
                "contact": BINARY,
                "login": BINARY,
                "reached": array_of(BINARY),
                "new_address": BINARY,
                "address_proven": TIME,
                "code": CODE,
                "codes": array_of(TIME),
                "messages": array_of(object_of({"at": TIME, "by": TEXT, "for": BINARY, "sealed": BINARY})),
                "warned": array_of(TEXT),
                "raised": TIME,
                "expires": TIME,
                "snapshot": {"bsonType": "object"},
                "result": {"bsonType": "object"},
                "package": {"bsonType": "object"},
            },
        ),
        indexes=(
            Index((("next", 1), ("until", 1))),
            Index((("customer", 1), ("received", -1), ("_id", -1))),
            Index((("state", 1), ("due", 1), ("_id", 1))),
            Index((("contact", 1), ("codes", 1)), partial={"contact": {"$gte": b""}}),
            Index((("new_address", 1), ("codes", 1)), partial={"new_address": {"$gte": b""}}),
            Index((("expires", 1),), partial={"expires": {"$gte": 0}}),
            Index((("open", 1),), partial={"open": {"$gte": b""}}, unique=True),
        ),
    ),
    # login the source record of the login that asks, record the one that may be theirs, address the blind
    # index of the address that code was sent to, absent if it was sent to nobody; codes when codes were sent,
    # at when this changed last (ms).
    Collection(
        name="record_codes",
        contents="Hashes of codes by which a login proves that a record is theirs; ids of both records.",
        schema=object_of(
            {
                "_id": BINARY,
                "login": BINARY,
                "record": BINARY,
                "codes": array_of(TIME),
                "at": TIME,
                "expires": DATE,
            },
            {"address": BINARY, "code": CODE},
        ),
        indexes=(
            Index((("login", 1),)),
            Index((("record", 1),)),
            Index((("address", 1),)),
            Index((("expires", 1),), expire_s=0),
        ),
    ),
    Collection(
        name="packages",
        contents="Pages of access packages, which give people a copy of their data, sealed with their key.",
        schema=object_of(
            {"_id": BINARY, "request": BINARY, "customer": BINARY, "sealed": BINARY, "expires": DATE}
        ),
        indexes=(
            Index((("request", 1),)),
            Index((("customer", 1),)),
            Index((("expires", 1),), expire_s=0),
        ),
    ),
    Collection(
        name="package_links",
        contents="Digests of single-use links to a person's package, with the customer.",
        schema=object_of(
            {"_id": BINARY, "request": BINARY, "customer": BINARY, "until": TIME, "expires": DATE}
        ),
        indexes=(Index((("customer", 1),)), Index((("expires", 1),), expire_s=0)),
    ),
)
"""Collections of rights requests."""
