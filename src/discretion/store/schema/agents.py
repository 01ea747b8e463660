"""Collections of organisations that file requests for people, as data."""

from __future__ import annotations

from discretion.store.schema.declaration import (
    BINARY,
    DATE,
    TEXT,
    TIME,
    WHOLE,
    Collection,
    Index,
    exactly,
    many,
)

ACTING: tuple[Collection, ...] = (
    Collection(
        name="agents",
        holds="Organisations that file requests for people: name, mailbox, hosts, key, token's digest.",
        erasure="None; deleted when an organisation is taken out of the register.",
        schema=exactly(
            {
                "_id": TEXT,
                "kind": TEXT,
                "name": TEXT,
                "hosts": many(TEXT),
                "verify_key": BINARY,
                "web": TEXT,
                "assurance": TEXT,
                "contact": TEXT,
            },
            {"digest": BINARY, "issued": TIME},
        ),
        indexes=(Index((("digest", 1),), partial={"digest": {"$gte": b""}}, unique=True),),
    ),
    Collection(
        name="replays",
        holds="Digests of signed requests, so that each is heard once; nobody can be told from them.",
        erasure="None; MongoDB deletes each when the request has expired.",
        schema=exactly({"_id": BINARY, "expires": DATE}),
        indexes=(Index((("expires", 1),), expire_s=0),),
    ),
    Collection(
        name="mandates",
        holds="Which organisation filed which requests, under which number, and at which URL it is told.",
        erasure="URLs are deleted when the last state is told, the rest 60 days later; no values.",
        schema=exactly(
            {
                "_id": BINARY,
                "agent": TEXT,
                "kind": TEXT,
                "right": TEXT,
                "requests": many(BINARY),
                "at": TIME,
                "callbacks": many(exactly({"url": TEXT, "told": BINARY, "tries": WHOLE, "due": TIME})),
            },
            {"reference": TEXT, "regime": TEXT, "due": TIME, "ends": DATE},
        ),
        indexes=(
            Index((("agent", 1), ("reference", 1)), partial={"reference": {"$gte": ""}}, unique=True),
            Index((("due", 1),), partial={"due": {"$gte": 0}}),
            Index((("requests", 1),)),
            Index((("ends", 1),), expire_s=0),
        ),
    ),
)
"""See the module."""
