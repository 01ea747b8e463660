"""The files and the outside parties in the map of places."""

from __future__ import annotations

from datetime import timedelta

from discretion.store.places.place import LAWS, Departure, Place, PlaceKind


def _build_file(
    pattern: str, holds: str, departure: Departure, how: str, expires_after: timedelta | None = None
) -> Place:
    return Place(PlaceKind.FILE, pattern, holds, departure, how, expires_after, law=LAWS[departure])


def _build_party(name: str, holds: str, departure: Departure, how: str, law: str = "") -> Place:
    return Place(PlaceKind.OUTSIDE, name, holds, departure, how, law=law or LAWS[departure])


FILE_PLACES: tuple[Place, ...] = (
    _build_file("keys/root.key", "The root key.", Departure.NO_PERSON, "None."),
    _build_file(
        "keys/signing.keys*",
        "The keys that sign tokens, receipts and certificates.",
        Departure.NO_PERSON,
        "None.",
    ),
    _build_file(
        "keys/processor.key", "The key that signs replies to controllers.", Departure.NO_PERSON, "None."
    ),
    _build_file(
        "keys/buckets.keys*",
        "Keys of the buckets, which wrap the data keys of customers.",
        Departure.KEY_DESTROYED,
        "The key of the customer's bucket is replaced and overwritten.",
    ),
    _build_file(
        "keys/rewrapped/*",
        "Wrapped data keys of the other customers of a bucket whose key was replaced.",
        Departure.SHRUNK,
        "Rewritten without the customer when their bucket gets its next key.",
    ),
    _build_file(
        "keys/letters/*",
        "The daily keys of dead letters.",
        Departure.EXPIRES,
        "The dead letters are deleted; the daily key is destroyed after 14 days.",
        timedelta(days=14),
    ),
    _build_file(
        "erasures/*",
        "The erasure ledger: random ids and keyed digests of who was erased, and when.",
        Departure.EVIDENCE,
        "Kept: it repeats the erasures after a backup is restored.",
    ),
    _build_file(
        "mongo/*",
        "The files of the embedded MongoDB: collections, indexes, journal, oplog.",
        Departure.KEY_DESTROYED,
        "Deleted data stay until MongoDB overwrites them, encrypted under a key that is destroyed.",
    ),
    _build_file(
        "backups/*",
        "Dumps of the database.",
        Departure.KEY_DESTROYED,
        "Sealed values are unreadable without the key; a restore erases again everyone who was erased since.",
    ),
    _build_file(
        "outbox/*",
        "Mail to customers about their requests, if no mail server is configured.",
        Departure.DELETED,
        "Mail to an address that only this person uses is deleted; a mail server avoids the folder.",
    ),
    _build_file(
        "demo.json",
        "The address of the demo, and tokens for its fictitious people.",
        Departure.NO_PERSON,
        "Deleted when the demo stops.",
    ),
    _build_file(
        "sown.json",
        "How many fictitious people the demo has sent, and for which time.",
        Departure.NO_PERSON,
        "None.",
    ),
    _build_file("*.log", "Codes, counts and times; no personal data, by rule.", Departure.NO_PERSON, "None."),
)
"""Files, by their path in the data folder or as named on the command line."""

OUTSIDE_PLACES: tuple[Place, ...] = (
    _build_party(
        "recipients",
        "What was disclosed to each, as the ledger of disclosures records it.",
        Departure.NOTIFIED,
        "Each is notified of the erasure and tracked until it confirms.",
    ),
    _build_party(
        "agents and controllers",
        "The state of the requests that they filed for people, sent to their callback URLs.",
        Departure.NOTIFIED,
        "Each is told that the erasure was carried out; no value is sent.",
    ),
    _build_party(
        "mail server",
        "Mail to customers about their requests: address, codes and links that expire.",
        Departure.EXPIRES,
        "Nothing is queued here, and no copy is kept; the retailer's mail server keeps its own log.",
    ),
    _build_party(
        "receivers of a portability transfer",
        "The package that the person had sent to a service of their choice.",
        Departure.OTHER_LAW,
        "Theirs by the person's own wish; the person asks them directly.",
        law="GDPR Art. 20(2)",
    ),
    _build_party(
        "copies of backups",
        "Dumps and snapshots of the database that the operator stores elsewhere, without the keys.",
        Departure.KEY_DESTROYED,
        "Sealed values are unreadable without the key; a restore erases again everyone who was erased since.",
    ),
)
"""Parties outside the installation."""
