"""Reads the choices in a Global Privacy Platform string, section by section.

Specification: IAB Tech Lab, "Global Privacy Platform String" 1.0 and its section specifications. No Python
library reads them. Only the person's choices are read; fields about notices and about contracts between
advertisers and vendors are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from discretion.law.signals import tcf
from discretion.law.signals.bit_reader import BASE64URL_ALPHABET, BitReader
from discretion.law.signals.section_layouts import (
    FIELD_BITS,
    SECTION_LAYOUTS,
    VERSION_BITS,
    SectionLayout,
    count_core_bits,
)
from discretion.law.signals.tcf import TcString
from discretion.law.signals.unreadable_signal import UnreadableReason, UnreadableSignal

MAX_GPP_LENGTH = 4096
"""Longest string in characters that is read."""

GPP_HEADER_TYPE = 3
GPP_VERSION = 1
TCF_EUROPE_SECTION = 2
US_PRIVACY_SECTION = 6
GPC_SEGMENT = 1

_US_PRIVACY_PATTERN = re.compile(r"([0-9])[YN-]([YN-])[YN-]", re.IGNORECASE)


class SectionChoice(StrEnum):
    """A person's choice about one use."""

    OPTED_OUT = "opted_out"
    NOT_OPTED_OUT = "not"
    NOT_APPLICABLE = "not_applicable"


_CHOICES = (SectionChoice.NOT_APPLICABLE, SectionChoice.OPTED_OUT, SectionChoice.NOT_OPTED_OUT)
_US_PRIVACY_CHOICES = {
    "Y": SectionChoice.OPTED_OUT,
    "N": SectionChoice.NOT_OPTED_OUT,
    "-": SectionChoice.NOT_APPLICABLE,
}


@dataclass(frozen=True, slots=True)
class UsSection:
    """The choices in one United States section; ``key`` is the IAB's name for it.

    ``gpc`` is whether the section repeats the browser's GPC signal. ``known_child`` is whether the sender
    knows that the person is a child, with or without a guardian's consent. A use for which the section has no
    field is ``NOT_APPLICABLE``.
    """

    id: int
    key: str
    version: int
    sale: SectionChoice = SectionChoice.NOT_APPLICABLE
    sharing: SectionChoice = SectionChoice.NOT_APPLICABLE
    advertising: SectionChoice = SectionChoice.NOT_APPLICABLE
    gpc: bool = False
    known_child: bool = False


@dataclass(frozen=True, slots=True)
class GppString:
    """A decoded string; ``unknown_ids`` are sections that this module cannot read and that grant nothing."""

    sections: tuple[UsSection, ...] = ()
    tcf: TcString | None = None
    unknown_ids: tuple[int, ...] = ()
    problems: tuple[UnreadableSignal, ...] = ()


def decode_gpp(text: str) -> GppString | UnreadableSignal:
    """Decode a GPP string.

    A section that cannot be read is reported in ``problems``; the other sections are still used.
    """
    if len(text) > MAX_GPP_LENGTH:
        return UnreadableSignal(UnreadableReason.LONG)
    header, *parts = text.split("~")
    ids = _decode_section_ids(header, len(parts))
    if isinstance(ids, UnreadableSignal):
        return ids
    sections: list[UsSection] = []
    unknown_ids: list[int] = []
    problems: list[UnreadableSignal] = []
    tc_string: TcString | None = None
    for section_id, part in zip(ids, parts, strict=True):
        decoded = _decode_section(section_id, part)
        if decoded is None:
            unknown_ids.append(section_id)
        elif isinstance(decoded, UnreadableSignal):
            problems.append(decoded.nest_in(str(section_id)))
        elif isinstance(decoded, TcString):
            tc_string = decoded
        else:
            sections.append(decoded)
    return GppString(tuple(sections), tc_string, tuple(unknown_ids), tuple(problems))


