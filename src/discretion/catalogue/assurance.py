"""Assurance: how certain it is that an identifier belongs to the person of a source record."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum


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


ANONYMOUS_CLAIM = len(Assurance)
"""The rank of a claim of a record without an account or loyalty number: after all assurances."""


class RequiredAssurance(StrEnum):
    """What a purpose needs of an address before the address is revealed for it."""

    PROVEN = "proven"
    PRESENTED = "presented"
    ACCOUNT = "account"  # claimed by a record with an account or loyalty number, not by an anonymous one

    @property
    def weakest_rank(self) -> int:
        """The weakest assurance that is enough."""
        return Assurance.CLAIMED if self is RequiredAssurance.ACCOUNT else ASSURANCE_BY_LABEL[self.value]


ASSURANCE_BY_LABEL = {assurance.label: assurance for assurance in Assurance}
"""Each assurance by the word that files and messages use."""


def compute_withheld_bits(needs: Iterable[tuple[int, int]], rank: int) -> int:
    """Return the bits of the purposes for which an address of a rank is not revealed.

    Args:
        needs: Pairs of the weakest rank that is enough and the bits of the purposes that need it.
        rank: The assurance of the address, or ``ANONYMOUS_CLAIM``.
    """
    withheld = 0
    for weakest_rank, bits in needs:
        if rank > weakest_rank:
            withheld |= bits
    return withheld
