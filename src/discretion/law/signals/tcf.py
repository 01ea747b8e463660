"""What a consent manager recorded under the IAB's European framework, out of a TC string.

IAB Tech Lab and IAB Europe, "Consent string and vendor list formats v2", core string. The one Python
library for it has stood still since 2022 and raises on what it does not expect, hence this one.
"""

from __future__ import annotations

from dataclasses import dataclass

from discretion.law.signals.bit_reader import Bits
from discretion.law.signals.unreadable_signal import Reason, Unread

VERSION = 2
LIMIT = 4096
"""Letters of a string that is read; one with every vendor there is has fewer."""

PURPOSES = 24
SPECIAL_FEATURES = 12
TENTH_MS = 100
_A = ord("A")


@dataclass(frozen=True, slots=True)
class Tcf:
    """A core string. Times are ms since 1970; ``consents``, ``interests`` and ``features`` are TCF's numbers.

    ``interests`` are purposes whose legitimate interest was shown and not objected to;
    ``purpose_one`` that the publisher's country let it leave purpose 1 out.
    """

    created: int
    updated: int
    cmp: int
    cmp_version: int
    screen: int
    language: str
    vendor_list: int
    policy: int
    service_specific: bool
    own_stacks: bool
    features: frozenset[int]
    consents: frozenset[int]
    interests: frozenset[int]
    purpose_one: bool
    country: str


def decode(text: str) -> Tcf | Unread:
    """What a TC string says; segments after the core one are about vendors and are not read.

    The vendors' parts of the core are walked over: a yes is not taken from a string that was cut.
    """
    if len(text) > LIMIT:
        return Unread(Reason.LONG)
    bits = Bits.of(text.partition(".")[0])
    if bits is None:
        return Unread(Reason.LETTER)
    if not len(bits):
        return Unread(Reason.SHORT)
    if bits.number(6) != VERSION:
        return Unread(Reason.VERSION)
    read = Tcf(
        created=bits.number(36) * TENTH_MS,
        updated=bits.number(36) * TENTH_MS,
        cmp=bits.number(12),
        cmp_version=bits.number(12),
        screen=bits.number(6),
        language=_letters(bits),
        vendor_list=bits.number(12),
        policy=bits.number(6),
        service_specific=bits.flag(),
        own_stacks=bits.flag(),
        features=bits.members(SPECIAL_FEATURES),
        consents=bits.members(PURPOSES),
        interests=bits.members(PURPOSES),
        purpose_one=bits.flag(),
        country=_letters(bits),
    )
    _pass_vendors(bits)
    _pass_vendors(bits)
    if bits.over:
        return Unread(Reason.SHORT)
    if not (read.language.isalpha() and read.country.isalpha()):
        return Unread(Reason.VALUE)
    return read


def _letters(bits: Bits) -> str:
    """Two letters, A to Z being 0 to 25; what is beyond is no letter here either."""
    values = bits.number(6), bits.number(6)
    return "".join(chr(_A + value) if value < 26 else "?" for value in values)


def _pass_vendors(bits: Bits) -> None:
    """A set of vendors: a bit for each up to the greatest, or ranges."""
    greatest = bits.number(16)
    if not bits.flag():
        bits.skip(greatest)
        return
    for _ in range(bits.number(12)):
        bits.skip(32 if bits.flag() else 16)
        if bits.over:
            return
