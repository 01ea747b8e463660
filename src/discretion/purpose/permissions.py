"""What a person permits, purpose by purpose, by their statements, age, requests and laws. One pure function.

A person is protected by each jurisdiction that their records name a place of, and a purpose is permitted only
if all of these laws permit it. The resulting bits are stored with the customer in the same transaction as the
statement that changed them, so the next read on any server uses them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from discretion.catalogue.model import NON_REFUSABLE_BASES, Basis, Catalogue, Family, Purpose
from discretion.law.age import find_age_moment
from discretion.law.model import AgeRequirement, AgeRule, ConsentLaw, ConsentModel, ConsentRules
from discretion.purpose.effective_choice import EffectiveChoice, compute_effective_choice
from discretion.purpose.statements import RecordStatements, compute_acceptance_end, list_purpose_path

REFUSABLE = frozenset({Basis.CONSENT, Basis.LEGITIMATE_INTEREST})
"""Legal bases that a person can refuse (GDPR Art. 7(3), 21(1)).

Processing for a contract ends with the contract.
"""

_MODEL_BY_BASIS = {Basis.CONSENT: ConsentModel.OPT_IN, Basis.LEGITIMATE_INTEREST: ConsentModel.OPT_OUT}
_EXEMPT_FROM_LIMITING = frozenset({Family.NECESSARY, Family.SECURITY})


@dataclass(frozen=True, slots=True)
class PersonState:
    """Everything that a person's permissions depend on.

    Attributes:
        statements: The statements of each of their source records.
        laws: Keys of the jurisdictions that protect them, sorted.
        restricted: Whether processing is restricted (GDPR Art. 18).
        born_at: UTC midnight of the birth date (ms) of a person who may be a child, else None.
        refused_by_provers: Of a person without a login: purposes, and nodes of their tree, that others refuse
            who have proven what this person names, sorted.
    """

    statements: tuple[RecordStatements, ...] = field(default=(), repr=False)
    laws: tuple[str, ...] = ()
    restricted: bool = False
    born_at: int | None = field(default=None, repr=False)
    refused_by_provers: tuple[str, ...] = field(default=(), repr=False)

    def is_refused_by_provers(self, purpose: Purpose) -> bool:
        """Return whether somebody refuses a purpose who has proven what this person only claims."""
        return (
            bool(self.refused_by_provers)
            and purpose.basis in REFUSABLE
            # Otherwise whoever types an address that somebody proved would evade the detection of fraud.
            and purpose.family is not Family.SECURITY
            and not set(list_purpose_path(purpose.key)).isdisjoint(self.refused_by_provers)
        )


@dataclass(frozen=True, slots=True)
class PurposeVerdict:
    """Whether a purpose is permitted, and for each sensitive kind whether it is for data of that kind."""

    permitted: bool
    kinds: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class PermissionBits:
    """One bit per permitted purpose, and the same for each sensitive kind of data that the catalogue has."""

    allow: int
    kinds: tuple[int, ...]

    def __and__(self, other: PermissionBits) -> PermissionBits:
        # Of two forecasts only what both permit can be relied on.
        pairs = zip(self.kinds, other.kinds, strict=True)
        return PermissionBits(self.allow & other.allow, tuple(left & right for left, right in pairs))


def compute_permitted_bits(
    catalogue: Catalogue, law: ConsentLaw, state: PersonState, now_ms: int
) -> PermissionBits:
    """Return the bits of all purposes that this person permits at ``now_ms``."""
    allow = 0
    kinds = [0] * len(catalogue.sensitive_kinds)
    for purpose in catalogue.purposes.values():
        purpose_verdict = judge_purpose(catalogue, law, state, purpose, now_ms)
        allow |= purpose_verdict.permitted << purpose.bit
        for index, is_permitted in enumerate(purpose_verdict.kinds):
            kinds[index] |= is_permitted << purpose.bit
    return PermissionBits(allow, tuple(kinds))


def judge_purpose(
    catalogue: Catalogue, law: ConsentLaw, state: PersonState, purpose: Purpose, now_ms: int
) -> PurposeVerdict:
    """Return whether this person, under all their laws, permits ``purpose`` at ``now_ms``."""
    sensitive_kinds = catalogue.sensitive_kinds
    if purpose.basis in NON_REFUSABLE_BASES:
        return PurposeVerdict(True, (True,) * len(sensitive_kinds))
    if state.restricted or state.is_refused_by_provers(purpose):  # GDPR Art. 18(2); 7(3), 21
        return PurposeVerdict(False, (False,) * len(sensitive_kinds))
    is_permitted, kinds = True, [True] * len(sensitive_kinds)
    limited = any(statements.limits_sensitive_use for statements in state.statements)
    # A person can be protected by several laws; the purpose is permitted only if each of them permits it.
    for key in state.laws:
        timeline = law.find_timeline(key)
        rules = timeline.find_rules(now_ms)
        choice = compute_effective_choice(
            purpose, state.statements, now_ms, _valid_since(law, rules, purpose, now_ms)
        )
        is_younger_than = _build_age_test(state, timeline.zone, now_ms)
        is_permitted = is_permitted and permits_purpose(purpose, rules, choice, is_younger_than)
        for index, kind in enumerate(sensitive_kinds):
            kinds[index] = kinds[index] and _permits_sensitive_kind(
                kind, purpose, rules, choice, is_younger_than, limited=limited
            )
    return PurposeVerdict(
        is_permitted, tuple(is_permitted and is_permitted_for_kind for is_permitted_for_kind in kinds)
    )


def permits_purpose(
    purpose: Purpose, rules: ConsentRules, choice: EffectiveChoice, is_younger_than: Callable[[int], bool]
) -> bool:
    """Return whether one law permits a purpose that no law demands.

    Consent must have been given (GDPR Art. 6(1)(a), 7), below an age limit by a guardian (Art. 8). A
    legitimate interest ends with an objection (Art. 21). Where a law requires less, a refusal counts
    nevertheless. An opt-out signal applies to sale and sharing (11 CCR 7025).
    """
    model = select_model(purpose, rules)
    ages = [age for age in rules.ages if is_younger_than(age.below)]
    # First: under such a law a signal refuses sale and sharing, unless an explicit acceptance came after it
    # (``opted_out``).
    if rules.signals and choice.opted_out and purpose.family is Family.SHARING:
        return False
    age_needs = {age.needs for age in ages if purpose.family in age.families}
    # Some laws forbid a purpose below an age limit; no consent changes that.
    if AgeRequirement.NEVER in age_needs:
        return False
    if any(_needs_guardian(age, purpose, rules, model) for age in ages):
        return choice.by_guardian
    if AgeRequirement.OWN in age_needs and not choice.is_own:
        return False
    # A refusal counts even under a law that would not require the retailer to ask.
    if choice.accepted is False and purpose.basis in REFUSABLE:
        return False
    return model is not ConsentModel.OPT_IN or choice.accepted is True


def _needs_guardian(age: AgeRule, purpose: Purpose, rules: ConsentRules, model: ConsentModel) -> bool:
    """Return whether a guardian decides on a purpose below an age limit.

    A law that distinguishes legal bases (GDPR) needs the guardian for consent only.
    """
    if age.needs is not AgeRequirement.GUARDIAN:
        return False
    goes_by_basis = rules.models[purpose.family] is ConsentModel.BASIS
    return model is ConsentModel.OPT_IN or (purpose.family in age.families and not goes_by_basis)


def select_model(purpose: Purpose, rules: ConsentRules) -> ConsentModel:
    """Return the permission model of a law for a purpose.

    For a law that distinguishes legal bases, the purpose's basis decides.
    """
    model = rules.models[purpose.family]
    return _MODEL_BY_BASIS.get(purpose.basis, ConsentModel.NOTICE) if model is ConsentModel.BASIS else model


def _permits_sensitive_kind(
    kind: str,
    purpose: Purpose,
    rules: ConsentRules,
    choice: EffectiveChoice,
    is_younger_than: Callable[[int], bool],
    *,
    limited: bool,
) -> bool:
    """Return whether a law allows data of a sensitive kind for a purpose that it permits."""
    required_model = rules.sensitive.get(kind)
    if required_model is None:
        return True
    if limited and purpose.family not in _EXEMPT_FROM_LIMITING:
        return False
    if required_model is not ConsentModel.OPT_IN:
        return True
    needs_guardian = any(
        age.needs is AgeRequirement.GUARDIAN and is_younger_than(age.below) for age in rules.ages
    )
    return choice.by_guardian if needs_guardian else choice.is_explicit


def _build_age_test(state: PersonState, zone: str, now_ms: int) -> Callable[[int], bool]:
    born_at = state.born_at
    # The birth date is available only of people who may be children. Without one, no age rule applies.
    if born_at is None:
        return lambda _: False
    return lambda years: now_ms < find_age_moment(born_at, years, zone)


def _valid_since(law: ConsentLaw, rules: ConsentRules, purpose: Purpose, now_ms: int) -> int:
    """Return from when on (ms) an acceptance refers to the present edition of the notice."""
    if not rules.renewal:
        return 0
    starts = [
        edition.start
        for edition in law.material_changes
        if purpose.key in edition.purposes and edition.start <= now_ms
    ]
    return max(starts, default=0)


def group_moments(
    turning_points: Iterable[int], acceptance_ends: Iterable[int], now_ms: int
) -> Iterator[list[int]]:
    """Group the moments (ms) after ``now_ms`` at which time alone may change permissions, in order.

    A group begins at a turning point; the first group may begin with the end of an acceptance. All other
    moments of a group are ends of acceptances. These only remove permissions, so within a group permissions
    only shrink.

    Args:
        turning_points: When a law changes, an age limit is reached or a notice is replaced.
        acceptance_ends: When acceptances end.
        now_ms: The present.
    """
    later_turning_points = {moment for moment in turning_points if moment > now_ms}
    moments: list[int] = []
    for boundary in sorted(
        later_turning_points.union(moment for moment in acceptance_ends if moment > now_ms)
    ):
        if boundary in later_turning_points and moments:
            yield moments
            moments = []
        moments.append(boundary)
    if moments:
        yield moments


def find_first_change(
    moments: Sequence[int], current: object, permitted_at: Callable[[int], object]
) -> int | None:
    """Return the first moment of a group at which permissions differ from ``current``.

    None if there is none.
    """
    if permitted_at(moments[0]) != current:
        return moments[0]
    if permitted_at(moments[-1]) == current:
        return None
    # Permissions only shrink within a group, so once they differ they stay different: binary search is valid.
    return moments[bisect_left(moments, True, key=lambda moment: permitted_at(moment) != current)]


def list_turning_points(law: ConsentLaw, state: PersonState) -> Iterator[int]:
    """Yield the moments (ms) at which a law changes, an age limit is reached or a notice is replaced."""
    for key in state.laws:
        timeline = law.find_timeline(key)
        yield from timeline.list_change_times()
        if state.born_at is not None:
            for period in timeline.periods:
                for age in period.rules.ages:
                    yield find_age_moment(state.born_at, age.below, timeline.zone)
    for edition in law.material_changes:
        yield edition.start


def list_acceptance_ends(catalogue: Catalogue, state: PersonState) -> Iterator[int]:
    """Yield the moments (ms) at which an acceptance ends."""
    for statements in state.statements:
        for node, choice in statements.list_acceptances():
            for purpose in catalogue.purposes.values():
                if node in list_purpose_path(purpose.key) and (
                    ends_at := compute_acceptance_end(purpose, choice)
                ) != float("inf"):
                    yield int(ends_at)
