"""What signals mean for the catalogue's purposes; see ``schema/signals``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.catalogue.model import Family

OPT_OUTS = ("sale", "sharing", "targeted_advertising", "gpc")
"""What a person can say no to by a signal."""

LAST_TCF_PURPOSE = 11
"""Purposes that TCF's policies name; the string has room for more, which mean nothing yet."""


@dataclass(frozen=True, slots=True)
class Signals:
    """How signals are heard.

    ``opt_outs`` has the families of purposes that each of ``OPT_OUTS`` refuses, ``needs`` the TCF
    purposes that must all be consented to for a purpose of the catalogue.
    """

    opt_outs: Mapping[str, frozenset[Family]]
    needs: Mapping[str, frozenset[int]]
