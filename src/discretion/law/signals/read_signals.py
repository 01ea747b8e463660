"""What a message says for a person beside its own words: one value, whoever recorded it and how."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from discretion.catalogue.model import Family
from discretion.law.signals import gpp, tcf
from discretion.law.signals.gpc import HEADER
from discretion.law.signals.gpp import Choice, Gpp, Section
from discretion.law.signals.model import Signals
from discretion.law.signals.tcf import Tcf
from discretion.law.signals.unreadable_signal import Reason, Unread

GPC: Final = "gpc"
GPP_STRING: Final = "gppString"
GPP_SECTIONS: Final = "gppSid"
TC_STRING: Final = "tcString"
MEMBERS: Final = (GPC, GPP_STRING, GPP_SECTIONS, TC_STRING)
"""Members of a message's ``context`` that carry a signal.

``gpc`` is ``navigator.globalPrivacyControl``: true, false or null. ``gppString`` is a GPP string, or a
bare TC string (its first letter tells); ``gppSid`` the ids of the sections that apply, as
``applicableSections`` of the GPP API has them. ``tcString`` is a TC string.
"""

_ID = re.compile(r"-?[0-9]{1,4}")
_LISTED = re.compile(rf"{_ID.pattern}(?:[_,]{_ID.pattern})*")
"""How apps keep the ids (``IABGPP_GppSID``), and how addresses carry them (``gpp_sid``)."""

_SAFE = re.compile(r"[A-Za-z0-9._~-]*")
"""All that a string may be made of ("Delimiters"). What is not was not made by a consent manager, and
what it is nobody knows, so it is not kept.
"""

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Signal:
    """What was heard.

    ``opted_out`` are the families of purposes that the person refuses, ``sources`` who said so:
    ``Sec-GPC``, ``gpc`` or the IAB's name of a section, such as ``usca``. ``words`` are purposes of the
    catalogue with the yes or no of a TC string, told at ``told`` (ms since 1970). ``known_child``: a
    section says that the person is known to be a child. ``raw`` are the strings that were read, as they
    were sent (at most 4,096 letters of base64url, ``.`` and ``~``), by member of the context;
    ``problems`` what could not be read, which says nothing at all.
    """

    opted_out: frozenset[Family] = frozenset()
    sources: tuple[str, ...] = ()
    words: Mapping[str, bool] = field(default_factory=lambda: _NOTHING)
    told: int | None = None
    known_child: bool = False
    raw: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    problems: tuple[Unread, ...] = ()

    @property
    def opt_out(self) -> bool:
        """Whether the person refuses anything by it."""
        return bool(self.opted_out)


SILENCE: Final = Signal()
"""Nothing was said."""


def hear(signals: Signals, header_gpc: bool, context: Mapping[str, Any]) -> Signal:
    """What the header and the context of a message say together.

    An opt-out counts wherever it stands. A yes counts only if it is read whole, and where sections
    that apply are named only if its own is among them. Two TC strings must agree: where one says no
    it is no.
    """
    if not header_gpc and context.keys().isdisjoint(MEMBERS):
        return SILENCE
    heard = _Hearing(signals)
    if header_gpc:
        heard.refuse(HEADER, GPC)
    heard.gpc(context.get(GPC))
    applying = heard.applying(context.get(GPP_SECTIONS))
    heard.string(GPP_STRING, context.get(GPP_STRING), applying)
    heard.string(TC_STRING, context.get(TC_STRING), None)
    return heard.signal()


class _Hearing:
    """What has been heard so far."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._opted_out: set[Family] = set()
        self._sources: list[str] = []
        self._words: dict[str, bool] = {}
        self._told: int | None = None
        self._known_child = False
        self._raw: dict[str, str] = {}
        self._problems: list[Unread] = []

    def signal(self) -> Signal:
        """All of it."""
        return Signal(
            opted_out=frozenset(self._opted_out),
            sources=tuple(dict.fromkeys(self._sources)),
            words=MappingProxyType(self._words),
            told=self._told,
            known_child=self._known_child,
            raw=MappingProxyType(self._raw),
            problems=tuple(self._problems),
        )

    def refuse(self, source: str, what: str) -> None:
        """An opt-out."""
        self._sources.append(source)
        self._opted_out |= self._signals.opt_outs[what]

    def gpc(self, given: Any) -> None:
        """The browser's word in a message: only true says anything, and only true and false are one."""
        if given is True:
            self.refuse(GPC, GPC)
        elif given is not None and given is not False:
            self._problems.append(Unread(Reason.TYPE, GPC))

    def applying(self, given: Any) -> frozenset[int] | None:
        """The sections that apply, or None if nobody says which. What cannot be read names none."""
        if given is None or given == "":
            return None
        if isinstance(given, str) and _LISTED.fullmatch(given):
            given = [int(one) for one in _ID.findall(given)]
        given = [given] if type(given) is int else given
        if isinstance(given, list) and all(type(one) is int for one in given):
            return frozenset(given)
        self._problems.append(Unread(Reason.TYPE, GPP_SECTIONS))
        return frozenset()

    def string(self, place: str, given: Any, applying: frozenset[int] | None) -> None:
        """A GPP string or a TC string."""
        if given is None or given == "":
            return
        if not isinstance(given, str):
            self._problems.append(Unread(Reason.TYPE, place))
            return
        bare = place == TC_STRING or given.startswith("C")
        read = tcf.decode(given) if bare else gpp.decode(given)
        if isinstance(read, Unread):
            self._problems.append(read.within(place))
            return
        if _SAFE.fullmatch(given):
            self._raw[place] = given
        if isinstance(read, Tcf):
            self._consents(read)
        else:
            self._sections(place, read, applying)

    def _sections(self, place: str, read: Gpp, applying: frozenset[int] | None) -> None:
        self._problems += [problem.within(place) for problem in read.problems]
        for section in read.sections:
            self._known_child |= section.known_child
            for what in _refused(section):
                self.refuse(section.key, what)
        if read.tcf and (applying is None or gpp.TCF_EUROPE in applying):
            self._consents(read.tcf)

    def _consents(self, read: Tcf) -> None:
        self._sources.append("tcfeuv2")
        self._told = max(read.updated, self._told or 0)
        for purpose, needed in self._signals.needs.items():
            self._words[purpose] = needed <= read.consents and self._words.get(purpose, True)


def _refused(section: Section) -> Iterator[str]:
    choices = {
        "sale": section.sale,
        "sharing": section.sharing,
        "targeted_advertising": section.advertising,
    }
    yield from (what for what, choice in choices.items() if choice is Choice.OPTED_OUT)
    if section.gpc:
        yield GPC
