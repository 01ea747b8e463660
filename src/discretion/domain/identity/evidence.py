"""What speaks for two records being one person, and what a steward has said of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ruling:
    """A steward's word. Records of different ``sides`` are one person (``joined``) or never are."""

    joined: bool
    sides: tuple[frozenset[bytes], ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Records that are one person, and the identifiers that are theirs."""

    records: frozenset[bytes]
    identifiers: frozenset[bytes]
