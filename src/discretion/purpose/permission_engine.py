"""The permission engine: what a person permits now, until when, and what they permit at least after that.

Time alone changes permissions: a consent expires, a child comes of age, a law takes effect. Stored
permissions therefore say how long they are valid and what is valid afterwards. A reader needs no person state
to be right at that moment, and no job has to run at midnight.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass

from discretion.catalogue.model import NON_REFUSABLE_BASES, Catalogue, Purpose
from discretion.law.model import ConsentLaw, ConsentTimeline
from discretion.purpose.equivalence import PersonSituation, SituationClassifier
from discretion.purpose.permissions import (
    PermissionBits,
    PersonState,
    compute_permitted_bits,
    find_first_change,
    group_moments,
)

FOREVER = 2**53
"""In ms: later than any real time."""

VERSION_LENGTH = 16
"""Characters of a rules version."""
FORECAST_MS = 30 * 86_400_000
"""How long after its ``until`` a forecast is valid (30 days). Servers recompute permissions within seconds of
``until``. If none does for 30 days, only purposes that a law demands are permitted.
"""

CACHE_SIZE = 20_000
"""Situations whose permissions are cached."""


@dataclass(frozen=True, slots=True)
class PermissionForecast:
    """Permissions over time: ``now`` is valid until ``until`` (ms).

    For ``FORECAST_MS`` after that, at least ``later`` is valid.
    """

    now: PermissionBits
    until: int
    later: PermissionBits


class PermissionEngine:
    """Computes permissions under one catalogue and one set of laws.

    Attributes:
        version: Digest of all rules; customers store the version their permissions were computed with.
        purposes: For each purpose, a digest of everything that determines its bit, except the person.
    """

    def __init__(self, catalogue: Catalogue, law: ConsentLaw) -> None:
        self.catalogue = catalogue
        self.law = law
        ages = {key: _list_age_rules(timeline) for key, timeline in law.timelines.items()}
        self.purposes: Mapping[str, str] = {
            key: _digest(_list_rule_inputs(catalogue, law, purpose, ages))
            for key, purpose in sorted(catalogue.purposes.items())
        }
        # Any difference in rules or in the layout of the bits is another version.
        self.version = _digest([dict(self.purposes), catalogue.sensitive_kinds])
        self._classifier = SituationClassifier(catalogue, law)
        self._cache: dict[Hashable, PermissionBits] = {}

    def forecast(self, state: PersonState, now_ms: int) -> PermissionForecast:
        """Return what a person permits at ``now_ms`` and after the next change."""
        situation = PersonSituation(self._classifier, state)

        def permitted_at(at: int) -> PermissionBits:
            return self._compute_cached(state, situation, at)

        now = permitted_at(now_ms)
        until, later = FOREVER, now
        for moments in group_moments(
            situation.list_turning_points(), situation.list_acceptance_ends(), now_ms
        ):
            if until == FOREVER:
                if (at := find_first_change(moments, now, permitted_at)) is None:
                    # Nothing changes in this group; the present permissions hold beyond it.
                    continue
                until = at
                later = permitted_at(at)
            # Within a group permissions only shrink (``group_moments``), so its last moment has the fewest.
            moments_within = [at for at in moments if until <= at < until + FORECAST_MS]
            if not moments_within:
                break
            # A reader does not know how much time has passed, so ``later`` keeps only what is permitted at
            # every moment of the forecast.
            later = later & permitted_at(moments_within[-1])
        return PermissionForecast(now, until, later)

    def _compute_cached(self, state: PersonState, situation: PersonSituation, at: int) -> PermissionBits:
        """Return the permissions at a moment, cached by situation."""
        key = situation.at(at)
        bits = self._cache.get(key)
        if bits is None:
            bits = compute_permitted_bits(self.catalogue, self.law, state, at)
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            self._cache[key] = bits
        return bits

    def compute_binding_bits(self) -> int:
        """Return the bits of the purposes that a law demands; no choice and no law changes them."""
        bits = 0
        for purpose in self.catalogue.purposes.values():
            bits |= (purpose.basis in NON_REFUSABLE_BASES) << purpose.bit
        return bits

    def compute_trusted_bits(self, purposes: Mapping[str, str]) -> int:
        """Return the bits that have the same meaning under another version.

        Args:
            purposes: The digests of that version, by purpose.
        """
        bits = self.compute_binding_bits()
        for key, purpose in self.catalogue.purposes.items():
            bits |= (purposes.get(key) == self.purposes[key]) << purpose.bit
        return bits


def _list_rule_inputs(
    catalogue: Catalogue, law: ConsentLaw, purpose: Purpose, ages: Mapping[str, Sequence[list[str]]]
) -> list[object]:
    """Return everything that determines a purpose's bit, except the person.

    ``ages`` has the age rules of all periods, by jurisdiction; they are the same for every purpose.
    """
    # Everything that ``compute_permitted_bits`` reads must be here. If a rule that is missing here changes,
    # permissions that were computed with the old rule are still trusted.
    timelines = [
        _list_period_rules(timeline, purpose, ages[key]) for key, timeline in sorted(law.timelines.items())
    ]
    editions = sorted(timeline.start for timeline in law.material_changes if purpose.key in timeline.purposes)
    properties = [purpose.bit, purpose.basis, purpose.family, purpose.lasts]
    source_rules = [
        [key, consent.repeated_under_login, [[item.start_ms, item.end_ms] for item in consent.set_aside]]
        for key, consent in sorted((key, source.consent) for key, source in catalogue.sources.items())
    ]
    return [properties, timelines, editions, law.places_digest, catalogue.sensitive_kinds, source_rules]


def _list_age_rules(timeline: ConsentTimeline) -> list[list[str]]:
    return [
        sorted(json.dumps(asdict(age), default=sorted) for age in period.rules.ages)
        for period in timeline.periods
    ]


def _list_period_rules(
    timeline: ConsentTimeline, purpose: Purpose, ages: Sequence[list[str]]
) -> list[object]:
    periods = [
        [
            period.start,
            period.rules.models[purpose.family],
            sorted(period.rules.sensitive.items()),
            age_rules,
            period.rules.signals,
            period.rules.renewal,
        ]
        for period, age_rules in zip(timeline.periods, ages, strict=True)
    ]
    return [timeline.key, timeline.zone, periods]


def _digest(meaning: object) -> str:
    canonical = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:VERSION_LENGTH]
