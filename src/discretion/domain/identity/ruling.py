"""Stewards' rulings about identity, and the persons that clustering results in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ruling:
    """A steward's decision: records of different ``sides`` are one person (``joined``), or never are."""

    joined: bool
    sides: tuple[frozenset[bytes], ...]


@dataclass(frozen=True, slots=True)
class PersonCluster:
    """The source records of one person, and the blind indexes of that person's identifiers."""

    records: frozenset[bytes]
    identifiers: frozenset[bytes]
