"""Collections of clients that are notified of erasures, corrections and restrictions."""

from __future__ import annotations

from discretion.store.schema.declaration import (
    BINARY,
    INTEGER,
    TEXT,
    TIME,
    Collection,
    Index,
    array_of,
    object_of,
)

RECIPIENT_COLLECTIONS: tuple[Collection, ...] = (
    Collection(
        name="recipients",
        contents="Webhooks of clients that are notified of changes to data they received; no people.",
        schema=object_of({"_id": TEXT, "url": TEXT, "added": TIME}, {"kind": TEXT}),
    ),
    # One notification of one client about one request. what the right that was exercised, subjects the ids by
    # which the client knows the person, merged the ids n by which it knew them together with somebody else
    # from f to t (both removed when it has been notified), next, until and fence the next attempt (ms) and
    # the lease of its worker (``store.lease``), by who confirmed, why the last failure; warned the warnings
    # before it lapses, informed and reason when and how a steward told the client.
    Collection(
        name="deliveries",
        contents="People about whom a client must be notified, by the client's own ids of them.",
        schema=object_of(
            {
                "_id": BINARY,
                "request": BINARY,
                "client": TEXT,
                "what": TEXT,
                "attributes": array_of(TEXT),
                "purposes": array_of(TEXT),
                "state": TEXT,
                "attempts": INTEGER,
                "fence": INTEGER,
                "until": TIME,
                "created": TIME,
            },
            {
                "subjects": array_of(TEXT),
                "merged": array_of(object_of({"n": TEXT, "f": TIME, "t": TIME})),
                "next": TIME,
                "acknowledged": TIME,
                "by": TEXT,
                "why": TEXT,
                "warned": array_of(TEXT),
                "informed": TIME,
                "reason": TEXT,
            },
        ),
        indexes=(
            Index((("request", 1), ("client", 1))),
            Index((("next", 1),), partial={"next": {"$gte": 0}}),
            Index((("state", 1), ("created", 1), ("_id", 1))),
        ),
    ),
)
"""Collections of the notification of recipients."""
