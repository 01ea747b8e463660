"""What a consent manager recorded, law by law, out of a Global Privacy Platform string.

IAB Tech Lab, "Global Privacy Platform String" 1.0 and its section specifications. There is no Python
library that reads them. Only what a person said is read: notices, contracts between advertisers and
vendors are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from discretion.law.signals import tcf
from discretion.law.signals.bit_reader import LETTERS, Bits
from discretion.law.signals.section_layouts import FIELD_BITS, LAYOUTS, VERSION_BITS, Layout, width
from discretion.law.signals.tcf import Tcf
from discretion.law.signals.unreadable_signal import Reason, Unread

LIMIT = 4096
"""Letters of a string that is read."""

KIND = 3
VERSION = 1
TCF_EUROPE = 2
US_PRIVACY = 6
GPC_SEGMENT = 1

_US_PRIVACY = re.compile(r"([0-9])[YN-]([YN-])[YN-]", re.IGNORECASE)


class Choice(StrEnum):
    """What a person said of one use."""

    OPTED_OUT = "opted_out"
    NOT = "not"
    NOT_APPLICABLE = "not_applicable"


_CHOICES = (Choice.NOT_APPLICABLE, Choice.OPTED_OUT, Choice.NOT)
_US_PRIVACY_CHOICES = {"Y": Choice.OPTED_OUT, "N": Choice.NOT, "-": Choice.NOT_APPLICABLE}


@dataclass(frozen=True, slots=True)
class Section:
    """What was said under one law of the United States. ``key`` is the IAB's name for it.

    ``gpc``: the browser said so too. ``known_child``: the sender knows the person to be a child,
    consented for or not. A use that the section has no field for is not applicable.
    """

    id: int
    key: str
    version: int
    sale: Choice = Choice.NOT_APPLICABLE
    sharing: Choice = Choice.NOT_APPLICABLE
    advertising: Choice = Choice.NOT_APPLICABLE
    gpc: bool = False
    known_child: bool = False


@dataclass(frozen=True, slots=True)
class Gpp:
    """A string. ``unknown`` are the ids of sections that nobody here reads; they grant nothing."""

    sections: tuple[Section, ...] = ()
    tcf: Tcf | None = None
    unknown: tuple[int, ...] = ()
    problems: tuple[Unread, ...] = ()


def decode(text: str) -> Gpp | Unread:
    """What a GPP string says. A section that cannot be read is a problem of its own; the others stand."""
    if len(text) > LIMIT:
        return Unread(Reason.LONG)
    header, *parts = text.split("~")
    ids = _ids(header, len(parts))
    if isinstance(ids, Unread):
        return ids
    sections: list[Section] = []
    unknown: list[int] = []
    problems: list[Unread] = []
    europe: Tcf | None = None
    for one, part in zip(ids, parts, strict=True):
        read = _read(one, part)
        if read is None:
            unknown.append(one)
        elif isinstance(read, Unread):
            problems.append(read.within(str(one)))
        elif isinstance(read, Tcf):
            europe = read
        else:
            sections.append(read)
    return Gpp(tuple(sections), europe, tuple(unknown), tuple(problems))


def _ids(header: str, count: int) -> list[int] | Unread:
    """The ids of the sections, rising, which must be ``count``: Range (Fibonacci) in the specification."""
    bits = Bits.of(header)
    if bits is None:
        return Unread(Reason.LETTER)
    if bits.number(6) != KIND:
        return Unread(Reason.KIND)
    if bits.number(6) != VERSION:
        return Unread(Reason.VERSION)
    ids: list[int] = []
    last = 0
    for _ in range(bits.number(12)):
        group = bits.flag()
        first = last + bits.fibonacci()
        last = first + bits.fibonacci() if group else first
        if bits.over:
            return Unread(Reason.SHORT)
        if len(ids) + last - first >= count:
            return Unread(Reason.COUNT)
        ids += range(first, last + 1)
    if bits.over:
        return Unread(Reason.SHORT)
    return ids if len(ids) == count else Unread(Reason.COUNT)


def _read(one: int, part: str) -> Section | Tcf | Unread | None:
    """A section, or None if nobody here knows its id."""
    if one == TCF_EUROPE:
        return tcf.decode(part)
    if one == US_PRIVACY:
        return _us_privacy(part)
    layout = LAYOUTS.get(one)
    return None if layout is None else _state(one, layout, part)


def _us_privacy(part: str) -> Section | Unread:
    """The older string of California's law, such as ``1YNN``: version, notice, opt-out of sale, contract."""
    found = _US_PRIVACY.fullmatch(part)
    if found is None:
        return Unread(Reason.VALUE)
    if found[1] != "1":
        return Unread(Reason.VERSION)
    return Section(US_PRIVACY, "uspv1", 1, sale=_US_PRIVACY_CHOICES[found[2].upper()])


def _state(one: int, layout: Layout, part: str) -> Section | Unread:
    segments = part.split(".")
    if layout.headed and segments[0][:1] == LETTERS[one]:
        if segments[0][1:2] != LETTERS[VERSION]:
            return Unread(Reason.VERSION)
        segments = segments[1:] or [""]
    bits = Bits.of(segments[0])
    if bits is None:
        return Unread(Reason.LETTER)
    core = next((core for core in layout.cores if width(core) <= len(bits)), None)
    if core is None:
        return Unread(Reason.SHORT)
    version = bits.number(VERSION_BITS)
    if layout.versions and version not in layout.versions:
        return Unread(Reason.VERSION)
    values = {name: [bits.number(FIELD_BITS) for _ in range(count)] for name, count in core}
    said = [values.get(name, [0])[0] for name in ("sale", "sharing", "advertising")]
    if max(*said, *values.get("child", [])) >= len(_CHOICES):
        return Unread(Reason.VALUE)
    gpc = _gpc(segments[1:]) if layout.gpc else False
    if isinstance(gpc, Unread):
        return gpc
    sale, sharing, advertising = (_CHOICES[value] for value in said)
    child = any(values.get("child", []))
    return Section(one, layout.key, version, sale, sharing, advertising, gpc, child)


def _gpc(segments: Sequence[str]) -> bool | Unread:
    """Whether a segment says that the browser asked not to sell or share."""
    heard = False
    for segment in segments:
        bits = Bits.of(segment)
        if bits is None:
            return Unread(Reason.LETTER)
        if not len(bits):
            return Unread(Reason.SHORT)
        heard |= bits.number(FIELD_BITS) == GPC_SEGMENT and bits.flag()
    return heard
