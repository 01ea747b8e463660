"""Judging persons: what is permitted now, until when, and what at least is permitted after that.

Time alone changes what is permitted: a consent lapses, a child comes of age, a law takes effect. What is
stored therefore says how long it holds and what holds from then on, so that a reader needs no
state to be right at that very moment, and nobody needs to have been awake at midnight.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from discretion.catalogue.model import DEMANDED, Catalogue, Purpose
from discretion.law.model import Law, Timeline
from discretion.purpose.equivalence import Alike, Likeness
from discretion.purpose.permissions import Bits, PersonState, permitted, stretches, turned

FOREVER = 2**53
"""In ms: no moment that anybody means."""

VERSION_LENGTH = 16
HOLDS_MS = 30 * 86_400_000
"""How long after its ``until`` an outlook says what holds. Servers judge anew within seconds of it; should
none for so long, only what the law demands is permitted."""

REMEMBERED = 20_000
"""Situations of which it is known what they permit."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """``now`` holds until ``until`` (ms); from then on no less than ``later`` does, for ``HOLDS_MS``."""

    now: Bits
    until: int
    later: Bits


class Judge:
    """One catalogue and one law, and everybody judged by them.

    ``version`` tells them from every other; ``purposes`` tells for each purpose what could change its bit.
    """

    def __init__(self, catalogue: Catalogue, law: Law) -> None:
        self.catalogue = catalogue
        self.law = law
        self.purposes: Mapping[str, str] = {
            key: _digest(_told(catalogue, law, one)) for key, one in sorted(catalogue.purposes.items())
        }
        self.version = _digest([dict(self.purposes), catalogue.kinds_kept])
        self._likeness = Likeness(catalogue, law)
        self._remembered: dict[Hashable, Bits] = {}

    def outlook(self, state: PersonState, now_ms: int) -> Outlook:
        """What this person permits, now and later."""
        alike = Alike(self._likeness, state)

        def judged(at: int) -> Bits:
            return self._permitted(state, alike, at)

        here = judged(now_ms)
        until, later = FOREVER, here
        for moments in stretches(alike.steps(), alike.lapses(), now_ms):
            if until == FOREVER:
                if (at := turned(moments, here, judged)) is None:
                    continue
                until = at
                later = judged(at)
            within = [at for at in moments if until <= at < until + HOLDS_MS]
            if not within:
                break
            later = later & judged(within[-1])
        return Outlook(here, until, later)

    def _permitted(self, state: PersonState, alike: Alike, at: int) -> Bits:
        """What is permitted at a moment; of whoever is alike it is remembered."""
        situation = alike.at(at)
        known = self._remembered.get(situation)
        if known is None:
            known = permitted(self.catalogue, self.law, state, at)
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[situation] = known
        return known

    def binding(self) -> int:
        """Bits that no choice and no law touches."""
        bits = 0
        for one in self.catalogue.purposes.values():
            bits |= (one.basis in DEMANDED) << one.bit
        return bits

    def trusted(self, purposes: Mapping[str, str]) -> int:
        """Bits that mean the same under an earlier judge, whose ``purposes`` these are."""
        bits = self.binding()
        for key, one in self.catalogue.purposes.items():
            bits |= (purposes.get(key) == self.purposes[key]) << one.bit
        return bits


def _told(catalogue: Catalogue, law: Law, purpose: Purpose) -> list[Any]:
    """All that a purpose's bit follows from, but the person."""
    timelines = [_rules(one, purpose) for _, one in sorted(law.timelines.items())]
    editions = sorted(one.start for one in law.editions if purpose.key in one.purposes)
    known = [purpose.bit, purpose.basis, purpose.family, purpose.lasts]
    return [known, timelines, editions, law.places, catalogue.kinds_kept]


def _rules(timeline: Timeline, purpose: Purpose) -> list[Any]:
    periods = [
        [
            period.start,
            period.rules.models[purpose.family],
            sorted(period.rules.sensitive.items()),
            sorted(json.dumps(asdict(age), default=sorted) for age in period.rules.ages),
            period.rules.signals,
            period.rules.renewal,
        ]
        for period in timeline.periods
    ]
    return [timeline.key, timeline.zone, periods]


def _digest(meaning: Any) -> str:
    canonical = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:VERSION_LENGTH]
