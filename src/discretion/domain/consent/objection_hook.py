"""What is written beside an objection: that a right was exercised, for whoever keeps account of rights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from discretion.domain.consent.statement_writer import Also


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks: as it stands on record, as their token has them, and whether they are the office."""

    by: str
    client: str
    subject: str = field(repr=False)
    office: bool


@dataclass(frozen=True, slots=True)
class Exercise:
    """``objected`` has the writes for somebody's objection to purposes, in the transaction that obeys it."""

    objected: Callable[[Voice, Sequence[str]], Also]
