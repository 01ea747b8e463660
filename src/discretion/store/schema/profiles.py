"""Collections of customers: their source records, identifiers, events and profiles."""

from __future__ import annotations

from discretion.store.schema.declaration import (
    AMBIENT_CHOICE,
    BINARY,
    BOOLEAN,
    CELL,
    CHOICE,
    DATE,
    FORMER_CUSTOMER,
    IDENTIFIER_MENTION,
    INTEGER,
    LOCATION,
    NUMBER,
    NUMBER_PATTERN,
    OPEN_VALUE,
    SIGNAL,
    STORED_VALUE,
    TEXT,
    TIME,
    Collection,
    Index,
    array_of,
    map_of,
    map_of_numbers,
    object_of,
)

PROFILE_COLLECTIONS: tuple[Collection, ...] = (
    # One document per customer: the profile that is computed from their source records.
    #   v           version, incremented with every change
    #   a           permitted purposes (allow), one bit each, valid until u (ms)
    #   l           purposes that are permitted at least after u (later)
    #   n           for each sensitive kind of data, [bits now, bits later]
    #   r           version of the rules that these were computed with (``rulebooks``)
    #   j           keys of the jurisdictions that protect the person
    #   s           whether processing is restricted
    #   k           data key, wrapped under the key of the bucket
    #   17, 17t     of the attribute with number 17: its sealed cell or open value; when the open value was
    #               observed (ms; of a sealed value it is in the cell)
    #   p           by attribute number: the source of the value
    #   b, w        when their first data were received, and when the document was written (ms)
    #   f           former customers (i) with the keys (k) that open what is sealed under their ids
    #   c           by attribute number: values that the person contests, taken out of the other members
    #               (GDPR Art. 18(1)(a)); t when observed (ms), p the source, c or v the value
    #   q           true if the person contests values: readers look for c only then
    #   h           by attribute number, of an address that is not proven: 1 if presented, 2 if claimed by a
    #               record with an account or loyalty number, 3 if claimed by another
    Collection(
        name="customers",
        contents="The unified profile: sealed values, open values under a random id, permitted purposes.",
        schema=object_of(
            {
                "_id": BINARY,
                "v": INTEGER,
                "a": INTEGER,
                "u": TIME,
                "l": INTEGER,
                "n": map_of(array_of(INTEGER)),
                "r": TEXT,
                "j": array_of(TEXT),
                "k": BINARY,
                "p": map_of_numbers(TEXT),
                "s": BOOLEAN,
                "b": TIME,
                "w": TIME,
                "f": array_of(FORMER_CUSTOMER),
            },
            {
                "q": BOOLEAN,
                "h": map_of_numbers(INTEGER),
                "c": map_of_numbers(object_of({"t": TIME, "p": TEXT}, {"c": BINARY, "v": OPEN_VALUE})),
            },
            {NUMBER_PATTERN: STORED_VALUE, "^[1-9][0-9]*t$": TIME},
        ),
        indexes=(
            # Finds customers whose permissions must be recomputed, and counts those who permit a purpose.
            Index((("r", 1), ("u", 1), ("a", 1))),
            # Few customers were ever merged, so these indexes are partial: an empty list does not match the
            # condition. Every id is at least the empty one, so the planner uses the index for any equality.
            Index((("f.i", 1),), partial={"f.i": {"$gte": b""}}),
            Index((("f.k", 1),), partial={"f.k": {"$gte": b""}}),
            Index((("k", 1),)),  # begins with bucket and generation (``wrapped_keys``)
        ),
    ),
    # What one source knows about one person. Records are never merged, so a merge of customers can be undone.
    #   s, c        the source, and the customer whom the record belongs to now
    #   v           version, incremented with every change
    #   i           identifiers that the record names, strongest first
    #   a           the latest value of each attribute, by attribute number
    #   f           computed attributes, by attribute number: t time of the latest event, n the total, list,
    #               counts or packed events so far (for a count or sum of distinct events), e time of the
    #               earliest event (for a "first" only)
    #   d           statements that the source sends with every message, by purpose ("/" in place of ".")
    #   e           statements that the source reports by a message of their own, by purpose
    #   g           statements of a guardian that the source reports, by purpose
    #   u, y        statements of the person themselves, and of a guardian that a steward recorded, by purpose
    #   uj          acceptances that the person stated under another login, which was joined with the record
    #   o           opt-out signals
    #   t, l        the earliest and latest time in its messages (ms)
    #   b           when the record was created (ms); the eldest record determines the customer's id
    #   h           the customer id under which this record first became a customer
    #   r           ids of rulings of stewards that name the record
    #   q           whether processing is restricted
    #   p           where the person's device was seen
    #   w           scopes that were erased: s "kind:key", t when (ms); older data in a scope are not stored
    #   n           for the record of a person's own corrections, the record that it follows in a split
    #   x           by attribute number, the ids of the requests that contest the value
    #   z           by type of an address, when the source first (f) and last (t) stated to have none (ms)
    #   k           by the entry (hex) of an identifier that the record only claims, what those refuse who
    #               have proven it: purposes and nodes of their tree
    #   m           0 if an account or loyalty number of the record is proven, 1 if one is presented
    #   j           times from f to t (ms) in which it was disclosed under the pseudonym n (sealed) of another
    #               customer, or s together with records of somebody else; a its attributes at the end by
    #               number, l its types of events and identifiers
    Collection(
        name="source_records",
        contents="What one source knows about one person: ids, values (sealed or open), choices, totals; "
        "sealed pseudonyms by which the ledger names it.",
        schema=object_of(
            {
                "_id": BINARY,
                "s": TEXT,
                "c": BINARY,
                "v": INTEGER,
                "i": array_of(IDENTIFIER_MENTION),
                "a": map_of_numbers(CELL),
                "f": map_of_numbers(object_of({"t": TIME, "n": {}}, {"e": TIME})),
                "d": map_of(AMBIENT_CHOICE),
                "e": map_of(CHOICE),
                "g": map_of(CHOICE),
                "o": map_of(SIGNAL),
                "t": TIME,
                "l": TIME,
                "b": TIME,
            },
            {
                "h": BINARY,
                "r": array_of(BINARY),
                "q": BOOLEAN,
                "p": LOCATION,
                "w": array_of(object_of({"s": TEXT, "t": TIME})),
                "n": BINARY,
                "x": map_of_numbers(array_of(BINARY)),
                "z": map_of(SIGNAL),
                "m": INTEGER,
                "k": map_of(array_of(TEXT)),
                "u": map_of(CHOICE),
                "y": map_of(CHOICE),
                "uj": map_of(CHOICE),
                "j": array_of(
                    object_of(
                        {"n": BINARY, "f": TIME, "t": TIME, "a": array_of(TEXT), "l": array_of(TEXT)},
                        {"s": BOOLEAN},
                    )
                ),
            },
        ),
        indexes=(Index((("c", 1),)),),
    ),
    # _id blind index, records the source records that link by it, t when it was first stored (ms); claims and
    # anonymous the records that only claim it, with and without a number; refusals what the people refuse
    # whose records (r) have proven it: purposes and nodes of their tree (p); n is counted up so that two
    # transactions that depend on each other conflict.
    Collection(
        name="identifiers",
        contents="Keyed digests of e-mail addresses, phone numbers and other ids, with their source records.",
        schema=object_of(
            {"_id": BINARY, "type": TEXT, "records": array_of(BINARY), "t": TIME},
            {
                "claims": array_of(BINARY),
                "anonymous": array_of(BINARY),
                "refusals": array_of(object_of({"r": BINARY, "p": array_of(TEXT)})),
                "n": INTEGER,
            },
        ),
        # An erasure finds the identifiers of a record by each of them.
        indexes=(Index((("records", 1),)), Index((("claims", 1),)), Index((("anonymous", 1),))),
    ),
    #   _id         digest of the source and the message id
    #   c, r, s, h  customer, source record, source and channel
    #   k           event type
    #   t, n        when it happened, and when it was received (ms)
    #   p           the sealed properties
    Collection(
        name="events",
        contents="Events of customers, with time and channel; their properties are sealed.",
        schema=object_of(
            {
                "_id": BINARY,
                "c": BINARY,
                "r": BINARY,
                "s": TEXT,
                "h": TEXT,
                "k": TEXT,
                "t": TIME,
                "n": TIME,
            },
            {"p": BINARY},
        ),
        indexes=(Index((("c", 1), ("t", -1), ("_id", -1))),),
    ),
    # _id digest of source and message id, t when it was received (ms).
    Collection(
        name="messages",
        contents="Digests of messages without an event, so that a repeated message counts once.",
        schema=object_of({"_id": BINARY, "record": BINARY, "t": TIME}),
        indexes=(Index((("record", 1),)),),
    ),
    # kind "merged" or "parted", sides the source records of each customer, by the sources or the
    # steward; reason that a steward gave.
    Collection(
        name="identity_events",
        contents="Merges and splits of customers: when, by whom, and on which evidence.",
        schema=object_of(
            {
                "_id": BINARY,
                "kind": TEXT,
                "at": TIME,
                "by": TEXT,
                "customers": array_of(BINARY),
                "sides": array_of(array_of(BINARY)),
                "evidence": array_of(
                    object_of({"type": TEXT, "entry": BINARY, "source": TEXT, "assurance": INTEGER})
                ),
            },
            {"reason": TEXT},
        ),
        indexes=(Index((("customers", 1), ("at", -1), ("_id", -1))),),
    ),
    # joined whether the records of all sides are one person, or records of different sides never are.
    Collection(
        name="rulings",
        contents="Decisions of stewards: which source records are one person, and which never are.",
        schema=object_of(
            {"_id": BINARY, "joined": BOOLEAN, "sides": array_of(array_of(BINARY)), "by": TEXT, "at": TIME},
            {"reason": TEXT},
        ),
    ),
    # evidence has for each comparison the level of agreement (says) and its weight (log2 odds), no values;
    # claimed whether the suggestion rests on identifiers that one of the two only claims; ends until when
    # the two may object to the join (ms).
    Collection(
        name="suggestions",
        contents="Pairs of customers who are probably one person: probability, comparisons, no values.",
        schema=object_of(
            {
                "_id": BINARY,
                "customers": array_of(BINARY),
                "score": NUMBER,
                "weight": NUMBER,
                "evidence": array_of(object_of({"name": TEXT, "says": TEXT, "weight": NUMBER})),
                "model": TEXT,
                "claimed": BOOLEAN,
                "state": TEXT,
                "at": TIME,
            },
            {"by": TEXT, "decided": TIME, "ends": TIME},
        ),
        indexes=(Index((("customers", 1),)), Index((("state", 1), ("weight", -1), ("_id", 1)))),
    ),
    # at when both were informed, ends until when they may object, decided when it was joined, objected to or
    # ended (ms); logins for each of the customers the source records of the logins that were informed; end
    # why it ended; expires when MongoDB deletes it, unless it was objected to; next, until and fence the
    # lease of its worker (``store.lease``).
    Collection(
        name="proposed_joins",
        contents="Which customers a steward joins unless one objects; the steward's reason, no values.",
        schema=object_of(
            {
                "_id": BINARY,
                "customers": array_of(BINARY),
                "by": TEXT,
                "reason": TEXT,
                "at": TIME,
                "ends": TIME,
                "logins": array_of(object_of({"records": array_of(BINARY)})),
                "state": TEXT,
                "fence": INTEGER,
                "until": TIME,
            },
            {"suggestion": BINARY, "decided": TIME, "next": TIME, "end": TEXT, "expires": DATE},
        ),
        indexes=(
            Index((("customers", 1),)),
            Index((("logins.records", 1),)),
            Index((("state", 1), ("ends", 1), ("_id", 1))),
            Index((("next", 1),), partial={"next": {"$gte": 0}}),
            Index((("expires", 1),), expire_s=0),
        ),
    ),
)
"""Collections of customers and their data."""
