"""Reads the choices in a TC string of the IAB's European framework.

Specification: IAB Tech Lab and IAB Europe, "Consent string and vendor list formats v2", core string. The only
Python library for it has not changed since 2022 and raises on unexpected input, so this module replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass

from discretion.law.signals.bit_reader import BitReader
from discretion.law.signals.unreadable_signal import UnreadableReason, UnreadableSignal

TCF_VERSION = 2
MAX_TC_STRING_LENGTH = 4096
"""Longest string in characters that is read; a string with all existing vendors is shorter."""

TCF_PURPOSE_BITS = 24
SPECIAL_FEATURE_BITS = 12
DECISECOND_MS = 100
_CODE_POINT_A = ord("A")


@dataclass(frozen=True, slots=True)
class TcString:
    """A decoded core string.

    Times are ms since 1970, UTC. ``consents``, ``interests`` and ``features`` are TCF's numbers.
    ``interests`` are purposes whose legitimate interest was disclosed and not objected to.
    ``purpose_one_undisclosed`` is whether purpose 1 was left out, as the publisher's country allows.
    """

    created_at: int
    updated_at: int
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
    purpose_one_undisclosed: bool
    country: str


def decode_tcf(text: str) -> TcString | UnreadableSignal:
    """Decode the core segment of a TC string; the other segments are about vendors and are not read.

    The vendor lists of the core are skipped but must be complete: no consent is taken from a truncated
    string.
    """
    if len(text) > MAX_TC_STRING_LENGTH:
        return UnreadableSignal(UnreadableReason.LONG)
    bits = BitReader.decode_text(text.partition(".")[0])
    if bits is None:
        return UnreadableSignal(UnreadableReason.ENCODING)
    if not len(bits):
        return UnreadableSignal(UnreadableReason.SHORT)
    if bits.read_number(6) != TCF_VERSION:
        return UnreadableSignal(UnreadableReason.VERSION)
    tc_string = TcString(
        created_at=bits.read_number(36) * DECISECOND_MS,
        updated_at=bits.read_number(36) * DECISECOND_MS,
        cmp=bits.read_number(12),
        cmp_version=bits.read_number(12),
        screen=bits.read_number(6),
        language=_read_alpha_code(bits),
        vendor_list=bits.read_number(12),
        policy=bits.read_number(6),
        service_specific=bits.read_flag(),
        own_stacks=bits.read_flag(),
        features=bits.read_members(SPECIAL_FEATURE_BITS),
        consents=bits.read_members(TCF_PURPOSE_BITS),
        interests=bits.read_members(TCF_PURPOSE_BITS),
        purpose_one_undisclosed=bits.read_flag(),
        country=_read_alpha_code(bits),
    )
    _skip_vendors(bits)  # vendors with consent
    _skip_vendors(bits)  # vendors with legitimate interest
    if bits.is_exhausted:
        return UnreadableSignal(UnreadableReason.SHORT)
    if not (tc_string.language.isalpha() and tc_string.country.isalpha()):
        return UnreadableSignal(UnreadableReason.VALUE)
    return tc_string


def _read_alpha_code(bits: BitReader) -> str:
    """Read two letters, with A to Z as 0 to 25; other values become ``?``."""
    values = bits.read_number(6), bits.read_number(6)
    return "".join(chr(_CODE_POINT_A + value) if value < 26 else "?" for value in values)


def _skip_vendors(bits: BitReader) -> None:
    """Skip a set of vendors, which is a bit field up to the highest id or a list of ranges."""
    max_vendor_id = bits.read_number(16)
    if not bits.read_flag():
        bits.skip(max_vendor_id)
        return
    for _ in range(bits.read_number(12)):
        bits.skip(32 if bits.read_flag() else 16)
        if bits.is_exhausted:  # A truncated string may claim up to 4,095 ranges.
            return
