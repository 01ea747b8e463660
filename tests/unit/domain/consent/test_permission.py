"""Why a purpose is permitted or not, since when and until when; as tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from discretion.domain.consent.permission import Permission, Why, honoured, permissions
from discretion.law.model import Edition, Law, Model
from discretion.purpose.permissions import PersonState, verdict
from discretion.purpose.statements import Choice, Heard
from tests.fixtures.law import LAW
from tests.unit.purpose.test_permissions import CATALOGUE, CHILD, COUNT, DUTY, KEY, NOW, SHARE, SHOP, no, yes

YEAR = 365 * 86_400_000


def found(state: PersonState, purpose: str = KEY, law: Law = LAW) -> Permission:
    """One purpose of a person."""
    told = permissions(CATALOGUE, law, state, NOW)
    return next(one for one in told if one.purpose.key == purpose)


def person(*heard: Heard, law: str = "eu", born: int | None = None, restricted: bool = False) -> PersonState:
    """Somebody whom one law protects."""
    return PersonState(heard, (law,), restricted, born)


@pytest.mark.parametrize(
    ("state", "purpose", "why"),
    [
        (person(), DUTY.key, Why.LAW),
        (person(restricted=True), DUTY.key, Why.LAW),
        (person(), SHOP.key, Why.CONTRACT),
        (person(), COUNT.key, Why.NOT_REFUSED),
        (person(Heard(words=yes())), KEY, Why.AGREED),
        (person(), KEY, Why.NOT_AGREED),
        (person(Heard(words=no())), KEY, Why.REFUSED),
        (person(Heard(words=no("analytics"))), COUNT.key, Why.REFUSED),
        (person(Heard(words=yes()), restricted=True), KEY, Why.RESTRICTED),
        (person(Heard(words=yes()), born=CHILD), KEY, Why.AGE),
        (person(Heard(opted_out=NOW), law="us-ca"), SHARE.key, Why.SIGNAL),
    ],
)
def test_a_reason_is_told_for_each_purpose(state: PersonState, purpose: str, why: Why) -> None:
    one = found(state, purpose)
    assert one.why is why
    assert one.permitted is verdict(CATALOGUE, LAW, state, one.purpose, NOW).permitted


def test_since_is_when_the_word_that_counts_was_said() -> None:
    both = Heard(stamps=yes(at=NOW - 3_000), words=no(at=NOW - 2_000))
    assert (found(person(both)).said, found(person(both)).since) == (False, NOW - 2_000)
    assert found(person()).since is None
    signal = person(Heard(words=yes(SHARE.key, NOW - 9_000), opted_out=NOW - 1_000), law="us-ca")
    assert found(signal, SHARE.key).since == NOW - 1_000


def test_until_is_when_time_alone_changes_it() -> None:
    """A consent runs out, a child comes of age; what is not going to change has no end."""
    until = NOW + 5_000
    word = ((KEY, Choice(NOW - 1, "m", given=True, until=until)),)
    assert found(person(Heard(words=word))).until == until
    assert found(person(Heard(words=no()))).until is None
    grown = found(person(Heard(words=yes()), born=CHILD)).until
    assert grown is not None
    assert NOW < grown < NOW + 2 * YEAR


def test_a_yes_to_an_older_notice_is_told_apart() -> None:
    changed = replace(LAW, editions=(Edition(NOW - 500, frozenset({KEY})),))
    one = found(person(Heard(words=yes(at=NOW - 1_000))), law=changed)
    assert (one.permitted, one.why) == (False, Why.NOTICE_CHANGED)


def test_the_strictest_of_several_laws_gives_the_model() -> None:
    both = PersonState((), ("eu", "us-tx"))
    assert found(both).model is Model.OPT_IN
    assert found(person(law="us-tx")).model is Model.OPT_OUT
    assert found(both, DUTY.key).model is Model.NOTICE


def test_a_signal_is_honoured_by_the_law_that_makes_it_binding() -> None:
    heard = (Heard(opted_out=NOW - 1_000),)
    assert honoured(CATALOGUE, LAW, PersonState(heard, ("eu", "us-ca")), NOW) == "us-ca"
    assert honoured(CATALOGUE, LAW, PersonState(heard, ("eu",)), NOW) is None
    assert honoured(CATALOGUE, LAW, PersonState((), ("us-ca",)), NOW) is None
    later = Heard(words=yes(SHARE.key, NOW - 500), opted_out=NOW - 1_000)
    assert honoured(CATALOGUE, LAW, PersonState((later,), ("us-ca",)), NOW) is None
