"""Field layouts of the United States sections of GPP strings, as their specifications list them.

IAB Tech Lab, "Global Privacy Platform", Sections/US-National and Sections/US-States. A layout lists the
fields of a core segment: the version has six bits, every other field two; ``*n`` means n fields in a row.
Fields that nothing here reads are named for their kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

VERSION_BITS = 6
FIELD_BITS = 2


@dataclass(frozen=True, slots=True)
class SectionLayout:
    """The layout of one section.

    Attributes:
        cores: The layouts that the core segment may have, the longest first. A string of either version may
            have either, because encoders changed the layout before they changed the number.
        gpc: Whether a segment after the core may repeat the browser's GPC signal.
        versions: The versions with this layout. Empty where the number is that of the contract and not of the
            layout.
        headed: Whether the specification puts a header of its own before the core. The IAB's encoder omits
            it; both variants are read.
    """

    key: str
    cores: tuple[tuple[tuple[str, int], ...], ...]
    gpc: bool = True
    versions: frozenset[int] = frozenset({1})
    headed: bool = False


def count_core_bits(core: Sequence[tuple[str, int]]) -> int:
    """Return the number of bits of a core segment."""
    return VERSION_BITS + FIELD_BITS * sum(count for _, count in core)


def _parse_core(fields: str) -> tuple[tuple[str, int], ...]:
    """Return the fields after the version, each with the number of its repetitions."""
    version, *field_texts = fields.split()
    if version != "version":
        raise ValueError("A core segment begins with its version.")
    split_fields = (field.partition("*") for field in field_texts)
    return tuple((name, int(count or 1)) for name, _, count in split_fields)


def _build_state_layout(key: str, fields: str, *, gpc: bool = True) -> SectionLayout:
    return SectionLayout(key, (_parse_core(fields),), gpc)


def _build_new_state_layout(key: str, fields: str, *, gpc: bool) -> SectionLayout:
    return SectionLayout(key, (_parse_core(fields),), gpc, versions=frozenset(), headed=True)


SECTION_LAYOUTS = {
    7: SectionLayout(
        "usnat",
        (
            _parse_core("version notice*6 sale sharing advertising sensitive*16 child*3 personal mspa*3"),
            _parse_core("version notice*6 sale sharing advertising sensitive*12 child*2 personal mspa*3"),
        ),
        versions=frozenset({1, 2}),
    ),
    8: _build_state_layout("usca", "version notice*3 sale sharing sensitive*9 child*2 personal mspa*3"),
    9: _build_state_layout("usva", "version notice*3 sale advertising sensitive*8 child mspa*3", gpc=False),
    10: _build_state_layout("usco", "version notice*3 sale advertising sensitive*7 child mspa*3"),
    11: _build_state_layout("usut", "version notice*4 sale advertising sensitive*8 child mspa*3", gpc=False),
    12: _build_state_layout("usct", "version notice*3 sale advertising sensitive*8 child*3 mspa*3"),
    13: _build_state_layout(
        "usfl", "version notice*3 sale advertising sensitive*8 child*3 other mspa*3", gpc=False
    ),
    14: _build_state_layout("usmt", "version notice*3 sale advertising sensitive*8 child*3 other mspa*3"),
    15: _build_state_layout("usor", "version notice*3 sale advertising sensitive*11 child*3 other mspa*3"),
    16: _build_state_layout("ustx", "version notice*3 sale advertising sensitive*8 child other mspa*3"),
    17: _build_state_layout("usde", "version notice*3 sale advertising sensitive*9 child*5 other mspa*3"),
    18: _build_state_layout("usia", "version notice*4 sale advertising sensitive*8 child mspa*3"),
    19: _build_state_layout("usne", "version notice*3 sale advertising sensitive*8 child other mspa*3"),
    20: _build_state_layout("usnh", "version notice*3 sale advertising sensitive*8 child*3 other mspa*3"),
    21: _build_state_layout("usnj", "version notice*3 sale advertising sensitive*10 child*5 other mspa*3"),
    22: _build_state_layout("ustn", "version notice*3 sale advertising sensitive*8 child other mspa*3"),
    23: _build_state_layout("usmn", "version notice*3 sale advertising sensitive*8 child other mspa*3"),
    24: _build_new_state_layout("usmd", "version mspa*2 notice*3 sale advertising other", gpc=True),
    25: _build_new_state_layout("usin", "version mspa*2 notice*3 sale advertising child other", gpc=False),
    26: _build_new_state_layout("usky", "version mspa*2 notice*3 sale advertising child other", gpc=False),
    27: _build_new_state_layout("usri", "version mspa*2 notice*3 sale advertising child other", gpc=False),
}
"""Layouts by section id."""
