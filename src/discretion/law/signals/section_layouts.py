"""Where things stand in the United States sections of GPP strings, as their specifications list them.

IAB Tech Lab, "Global Privacy Platform", Sections/US-National and Sections/US-States. A layout is the
list of a core segment's fields: the version has six bits, every other field two, ``*n`` is n in a row.
Fields that nothing here asks for are named for their kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

VERSION_BITS = 6
FIELD_BITS = 2


@dataclass(frozen=True, slots=True)
class Layout:
    """How one section is laid out.

    ``cores`` are the shapes that its core may have, the longest first: a string of either version may
    have either, because encoders changed the shape before the number. ``gpc``: a segment after the core
    may repeat the browser's GPC. ``versions`` are those that are laid out so; none, where the number is
    the contract's and not the layout's. ``headed``: the specification puts a header of its own before
    the core, the IAB's encoder does not; both are read.
    """

    key: str
    cores: tuple[tuple[tuple[str, int], ...], ...]
    gpc: bool = True
    versions: frozenset[int] = frozenset({1})
    headed: bool = False


def width(core: Sequence[tuple[str, int]]) -> int:
    """Bits of a core segment."""
    return VERSION_BITS + FIELD_BITS * sum(count for _, count in core)


def _core(fields: str) -> tuple[tuple[str, int], ...]:
    """The fields after the version, with how many there are in a row."""
    version, *rest = fields.split()
    if version != "version":
        raise ValueError("A core segment begins with its version.")
    named = (field.partition("*") for field in rest)
    return tuple((name, int(count or 1)) for name, _, count in named)


def _state(key: str, fields: str, *, gpc: bool = True) -> Layout:
    return Layout(key, (_core(fields),), gpc)


def _new_state(key: str, fields: str, *, gpc: bool) -> Layout:
    return Layout(key, (_core(fields),), gpc, versions=frozenset(), headed=True)


LAYOUTS = {
    7: Layout(
        "usnat",
        (
            _core("version notice*6 sale sharing advertising sensitive*16 child*3 personal mspa*3"),
            _core("version notice*6 sale sharing advertising sensitive*12 child*2 personal mspa*3"),
        ),
        versions=frozenset({1, 2}),
    ),
    8: _state("usca", "version notice*3 sale sharing sensitive*9 child*2 personal mspa*3"),
    9: _state("usva", "version notice*3 sale advertising sensitive*8 child mspa*3", gpc=False),
    10: _state("usco", "version notice*3 sale advertising sensitive*7 child mspa*3"),
    11: _state("usut", "version notice*4 sale advertising sensitive*8 child mspa*3", gpc=False),
    12: _state("usct", "version notice*3 sale advertising sensitive*8 child*3 mspa*3"),
    13: _state("usfl", "version notice*3 sale advertising sensitive*8 child*3 other mspa*3", gpc=False),
    14: _state("usmt", "version notice*3 sale advertising sensitive*8 child*3 other mspa*3"),
    15: _state("usor", "version notice*3 sale advertising sensitive*11 child*3 other mspa*3"),
    16: _state("ustx", "version notice*3 sale advertising sensitive*8 child other mspa*3"),
    17: _state("usde", "version notice*3 sale advertising sensitive*9 child*5 other mspa*3"),
    18: _state("usia", "version notice*4 sale advertising sensitive*8 child mspa*3"),
    19: _state("usne", "version notice*3 sale advertising sensitive*8 child other mspa*3"),
    20: _state("usnh", "version notice*3 sale advertising sensitive*8 child*3 other mspa*3"),
    21: _state("usnj", "version notice*3 sale advertising sensitive*10 child*5 other mspa*3"),
    22: _state("ustn", "version notice*3 sale advertising sensitive*8 child other mspa*3"),
    23: _state("usmn", "version notice*3 sale advertising sensitive*8 child other mspa*3"),
    24: _new_state("usmd", "version mspa*2 notice*3 sale advertising other", gpc=True),
    25: _new_state("usin", "version mspa*2 notice*3 sale advertising child other", gpc=False),
    26: _new_state("usky", "version mspa*2 notice*3 sale advertising child other", gpc=False),
    27: _new_state("usri", "version mspa*2 notice*3 sale advertising child other", gpc=False),
}
"""By section id."""
