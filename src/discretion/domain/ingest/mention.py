"""Mentions: a source record names an identifier. They are the edges of the identity graph."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.catalogue.assurance import Assurance


# Not frozen: every message makes some, and a frozen object takes three times as long to make.
@dataclass(slots=True)
class Mention:
    """A source record names an identifier.

    Attributes:
        record: Id of the source record.
        identifier_type: Key of the identifier's type.
        entry: Blind index of the identifier.
        source: Key of the source.
        at: When (ms since 1970), and never later than the receipt.
        assurance: How certain it is that the identifier belongs to the record's person.
        is_own: Whether it is the id by which the source knows the person, which names the record.
        is_stated: Whether it is also the value of an attribute, which a later value replaces.
    """

    record: bytes
    identifier_type: str
    entry: bytes
    source: str
    at: int
    assurance: Assurance = Assurance.CLAIMED
    is_own: bool = False
    is_stated: bool = False
