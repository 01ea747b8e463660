"""Collections about the taking in of messages that name no person."""

from __future__ import annotations

from discretion.store.schema.declaration import (
    BINARY,
    INTEGER,
    TEXT,
    TIME,
    Collection,
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
)
