"""Collections of telling recipients, as data."""

from __future__ import annotations

from discretion.store.schema.declaration import BINARY, TEXT, TIME, WHOLE, Collection, Index, exactly, many

TELLING: tuple[Collection, ...] = (
    Collection(
        name="recipients",
        holds="Where clients want to be told what became of data they were given; organisations, no people.",
        erasure="None; deleted when a client leaves.",
        schema=exactly({"_id": TEXT, "url": TEXT, "added": TIME}, {"kind": TEXT}),
    ),
    Collection(
        name="deliveries",
        holds="Whom a client is to be told about, by that client's own id of them, until it was told.",
        erasure="Made by an erasure; the id goes when the client knows, or after 44 days.",
        schema=exactly(
            {
                "_id": BINARY,
                "request": BINARY,
                "client": TEXT,
                "what": TEXT,
                "attributes": many(TEXT),
                "purposes": many(TEXT),
                "state": TEXT,
                "attempts": WHOLE,
                "created": TIME,
            },
            {"subjects": many(TEXT), "next": TIME, "acknowledged": TIME, "by": TEXT, "why": TEXT},
        ),
        indexes=(
            Index((("request", 1), ("client", 1))),
            Index((("next", 1),), partial={"next": {"$gte": 0}}),
            Index((("state", 1), ("created", 1), ("_id", 1))),
        ),
    ),
)
"""See the module."""
