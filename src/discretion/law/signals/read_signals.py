"""Reads all privacy signals of one message: the Sec-GPC header and the members of its context."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from discretion.catalogue.model import Family
from discretion.law.signals import gpp, tcf
from discretion.law.signals.gpc import GPC_HEADER
from discretion.law.signals.gpp import GppString, SectionChoice, UsSection
from discretion.law.signals.model import SignalMeanings
from discretion.law.signals.tcf import TcString
from discretion.law.signals.unreadable_signal import UnreadableReason, UnreadableSignal

GPC_MEMBER: Final = "gpc"
GPP_STRING_MEMBER: Final = "gppString"
GPP_SECTIONS_MEMBER: Final = "gppSid"
TC_STRING_MEMBER: Final = "tcString"
SIGNAL_MEMBERS: Final = (GPC_MEMBER, GPP_STRING_MEMBER, GPP_SECTIONS_MEMBER, TC_STRING_MEMBER)
"""Members of a message's ``context`` that carry a signal.

``gpc`` is ``navigator.globalPrivacyControl``: true, false or null. ``gppString`` is a GPP string, or a TC
string, which begins with ``C``. ``gppSid`` has the ids of the applicable sections (``applicableSections`` of
the GPP API). ``tcString`` is a TC string.
"""

_SECTION_ID = re.compile(r"-?[0-9]{1,4}")
_SECTION_ID_LIST = re.compile(rf"{_SECTION_ID.pattern}(?:[_,]{_SECTION_ID.pattern})*")
"""The notation of section ids in apps (``IABGPP_GppSID``) and in URLs (``gpp_sid``)."""

_SAFE_STRING = re.compile(r"[A-Za-z0-9._~-]*")
"""The characters that a string may have ("Delimiters"). Any other string was not written by a consent
manager; its content is unknown and may be personal, so it is not stored."""

_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PrivacySignal:
    """The signals of one message.

    Attributes:
        opted_out: The families of purposes that the person refuses.
        sources: The signals that refuse or consent: ``Sec-GPC``, ``gpc``, or the IAB's name of a section,
            such as ``usca``.
        tcf_choices: Purposes of the catalogue with the yes or no of a TC string.
        recorded_at: When the TC string was last updated (ms since 1970, UTC); None without one.
        known_child: Whether a section states that the person is known to be a child.
        raw: The strings that were read, as sent, by member of the context. At most 4,096 characters of
            base64url, ``.`` and ``~`` each.
        problems: What could not be read; it neither grants nor refuses anything.
    """

    opted_out: frozenset[Family] = frozenset()
    sources: tuple[str, ...] = ()
    tcf_choices: Mapping[str, bool] = field(default_factory=lambda: _EMPTY)
    recorded_at: int | None = None
    known_child: bool = False
    raw: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    problems: tuple[UnreadableSignal, ...] = ()

    @property
    def has_opt_out(self) -> bool:
        """Whether the signal refuses any family of purposes."""
        return bool(self.opted_out)


NO_SIGNAL: Final = PrivacySignal()
"""The result for a message without any signal."""


def read_signals(
    meanings: SignalMeanings, has_gpc_header: bool, context: Mapping[str, object]
) -> PrivacySignal:
    """Read the signals in the header and the context of one message.

    An opt-out counts wherever it occurs. A consent counts only if its string was read completely and, where
    the message names the applicable sections, only if its section is one of them. Where two TC strings differ
    about a purpose, the refusal wins.
    """
    if not has_gpc_header and context.keys().isdisjoint(SIGNAL_MEMBERS):
        return NO_SIGNAL
    reader = _SignalReader(meanings)
    if has_gpc_header:
        reader.add_opt_out(GPC_HEADER, GPC_MEMBER)
    reader.read_gpc(context.get(GPC_MEMBER))
    applicable_ids = reader.read_applicable_ids(context.get(GPP_SECTIONS_MEMBER))
    reader.read_string(GPP_STRING_MEMBER, context.get(GPP_STRING_MEMBER), applicable_ids)
    reader.read_string(TC_STRING_MEMBER, context.get(TC_STRING_MEMBER), None)
    return reader.build_signal()


class _SignalReader:
    """Collects the signals of one message."""

    def __init__(self, meanings: SignalMeanings) -> None:
        self._meanings = meanings
        self._opted_out: set[Family] = set()
        self._sources: list[str] = []
        self._tcf_choices: dict[str, bool] = {}
        self._recorded_at: int | None = None
        self._known_child = False
        self._raw: dict[str, str] = {}
        self._problems: list[UnreadableSignal] = []

    def build_signal(self) -> PrivacySignal:
        """Return everything that was collected."""
        return PrivacySignal(
            opted_out=frozenset(self._opted_out),
            sources=tuple(dict.fromkeys(self._sources)),
            tcf_choices=MappingProxyType(self._tcf_choices),
            recorded_at=self._recorded_at,
            known_child=self._known_child,
            raw=MappingProxyType(self._raw),
            problems=tuple(self._problems),
        )

    def add_opt_out(self, source: str, opt_out: str) -> None:
        """Record an opt-out and its source."""
        self._sources.append(source)
        self._opted_out |= self._meanings.families_by_opt_out[opt_out]

    def read_gpc(self, value: object) -> None:
        """Read the context's ``gpc``.

        True is an opt-out, false and null are none, everything else is a problem.
        """
        if value is True:
            self.add_opt_out(GPC_MEMBER, GPC_MEMBER)
        elif value is not None and value is not False:
            self._problems.append(UnreadableSignal(UnreadableReason.TYPE, GPC_MEMBER))

    def read_applicable_ids(self, value: object) -> frozenset[int] | None:
        """Return the applicable sections; None if none are named, an empty set for unreadable ids."""
        if value is None or value == "":
            return None
        if isinstance(value, str) and _SECTION_ID_LIST.fullmatch(value):
            value = [int(section_id) for section_id in _SECTION_ID.findall(value)]
        # `type` and not `isinstance`, because True and False are instances of int.
        value = [value] if type(value) is int else value
        if isinstance(value, list) and all(type(section_id) is int for section_id in value):
            return frozenset(value)
        self._problems.append(UnreadableSignal(UnreadableReason.TYPE, GPP_SECTIONS_MEMBER))
        # With an empty set no TC string applies: ids that cannot be read grant nothing.
        return frozenset()

    def read_string(self, place: str, value: object, applicable_ids: frozenset[int] | None) -> None:
        """Read a GPP string or a TC string."""
        if value is None or value == "":
            return
        if not isinstance(value, str):
            self._problems.append(UnreadableSignal(UnreadableReason.TYPE, place))
            return
        is_tc_string = place == TC_STRING_MEMBER or value.startswith("C")
        decoded = tcf.decode_tcf(value) if is_tc_string else gpp.decode_gpp(value)
        if isinstance(decoded, UnreadableSignal):
            self._problems.append(decoded.nest_in(place))
            return
        if _SAFE_STRING.fullmatch(value):
            self._raw[place] = value
        if isinstance(decoded, TcString):
            self._add_tcf_choices(decoded)
        else:
            self._add_sections(place, decoded, applicable_ids)

    def _add_sections(self, place: str, gpp_string: GppString, applicable_ids: frozenset[int] | None) -> None:
        self._problems += [problem.nest_in(place) for problem in gpp_string.problems]
        # Opt-outs count even in a section that does not apply: an opt-out that was not meant does less harm
        # than one that is ignored.
        for section in gpp_string.sections:
            self._known_child |= section.known_child
            for opt_out in _iterate_opt_outs(section):
                self.add_opt_out(section.key, opt_out)
        if gpp_string.tcf and (applicable_ids is None or gpp.TCF_EUROPE_SECTION in applicable_ids):
            self._add_tcf_choices(gpp_string.tcf)

    def _add_tcf_choices(self, tc_string: TcString) -> None:
        self._sources.append("tcfeuv2")
        self._recorded_at = max(tc_string.updated_at, self._recorded_at or 0)
        for purpose, needed_purposes in self._meanings.tcf_purposes_by_purpose.items():
            # A refusal in one TC string of the message is kept, whatever a later string contains.
            self._tcf_choices[purpose] = needed_purposes <= tc_string.consents and self._tcf_choices.get(
                purpose, True
            )


def _iterate_opt_outs(section: UsSection) -> Iterator[str]:
    choices = {
        "sale": section.sale,
        "sharing": section.sharing,
        "targeted_advertising": section.advertising,
    }
    yield from (opt_out for opt_out, choice in choices.items() if choice is SectionChoice.OPTED_OUT)
    if section.gpc:
        yield GPC_MEMBER
