"""Explanation of permissions: for each purpose, whether it is permitted for a person, and why. Pure.

``purpose.permission_engine`` computes the same result as bits for storage; this module gives the reasons.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from discretion.catalogue.model import NON_REFUSABLE_BASES, Basis, Catalogue, Family, Purpose
from discretion.law.model import ConsentLaw, ConsentModel
from discretion.purpose.effective_choice import EffectiveChoice, compute_effective_choice
from discretion.purpose.permissions import (
    REFUSABLE,
    PersonState,
    find_first_change,
    group_moments,
    judge_purpose,
    list_acceptance_ends,
    list_turning_points,
    select_model,
)
from discretion.purpose.record_answer import Reach, compute_record_answer
from discretion.purpose.statements import RecordStatements, list_purpose_path

_MODELS_BY_STRICTNESS = (ConsentModel.NOTICE, ConsentModel.BASIS, ConsentModel.OPT_OUT, ConsentModel.OPT_IN)
"""From the model that requires least of the retailer to the one that requires most."""


class PermissionReason(StrEnum):
    """Why a purpose is permitted or denied."""

    LAW = "required_by_law"
    CONTRACT = "contract"
    AGREED = "agreed"
    NOT_REFUSED = "not_refused"
    REFUSED = "refused"
    SIGNAL = "opt_out_signal"
    NOT_AGREED = "not_agreed"
    NOTICE_CHANGED = "notice_changed"
    AGE = "age"
    RESTRICTED = "restricted"
    IDENTIFIER_REFUSED = "identifier_refused"


@dataclass(frozen=True, slots=True)
class PurposePermission:
    """The permission for one purpose.

    Attributes:
        purpose: The purpose.
        permitted: Whether it is permitted now.
        model: What the strictest of the person's laws requires for it.
        choice: The person's choice in effect; None if there is none.
        reason: Why it is permitted or denied.
        since: When that choice was made (ms).
        until: When the result changes by the passage of time alone (ms); None if it does not.
    """

    purpose: Purpose
    permitted: bool
    model: ConsentModel
    choice: bool | None
    reason: PermissionReason
    since: int | None
    until: int | None


def evaluate_permissions(
    catalogue: Catalogue, law: ConsentLaw, state: PersonState, now_ms: int
) -> list[PurposePermission]:
    """Evaluate all purposes of the catalogue, in the order of their keys."""
    periods = list(
        group_moments(list_turning_points(law, state), list_acceptance_ends(catalogue, state), now_ms)
    )
    return [
        evaluate_permission(catalogue, law, state, catalogue.purposes[key], now_ms, periods)
        for key in sorted(catalogue.purposes)
    ]


def evaluate_permission(
    catalogue: Catalogue,
    law: ConsentLaw,
    state: PersonState,
    purpose: Purpose,
    now_ms: int,
    periods: list[list[int]],
) -> PurposePermission:
    """Evaluate one purpose.

    Args:
        catalogue: All purposes.
        law: The rules of all jurisdictions.
        state: What the person's records state.
        purpose: The purpose to evaluate.
        now_ms: The present in ms.
        periods: Groups of later moments at which the result may change, as ``group_moments`` returns them.
    """

    def is_permitted(at: int) -> bool:
        return judge_purpose(catalogue, law, state, purpose, at).permitted

    permitted_now = is_permitted(now_ms)
    effective_choice = compute_effective_choice(purpose, state.statements, now_ms)
    rules = [law.find_timeline(key).find_rules(now_ms) for key in state.laws]
    model = max(
        (select_model(purpose, law_rules) for law_rules in rules),
        key=_MODELS_BY_STRICTNESS.index,
        default=ConsentModel.NOTICE,
    )
    is_signalled = (
        effective_choice.opted_out
        and purpose.family is Family.SHARING
        and any(law_rules.signals for law_rules in rules)
    )
    # A refusal counts by itself: with one, the signal is not what ``since`` and ``choice`` are about.
    since = _find_choice_time(
        purpose,
        state,
        effective_choice,
        now_ms,
        is_signalled=is_signalled and effective_choice.accepted is not False,
    )
    return PurposePermission(
        purpose=purpose,
        permitted=permitted_now,
        model=ConsentModel.NOTICE if purpose.basis in NON_REFUSABLE_BASES else model,
        choice=effective_choice.accepted,
        reason=_explain_permitted(purpose, effective_choice)
        if permitted_now
        else _explain_denied(purpose, law, state, effective_choice, model, since, is_signalled=is_signalled),
        since=since,
        until=next(
            (
                at
                for period in periods
                if (at := find_first_change(period, permitted_now, is_permitted)) is not None
            ),
            None,
        ),
    )


def _explain_permitted(purpose: Purpose, effective_choice: EffectiveChoice) -> PermissionReason:
    if purpose.basis in NON_REFUSABLE_BASES:
        return PermissionReason.LAW
    if purpose.basis is Basis.CONTRACT:
        return PermissionReason.CONTRACT
    return PermissionReason.AGREED if effective_choice.accepted else PermissionReason.NOT_REFUSED


def _explain_denied(
    purpose: Purpose,
    law: ConsentLaw,
    state: PersonState,
    effective_choice: EffectiveChoice,
    model: ConsentModel,
    since: int | None,
    *,
    is_signalled: bool,
) -> PermissionReason:
    if state.restricted:
        return PermissionReason.RESTRICTED
    if state.is_refused_by_provers(purpose):
        return PermissionReason.IDENTIFIER_REFUSED
    if effective_choice.accepted is False and purpose.basis in REFUSABLE:
        return PermissionReason.REFUSED
    if is_signalled:
        return PermissionReason.SIGNAL
    # By elimination: without a consent where none is required, only the person's age denies the purpose.
    if effective_choice.accepted is not True:
        return PermissionReason.NOT_AGREED if model is ConsentModel.OPT_IN else PermissionReason.AGE
    change_times = (change.start for change in law.material_changes if purpose.key in change.purposes)
    if since is not None and any(since < changed_at for changed_at in change_times):
        return PermissionReason.NOTICE_CHANGED
    return PermissionReason.AGE


def _find_choice_time(
    purpose: Purpose,
    state: PersonState,
    effective_choice: EffectiveChoice,
    now_ms: int,
    *,
    is_signalled: bool,
) -> int | None:
    if is_signalled:
        opt_out_times = (statements.opted_out_at for statements in state.statements)
        return max((at for at in opt_out_times if at is not None), default=None)
    if effective_choice.accepted is None:
        return None
    list_times = _list_acceptance_times if effective_choice.accepted else _list_refusal_times
    return max(
        (
            at
            for statements in _select_decisive(purpose, state, effective_choice, now_ms)
            for at in list_times(purpose, statements)
        ),
        default=None,
    )


def _select_decisive(
    purpose: Purpose, state: PersonState, effective_choice: EffectiveChoice, now_ms: int
) -> list[RecordStatements]:
    """Return the records whose statements decide: those that refuse, or whose acceptance covers the person.

    If no acceptance covers the person alone, those of all records do so together.
    """
    answers = [
        (statements, compute_record_answer(purpose, statements, now_ms)) for statements in state.statements
    ]
    if effective_choice.accepted is False:
        return [statements for statements, answer in answers if answer.is_refused]
    covering = [statements for statements, answer in answers if answer.accepted is Reach.PERSON]
    return covering or [statements for statements, answer in answers if answer.accepted is Reach.RECORD]


def _list_acceptance_times(purpose: Purpose, statements: RecordStatements) -> Iterator[int]:
    """Yield when a record accepted a purpose or a node above it."""
    branch_nodes = list_purpose_path(purpose.key)
    for choices in (statements.explicit, statements.guardian, statements.own, statements.own_guardian):
        yield from (choice.at for node, choice in choices if node in branch_nodes and choice.accepted)
    branch = [ambient for node, ambient in statements.ambient if node in branch_nodes]
    refused_at = max((item.refused_last for item in branch if item.refused_last is not None), default=None)
    for ambient in branch:
        yield from ambient.list_starts(refused_at)


def _list_refusal_times(purpose: Purpose, statements: RecordStatements) -> Iterator[int]:
    """Yield when a record refused a purpose or a node above it."""
    branch_nodes = list_purpose_path(purpose.key)
    for choices in (statements.explicit, statements.guardian, statements.own, statements.own_guardian):
        yield from (choice.at for node, choice in choices if node in branch_nodes and not choice.accepted)
    for node, ambient in statements.ambient:
        if node in branch_nodes and ambient.refused_last is not None:
            yield ambient.refused_last


def find_honouring_law(catalogue: Catalogue, law: ConsentLaw, state: PersonState, now_ms: int) -> str | None:
    """Return the key of the person's first law that makes their opt-out signal binding now, or None."""
    is_signalled = any(
        compute_effective_choice(purpose, state.statements, now_ms).opted_out
        for purpose in catalogue.purposes.values()
        if purpose.family is Family.SHARING
    )
    return next(
        (key for key in state.laws if is_signalled and law.find_timeline(key).find_rules(now_ms).signals),
        None,
    )
