"""The answer to: may this attribute be revealed to this grant, and in which form?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from discretion.catalogue.model import Form

EVERY_BIT = -1
"""A mask that meets any permissions of a person: used when a person reads their own data."""


class WithholdReason(StrEnum):
    """Why a value is withheld.

    The first three depend on the grant alone and may be shown to everybody. The others depend on the person
    and are shown to the person themselves and to stewards only.
    """

    PURPOSE = "PURPOSE_NOT_GRANTED"
    CATEGORY = "CATEGORY_NOT_GRANTED"
    GAP = "NOT_CONFIGURED"
    CHOICE = "NOT_PERMITTED_BY_PERSON"
    RETENTION = "RETENTION_LAPSED"
    NO_VALUE = "NO_VALUE"
    ASSURANCE = "IDENTIFIER_NOT_PROVEN"
    WITHHELD = "WITHHELD"


@dataclass(frozen=True, slots=True)
class PermittedForm:
    """A form, and the bits of the purposes any of which justifies it."""

    mask: int
    form: Form


@dataclass(frozen=True, slots=True)
class Allow:
    """May be revealed to people who permit one of the purposes, in the first form whose mask they meet.

    ``permitted_forms`` are ordered from most to least revealing. ``purposes`` are the keys behind the masks.
    """

    permitted_forms: tuple[PermittedForm, ...]
    purposes: tuple[str, ...]

    @property
    def mask(self) -> int:
        """The bits of all purposes that justify any form."""
        bits = 0
        for permitted_form in self.permitted_forms:
            bits |= permitted_form.mask
        return bits

    @property
    def clear_mask(self) -> int:
        """The bits of the purposes that show the value in clear: only these may filter or sort by it."""
        bits = 0
        for permitted_form in self.permitted_forms:
            if permitted_form.form is Form.CLEAR:
                bits |= permitted_form.mask
        return bits


@dataclass(frozen=True, slots=True)
class Deny:
    """No purpose of the token can justify the disclosure."""

    reason: WithholdReason


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody configured this attribute. It is treated as Deny and reported as a fault of the platform."""

    detail: str
    reason: WithholdReason = WithholdReason.GAP


Decision = Allow | Deny | Gap
