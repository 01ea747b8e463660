"""Collections of requests, and of what carrying them out leaves behind, as data."""

from __future__ import annotations

from discretion.store.schema.declaration import (
    BINARY,
    DATE,
    FLAG,
    TEXT,
    TIME,
    WHOLE,
    Collection,
    Index,
    by_name,
    exactly,
    many,
)

RIGHTS: tuple[Collection, ...] = (
    Collection(
        name="requests",
        holds="What people ask for, by whom, how far it is; what of it is personal is sealed with their key.",
        erasure="What is sealed dies with the person's key; that there was a request is kept as evidence "
        "(GDPR Art. 5(2); 11 CCR 7101), under an id that leads nowhere.",
        schema=exactly(
            {
                "_id": BINARY,
                "v": WHOLE,
                "right": TEXT,
                "state": TEXT,
                "client": TEXT,
                "subject": TEXT,
                "kind": TEXT,
                "by": TEXT,
                "assurance": WHOLE,
                "laws": many(TEXT),
                "received": TIME,
                "scope": {"bsonType": "object"},
                "sealed": by_name(BINARY),
                "decides": FLAG,
                "steps": many(
                    exactly(
                        {"name": TEXT, "state": TEXT, "attempts": WHOLE},
                        {"at": TIME, "why": TEXT, "told": {"bsonType": "object"}},
                    )
                ),
                "fence": WHOLE,
                "until": TIME,
                "history": many(exactly({"state": TEXT, "at": TIME, "by": TEXT}, {"reason": TEXT})),
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
                "pauses": many(exactly({"reason": TEXT, "start": TIME}, {"end": TIME})),
                "extension": exactly({"told": TIME, "why": TEXT}, {"count": WHOLE, "unit": TEXT}),
                "refusal": exactly({"law": TEXT, "words": TEXT, "next": TEXT}),
                "began": TIME,
                "contact": BINARY,
                "code": exactly({"hash": TEXT, "tries": WHOLE, "until": TIME}),
                "codes": many(TIME),
                "messages": many(exactly({"at": TIME, "by": TEXT, "for": BINARY, "sealed": BINARY})),
                "warned": many(TEXT),
                "callback": TEXT,
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
            Index((("expires", 1),), partial={"expires": {"$gte": 0}}),
            Index((("open", 1),), partial={"open": {"$gte": b""}}, unique=True),
        ),
    ),
    Collection(
        name="packages",
        holds="Pages of what people are given of their data when they ask for it, sealed with their key.",
        erasure="Deleted with the customer they are about; each is gone after 5 days.",
        schema=exactly(
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
        holds="Digests of links that lead to a person's package once, and whose it is.",
        erasure="Deleted with the customer they are about; each leads nowhere after 15 minutes.",
        schema=exactly(
            {"_id": BINARY, "request": BINARY, "customer": BINARY, "until": TIME, "expires": DATE}
        ),
        indexes=(Index((("customer", 1),)), Index((("expires", 1),), expire_s=0)),
    ),
)
"""See the module."""
