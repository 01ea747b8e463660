"""The meaning of signals for the catalogue's purposes; see ``schema/signals``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.catalogue.model import Family

OPT_OUT_KINDS = ("sale", "sharing", "targeted_advertising", "gpc")
"""What a person can refuse with a signal."""

LAST_TCF_PURPOSE = 11
"""The highest purpose that TCF's policies define; the string has bits for more, which have no meaning yet."""


@dataclass(frozen=True, slots=True)
class SignalMeanings:
    """The meaning of signals for the catalogue.

    ``families_by_opt_out`` has the families of purposes that each of ``OPT_OUT_KINDS`` refuses.
    ``tcf_purposes_by_purpose`` has, for each purpose of the catalogue, the TCF purposes that must all be
    consented to.
    """

    families_by_opt_out: Mapping[str, frozenset[Family]]
    tcf_purposes_by_purpose: Mapping[str, frozenset[int]]
