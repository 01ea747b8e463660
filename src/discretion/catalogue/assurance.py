"""Assurance: how certain it is that an identifier belongs to the person of a source record."""

from __future__ import annotations

from enum import IntEnum


class Assurance(IntEnum):
    """How a source record mentions an identifier. The smallest number is the strongest; numbers are stored.

    Only proven and presented mentions join records. A claim joins nobody and takes nothing from anybody.
    """

    PROVEN = 0  # the source confirmed it: the login of its own account, a code to the address
    PRESENTED = 1  # it was physically there: a card at a till, a device, a cookie
    CLAIMED = 2  # somebody typed it

    @property
    def label(self) -> str:
        """The word that files and messages use, such as ``proven``."""
        return self.name.lower()

    @property
    def links(self) -> bool:
        """Whether a mention of this assurance can join records."""
        return self is not Assurance.CLAIMED


ASSURANCE_BY_LABEL = {assurance.label: assurance for assurance in Assurance}
"""Each assurance by the word that files and messages use."""
