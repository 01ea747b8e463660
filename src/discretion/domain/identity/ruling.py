"""Rulings about identity."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision of a steward or the person: records of different ``sides`` are one (``joined``) or not."""

    joined: bool
    sides: tuple[frozenset[bytes], ...]
