"""Collections of what remains after an erasure, and the legal basis for keeping it."""

from __future__ import annotations

from discretion.store.schema.declaration import (
    BINARY,
    INTEGER,
    TEXT,
    TIME,
    Collection,
    Index,
    array_of,
    map_of,
    object_of,
)

ERASURE_COLLECTIONS: tuple[Collection, ...] = (
    # at when it was erased (ms), back from when on data are taken in again (ms), n the counter of a gate.
    Collection(
        name="tombstones",
        contents="Keyed digests of ids, records and messages of erased people; they identify nobody.",
        schema=object_of({"_id": BINARY, "at": TIME}, {"back": TIME, "n": INTEGER}),
    ),
    # Data kept under legal retention or a legal hold. _id and key are new and random, so nothing leads to the
    # erased customer; until the time of deletion (ms), hold the legal hold; items have kind "event" or
    # "record", and props or cells and names (identifiers) sealed under the new key.
    Collection(
        name="held",
        contents="Data of erased people that another law orders kept, under a key and id of their own.",
        schema=object_of(
            {
                "_id": BINARY,
                "law": TEXT,
                "why": TEXT,
                "request": BINARY,
                "items": array_of(
                    object_of(
                        {"id": BINARY, "kind": TEXT, "type": TEXT, "source": TEXT, "at": TIME},
                        {"props": BINARY, "cells": map_of(BINARY), "names": map_of(BINARY)},
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
    # A legal hold. records and events that it names; if it names none, it covers everything of the customer.
    Collection(
        name="holds",
        contents="Orders of stewards to keep records or events of a customer: whose, why, under which law.",
        schema=object_of(
            {
                "_id": BINARY,
                "records": array_of(BINARY),
                "events": array_of(BINARY),
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
"""Collections of what remains after an erasure."""
