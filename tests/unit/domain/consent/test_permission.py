"""Why a purpose is permitted or not, since when and until when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from discretion.domain.consent.permission import (
    PermissionReason,
    PurposePermission,
    evaluate_permissions,
    find_honouring_law,
)
from discretion.law.model import ConsentLaw, ConsentModel, MaterialChange
from discretion.purpose.permissions import PersonState, judge_purpose
from discretion.purpose.statements import PurposeChoice, RecordStatements
from tests.fixtures.law import LAW
from tests.unit.purpose.test_permissions import (
    CATALOGUE,
    CHILD,
    COUNT,
    DUTY,
    KEY,
    NOW,
    SHARE,
    SHOP,
    no,
    repeat,
    yes,
)

YEAR = 365 * 86_400_000


def evaluate_purpose(state: PersonState, purpose: str = KEY, law: ConsentLaw = LAW) -> PurposePermission:
    """Evaluate one purpose of a person."""
    permissions = evaluate_permissions(CATALOGUE, law, state, NOW)
    return next(permission for permission in permissions if permission.purpose.key == purpose)


def build_person(
    *statements: RecordStatements, law: str = "eu", born: int | None = None, restricted: bool = False
) -> PersonState:
    """Build a person whom one law protects."""
    return PersonState(statements, (law,), restricted, born)


@pytest.mark.parametrize(
    ("state", "purpose", "reason"),
    [
        (build_person(), DUTY.key, PermissionReason.LAW),
        (build_person(restricted=True), DUTY.key, PermissionReason.LAW),
        (build_person(), SHOP.key, PermissionReason.CONTRACT),
        (build_person(), COUNT.key, PermissionReason.NOT_REFUSED),
        (build_person(RecordStatements(explicit=yes())), KEY, PermissionReason.AGREED),
        (build_person(), KEY, PermissionReason.NOT_AGREED),
        (build_person(RecordStatements(explicit=no())), KEY, PermissionReason.REFUSED),
        (build_person(RecordStatements(explicit=no("analytics"))), COUNT.key, PermissionReason.REFUSED),
        (build_person(RecordStatements(explicit=yes()), restricted=True), KEY, PermissionReason.RESTRICTED),
        (build_person(RecordStatements(explicit=yes()), born=CHILD), KEY, PermissionReason.AGE),
        (build_person(RecordStatements(opted_out_at=NOW), law="us-ca"), SHARE.key, PermissionReason.SIGNAL),
    ],
)
def test_each_purpose_has_a_reason(state: PersonState, purpose: str, reason: PermissionReason) -> None:
    permission = evaluate_purpose(state, purpose)
    assert permission.reason is reason
    assert permission.permitted is judge_purpose(CATALOGUE, LAW, state, permission.purpose, NOW).permitted


def test_since_is_the_time_of_the_decisive_statement() -> None:
    statements = RecordStatements(ambient=repeat(yes(at=NOW - 3_000)), explicit=no(at=NOW - 2_000))
    assert (
        evaluate_purpose(build_person(statements)).choice,
        evaluate_purpose(build_person(statements)).since,
    ) == (False, NOW - 2_000)
    assert evaluate_purpose(build_person()).since is None
    signal = build_person(
        RecordStatements(explicit=yes(SHARE.key, NOW - 9_000), opted_out_at=NOW - 1_000), law="us-ca"
    )
    assert evaluate_purpose(signal, SHARE.key).since == NOW - 1_000


def test_until_is_when_a_permission_changes_by_time_alone() -> None:
    """A consent expires, a child comes of age; without such a change there is no end."""
    until = NOW + 5_000
    consent = ((KEY, PurposeChoice(NOW - 1, "m", accepted=True, until=until)),)
    assert evaluate_purpose(build_person(RecordStatements(explicit=consent))).until == until
    assert evaluate_purpose(build_person(RecordStatements(explicit=no()))).until is None
    adult_at = evaluate_purpose(build_person(RecordStatements(explicit=yes()), born=CHILD)).until
    assert adult_at is not None
    assert NOW < adult_at < NOW + 2 * YEAR


def test_consent_to_an_older_notice_has_its_own_reason() -> None:
    changed_law = replace(LAW, material_changes=(MaterialChange(NOW - 500, frozenset({KEY})),))
    permission = evaluate_purpose(
        build_person(RecordStatements(explicit=yes(at=NOW - 1_000))), law=changed_law
    )
    assert (permission.permitted, permission.reason) == (False, PermissionReason.NOTICE_CHANGED)


def test_the_strictest_of_several_laws_determines_the_model() -> None:
    person_state = PersonState((), ("eu", "us-tx"))
    assert evaluate_purpose(person_state).model is ConsentModel.OPT_IN
    assert evaluate_purpose(build_person(law="us-tx")).model is ConsentModel.OPT_OUT
    assert evaluate_purpose(person_state, DUTY.key).model is ConsentModel.NOTICE


def test_a_signal_is_honoured_by_the_law_that_makes_it_binding() -> None:
    statements = (RecordStatements(opted_out_at=NOW - 1_000),)
    assert find_honouring_law(CATALOGUE, LAW, PersonState(statements, ("eu", "us-ca")), NOW) == "us-ca"
    assert find_honouring_law(CATALOGUE, LAW, PersonState(statements, ("eu",)), NOW) is None
    assert find_honouring_law(CATALOGUE, LAW, PersonState((), ("us-ca",)), NOW) is None
    later_consent = RecordStatements(explicit=yes(SHARE.key, NOW - 500), opted_out_at=NOW - 1_000)
    assert find_honouring_law(CATALOGUE, LAW, PersonState((later_consent,), ("us-ca",)), NOW) is None