def _decode_section_ids(header: str, count: int) -> list[int] | UnreadableSignal:
    """Return the section ids in ascending order, of which there must be ``count``.

    The header encodes them as "Range (Fibonacci)".
    """
    bits = BitReader.decode_text(header)
    if bits is None:
        return UnreadableSignal(UnreadableReason.ENCODING)
    if bits.read_number(6) != GPP_HEADER_TYPE:
        return UnreadableSignal(UnreadableReason.KIND)
    if bits.read_number(6) != GPP_VERSION:
        return UnreadableSignal(UnreadableReason.VERSION)
    ids: list[int] = []
    last_id = 0
    for _ in range(bits.read_number(12)):
        is_range = bits.read_flag()
        first_id = last_id + bits.read_fibonacci()
        last_id = first_id + bits.read_fibonacci() if is_range else first_id
        if bits.is_exhausted:
            return UnreadableSignal(UnreadableReason.SHORT)
        # Checked before the range is expanded: a short header can claim a range of millions of sections.
        if len(ids) + last_id - first_id >= count:
            return UnreadableSignal(UnreadableReason.COUNT)
        ids += range(first_id, last_id + 1)
    if bits.is_exhausted:
        return UnreadableSignal(UnreadableReason.SHORT)
    return ids if len(ids) == count else UnreadableSignal(UnreadableReason.COUNT)


def _decode_section(section_id: int, part: str) -> UsSection | TcString | UnreadableSignal | None:
    """Return a decoded section, or None for an unknown section id."""
    if section_id == TCF_EUROPE_SECTION:
        return tcf.decode_tcf(part)
    if section_id == US_PRIVACY_SECTION:
        return _decode_us_privacy(part)
    layout = SECTION_LAYOUTS.get(section_id)
    return None if layout is None else _decode_us_section(section_id, layout, part)


def _decode_us_privacy(part: str) -> UsSection | UnreadableSignal:
    """Decode the older US Privacy string, such as ``1YNN``: version, notice, opt-out of sale, contract."""
    match = _US_PRIVACY_PATTERN.fullmatch(part)
    if match is None:
        return UnreadableSignal(UnreadableReason.VALUE)
    if match[1] != "1":
        return UnreadableSignal(UnreadableReason.VERSION)
    return UsSection(US_PRIVACY_SECTION, "uspv1", 1, sale=_US_PRIVACY_CHOICES[match[2].upper()])


def _decode_us_section(section_id: int, layout: SectionLayout, part: str) -> UsSection | UnreadableSignal:
    segments = part.split(".")
    # The first six bits of a header are the section's id. A core begins with its version, which is lower.
    if layout.headed and segments[0][:1] == BASE64URL_ALPHABET[section_id]:
        if segments[0][1:2] != BASE64URL_ALPHABET[GPP_VERSION]:
            return UnreadableSignal(UnreadableReason.VERSION)
        segments = segments[1:] or [""]
    bits = BitReader.decode_text(segments[0])
    if bits is None:
        return UnreadableSignal(UnreadableReason.ENCODING)
    # The longest layout that fits: the last letter pads the bits, so a shorter layout would always fit as
    # well.
    core = next((core for core in layout.cores if count_core_bits(core) <= len(bits)), None)
    if core is None:
        return UnreadableSignal(UnreadableReason.SHORT)
    version = bits.read_number(VERSION_BITS)
    if layout.versions and version not in layout.versions:
        return UnreadableSignal(UnreadableReason.VERSION)
    # Repeated fields such as `child*3` become lists; all other fields have one value.
    values = {name: [bits.read_number(FIELD_BITS) for _ in range(count)] for name, count in core}
    choice_numbers = [values.get(name, [0])[0] for name in ("sale", "sharing", "advertising")]
    # Two bits can be 3, for which the specifications have no meaning. From such a section no choice is taken.
    if max(*choice_numbers, *values.get("child", [])) >= len(_CHOICES):
        return UnreadableSignal(UnreadableReason.VALUE)
    has_gpc = _decode_gpc(segments[1:]) if layout.gpc else False
    if isinstance(has_gpc, UnreadableSignal):
        return has_gpc
    sale, sharing, advertising = (_CHOICES[value] for value in choice_numbers)
    is_known_child = any(values.get("child", []))
    return UsSection(section_id, layout.key, version, sale, sharing, advertising, has_gpc, is_known_child)


def _decode_gpc(segments: Sequence[str]) -> bool | UnreadableSignal:
    """Return whether one of the optional segments carries the browser's GPC signal."""
    has_gpc = False
    for segment in segments:
        bits = BitReader.decode_text(segment)
        if bits is None:
            return UnreadableSignal(UnreadableReason.ENCODING)
        if not len(bits):
            return UnreadableSignal(UnreadableReason.SHORT)
        has_gpc |= bits.read_number(FIELD_BITS) == GPC_SEGMENT and bits.read_flag()
    return has_gpc
