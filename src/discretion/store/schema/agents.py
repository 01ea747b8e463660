"""Collections of organisations that file requests on behalf of people."""

from __future__ import annotations

from discretion.store.schema.declaration import (
    BINARY,
    DATE,
    INTEGER,
    TEXT,
    TIME,
    Collection,
    Index,
    array_of,
    object_of,
)

AGENT_COLLECTIONS: tuple[Collection, ...] = (
    # kind "agent" (Data Rights Protocol, signs with verify_key) or "controller" (OpenDSR, has a token);
    # hosts the only hosts of callback URLs, assurance a page on how it verifies people, digest of the token.
    Collection(
        name="agents",
        contents="Organisations that file requests for people: name, mailbox, hosts, key, digest of token.",
        schema=object_of(
            {
                "_id": TEXT,
                "kind": TEXT,
                "name": TEXT,
                "hosts": array_of(TEXT),
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
        contents="Digests of signed requests and of tokens that joined logins; they identify nobody.",
        schema=object_of({"_id": BINARY, "expires": DATE}),
        indexes=(Index((("expires", 1),), expire_s=0),),
    ),
    # An agent request. requests the rights requests that it consists of; callbacks the URLs to notify: told
    # the digest of the last body that a URL acknowledged, tries the failures since, due the next attempt;
    # next the earliest of these, until and fence the lease (``store.lease``); ends when MongoDB deletes it.
    Collection(
        name="mandates",
        contents="Which organisation filed which requests, under which number, and which URLs are notified.",
        schema=object_of(
            {
                "_id": BINARY,
                "agent": TEXT,
                "kind": TEXT,
                "right": TEXT,
                "requests": array_of(BINARY),
                "at": TIME,
                "fence": INTEGER,
                "until": TIME,
                "callbacks": array_of(
                    object_of({"url": TEXT, "told": BINARY, "tries": INTEGER, "due": TIME})
                ),
            },
            {"reference": TEXT, "regime": TEXT, "next": TIME, "ends": DATE},
        ),
        indexes=(
            Index((("agent", 1), ("reference", 1)), partial={"reference": {"$gte": ""}}, unique=True),
            Index((("next", 1),), partial={"next": {"$gte": 0}}),
            Index((("ends", 1),), expire_s=0),
        ),
    ),
)
"""Collections of authorised agents and their requests."""
