"""Rulings about identity."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.store.identity_events import LinkEvidence


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision of a steward or the person: records of different ``sides`` are one (``joined``) or not."""

    joined: bool
    sides: tuple[frozenset[bytes], ...]


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a ruling joins records, for the identity history.

    Attributes:
        reason: A sentence that names nobody.
        evidence: The identifiers by which the person has proven that the records are theirs.
    """

    reason: str | None = None
    evidence: tuple[LinkEvidence, ...] = ()


NO_GROUNDS = Grounds()
