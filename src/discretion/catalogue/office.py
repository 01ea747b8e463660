"""Whoever answers for the data, as people reach them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Office:
    """Where people reach whoever answers for their data, and what they are told wherever they agree.

    ``storage`` says where the data are kept, ``withdrawal`` and ``rights`` are web addresses where a
    consent is taken back and where every other right is exercised; ``authority`` is whom to complain to.
    """

    address: str = ""
    contact: str = ""
    storage: str = ""
    withdrawal: str = ""
    rights: str = ""
    authority: str = ""
