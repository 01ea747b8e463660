"""The answer to "may this attribute be revealed to this grant, and how?"."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from discretion.catalogue.model import Form

EVERY_BIT = -1
"""An ``allow`` mask that no person's state can empty: a person reading about themselves."""


class Reason(StrEnum):
    """Why something is withheld.

    The first three depend on the grant alone and may be told to anyone; the rest depend on the
    person and are told only to them and to the steward.
    """

    PURPOSE = "PURPOSE_NOT_GRANTED"
    CATEGORY = "CATEGORY_NOT_GRANTED"
    GAP = "NOT_CONFIGURED"
    CHOICE = "NOT_PERMITTED_BY_PERSON"
    RETENTION = "RETENTION_LAPSED"
    NO_VALUE = "NO_VALUE"
    WITHHELD = "WITHHELD"


@dataclass(frozen=True, slots=True)
class Way:
    """Purposes, as bits, any of which justifies revealing in ``form``."""

    mask: int
    form: Form


@dataclass(frozen=True, slots=True)
class Allow:
    """May be revealed to persons whose ``allow`` meets a way; the first that does is used.

    ``ways`` go from most to least revealing. ``purposes`` are the keys behind the masks.
    """

    ways: tuple[Way, ...]
    purposes: tuple[str, ...]

    @property
    def mask(self) -> int:
        """All purposes together."""
        bits = 0
        for way in self.ways:
            bits |= way.mask
        return bits

    @property
    def clear_mask(self) -> int:
        """Purposes that show the value as it is: only these may filter or sort by it."""
        bits = 0
        for way in self.ways:
            if way.form is Form.CLEAR:
                bits |= way.mask
        return bits


@dataclass(frozen=True, slots=True)
class Deny:
    """Nothing the token holds can justify it."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody configured this. Treated as Deny and reported as a fault of ours."""

    what: str
    reason: Reason = Reason.GAP


Decision = Allow | Deny | Gap
