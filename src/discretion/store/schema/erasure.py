"""Collections of what an erasure leaves behind, and why it may, as data."""

from __future__ import annotations

from discretion.store.schema.declaration import (
    BINARY,
    TEXT,
    TIME,
    WHOLE,
    Collection,
    Index,
    by_name,
    exactly,
    many,
)

ERASURE: tuple[Collection, ...] = (
    Collection(
        name="tombstones",
        holds="Keyed digests of names, records and messages of erased people, and when; nothing leads back.",
        erasure="Kept: they are how an erasure lasts (GDPR Art. 17(1), 5(2)).",
        schema=exactly({"_id": BINARY, "at": TIME}, {"back": TIME, "n": WHOLE}),
    ),
    Collection(
        name="held",
        holds="What another law orders kept of somebody erased, sealed under a key and an id of its own.",
        erasure="Deleted on its day, or when its hold is lifted; its key dies with the key of its bucket.",
        schema=exactly(
            {
                "_id": BINARY,
                "law": TEXT,
                "why": TEXT,
                "request": BINARY,
                "items": many(
                    exactly(
                        {"id": BINARY, "kind": TEXT, "type": TEXT, "source": TEXT, "at": TIME},
                        {"props": BINARY, "cells": by_name(BINARY), "names": by_name(BINARY)},
                    )
                ),
            },
            {"until": TIME, "hold": BINARY, "key": BINARY},
        ),
        indexes=(
            Index((("until", 1),)),
            Index((("request", 1),)),
            Index((("hold", 1),)),
            Index((("key", 1),)),
        ),
    ),
    Collection(
        name="holds",
        holds="Orders of stewards that records or events of a customer be kept: whose, why, by which law.",
        erasure="Once the customer is erased it names what is held and no customer; deleted when lifted.",
        schema=exactly(
            {
                "_id": BINARY,
                "records": many(BINARY),
                "events": many(BINARY),
                "reason": TEXT,
                "law": TEXT,
                "by": TEXT,
                "at": TIME,
            },
            {"customer": BINARY},
        ),
        indexes=(Index((("customer", 1),)),),
    ),
)
"""See the module."""
