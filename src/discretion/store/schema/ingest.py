"""Collections about the taking in of messages that name no person."""

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
    map_of,
    object_of,
)

INGEST_COLLECTIONS: tuple[Collection, ...] = (
    # _id a digest of file, mapping and catalogue, row the last row of which everything is durable, outcomes
    # the number of messages by outcome, faults what was refused or left out, by code and column of the file.
    Collection(
        name="imports",
        contents="How far imports of files came, with counts and numbers of rows; no personal data.",
        schema=object_of(
            {
                "_id": BINARY,
                "mapping": TEXT,
                "source": TEXT,
                "started": TIME,
                "updated": TIME,
                "row": INTEGER,
                "outcomes": map_of(INTEGER),
                "faults": array_of(
                    object_of(
                        {
                            "effect": TEXT,
                            "code": TEXT,
                            "column": TEXT,
                            "reason": TEXT,
                            "count": INTEGER,
                            "rows": array_of(INTEGER),
                        }
                    )
                ),
            },
            {"finished": TIME},
        ),
    ),
    # _id a keyed digest of source, day, reason and names, first one of its first message. event, place and
    # shape are there once they may be shown.
    Collection(
        name="tracking_plan_violations",
        contents="What sources sent that the catalogue does not declare: names and counts; no personal data.",
        schema=object_of(
            {
                "_id": BINARY,
                "source": TEXT,
                "day": TEXT,
                "reason": TEXT,
                "first": BINARY,
                "count": INTEGER,
                "expires": DATE,
            },
            {"event": TEXT, "place": TEXT, "shape": TEXT},
        ),
        indexes=(
            Index((("source", 1), ("day", -1), ("count", -1))),
            Index((("expires", 1),), expire_s=0),
        ),
    ),
    # _id the time (ms), the process and a number, so that ids sort by time.
    Collection(
        name="ingest_outcomes",
        contents="What became of messages while a steward watched: types, events, codes; no personal data.",
        schema=object_of(
            {
                "_id": TEXT,
                "at": TIME,
                "source": TEXT,
                "type": TEXT,
                "event": TEXT,
                "status": TEXT,
                "codes": array_of(TEXT),
                "places": array_of(TEXT),
                "dropped": INTEGER,
                "expires": DATE,
            },
            {"undeclared": BINARY},
        ),
        indexes=(Index((("expires", 1),), expire_s=0),),
    ),
    # _id a source, or * for all of them.
    Collection(
        name="ingest_watches",
        contents="Which sources a steward watches at present; no personal data.",
        schema=object_of({"_id": TEXT, "until": DATE}),
        indexes=(Index((("until", 1),), expire_s=0),),
    ),
)
