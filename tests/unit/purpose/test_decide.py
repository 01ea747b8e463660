"""The purpose decision, as tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.model import Basis, Catalogue, Form, Purpose, Use
from discretion.purpose.decide import decide, narrow, reach
from discretion.purpose.decision import EVERY_BIT, Allow, Decision, Deny, Gap, Reason, Way
from discretion.token.grant import SELF, Grant

EMAIL = Purpose("marketing.communications.email", 0, Basis.CONSENT, "", "", "")
SMS = Purpose("marketing.communications.sms", 1, Basis.CONSENT, "", "", "")
REPORTING = Purpose("analytics.reporting", 2, Basis.LEGITIMATE_INTEREST, "", "", "")
SUPPORT = Purpose("essential.service.operations.support", 3, Basis.CONTRACT, "", "", "")
PURPOSES = {one.key: one for one in (EMAIL, SMS, REPORTING, SUPPORT)}
CATALOGUE = Catalogue("v", "Shop", PURPOSES, {}, {}, {}, {}, {})
CATEGORY = "user.contact.email"


def grant(*purposes: str, categories: frozenset[str] | None = None) -> Grant:
    """A token holding these purposes."""
    return Grant("client", "who", frozenset(), frozenset(purposes), categories, 0, "jti")


def taken(held: tuple[str, ...], uses: tuple[Use, ...], categories: frozenset[str] | None = None) -> Decision:
    """The decision for an attribute declared for ``uses``."""
    asking = grant(*held, categories=categories)
    return decide(CATALOGUE, asking, asking.purposes, CATEGORY, uses)


CLEAR_EMAIL = Use(EMAIL, Form.CLEAR)
COARSE_REPORT = Use(REPORTING, Form.COARSE)
MASKED_SUPPORT = Use(SUPPORT, Form.MASKED)

CASES = [
    ("the purpose itself", (EMAIL.key,), (CLEAR_EMAIL,), Allow((Way(1, Form.CLEAR),), (EMAIL.key,))),
    ("its parent", ("marketing.communications",), (CLEAR_EMAIL,), Allow((Way(1, Form.CLEAR),), (EMAIL.key,))),
    ("the root of its branch", ("marketing",), (CLEAR_EMAIL,), Allow((Way(1, Form.CLEAR),), (EMAIL.key,))),
    ("a sibling", (SMS.key,), (CLEAR_EMAIL,), Deny(Reason.PURPOSE)),
    ("a child of it", ("marketing.communications.email.weekly",), (CLEAR_EMAIL,), Deny(Reason.PURPOSE)),
    ("a prefix that is no node", ("market",), (CLEAR_EMAIL,), Deny(Reason.PURPOSE)),
    ("no purpose", (), (CLEAR_EMAIL,), Deny(Reason.PURPOSE)),
    ("an unknown purpose", ("espionage",), (CLEAR_EMAIL,), Deny(Reason.PURPOSE)),
    (
        "two purposes, the most revealing form first",
        (EMAIL.key, REPORTING.key),
        (COARSE_REPORT, CLEAR_EMAIL),
        Allow((Way(1, Form.CLEAR), Way(4, Form.COARSE)), (REPORTING.key, EMAIL.key)),
    ),
    (
        "one of two purposes, only its form",
        (REPORTING.key,),
        (COARSE_REPORT, CLEAR_EMAIL),
        Allow((Way(4, Form.COARSE),), (REPORTING.key,)),
    ),
    ("masked for support", (SUPPORT.key,), (MASKED_SUPPORT,), Allow((Way(8, Form.MASKED),), (SUPPORT.key,))),
    ("declared for nothing", (EMAIL.key,), (), Gap(f"{CATEGORY} is declared for no purpose")),
    ("the person themselves", (SELF,), (COARSE_REPORT,), Allow((Way(EVERY_BIT, Form.CLEAR),), (SELF,))),
]


@pytest.mark.parametrize(
    ("held", "uses", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_decision_follows_from_what_is_held_and_declared(
    held: tuple[str, ...], uses: tuple[Use, ...], expected: Decision
) -> None:
    """Grant x catalogue -> decision, for every kind of holding."""
    assert expected == taken(held, uses)


@pytest.mark.parametrize(
    ("categories", "allowed"),
    [
        (None, True),
        (frozenset({"user.contact.email"}), True),
        (frozenset({"user.contact"}), True),
        (frozenset({"user.contact.phone_number"}), False),
        (frozenset({"user.contact.email.work"}), False),
        (frozenset[str](), False),
    ],
)
def test_categories_only_narrow(categories: frozenset[str] | None, allowed: bool) -> None:
    """A token's categories restrict what its purposes would allow, and never add."""
    decision = taken((EMAIL.key,), (CLEAR_EMAIL,), categories)
    assert allowed is isinstance(decision, Allow)
    if not allowed:
        assert Deny(Reason.CATEGORY) == decision


NODES = st.sampled_from(
    [
        *PURPOSES,
        "marketing",
        "marketing.communications",
        "analytics",
        "essential",
        "essential.service",
        "nowhere",
    ]
)


@given(st.frozensets(NODES), st.none() | st.lists(NODES))
def test_narrowing_only_narrows(held: frozenset[str], uses: list[str] | None) -> None:
    """What ``@purpose`` leaves covers nothing that the token did not."""
    assert CATALOGUE.covered(narrow(held, uses)) <= CATALOGUE.covered(held)


@given(st.frozensets(NODES), st.lists(NODES))
def test_narrowing_leaves_nothing_but_what_was_named(held: frozenset[str], uses: list[str]) -> None:
    """What ``@purpose`` leaves is covered by what it names, and all of that which is held is left."""
    left = CATALOGUE.covered(narrow(held, uses))
    assert CATALOGUE.covered(held) & CATALOGUE.covered(frozenset(uses)) == left


@given(st.frozensets(NODES), st.frozensets(NODES))
def test_holding_more_never_shows_less(held: frozenset[str], more: frozenset[str]) -> None:
    """Purposes unite."""
    uses = (CLEAR_EMAIL, COARSE_REPORT, MASKED_SUPPORT)
    few, many = taken(tuple(held), uses), taken(tuple(held | more), uses)
    if isinstance(few, Allow):
        assert isinstance(many, Allow)
        assert few.mask & many.mask == few.mask


def test_a_request_reaches_whom_its_purposes_could_concern() -> None:
    """The rows a request may meet are those who permit one of its purposes."""
    asking = grant("marketing")
    assert reach(CATALOGUE, asking, asking.purposes) == 0b11
    assert reach(CATALOGUE, asking, frozenset()) == 0
    own = grant(SELF)
    assert reach(CATALOGUE, own, own.purposes) == EVERY_BIT
    assert reach(CATALOGUE, own, frozenset()) == 0


def test_a_person_who_narrows_to_another_purpose_sees_nothing() -> None:
    """``@purpose`` narrows a customer's own token like any other."""
    own = grant(SELF)
    assert Deny(Reason.PURPOSE) == decide(
        CATALOGUE, own, narrow(own.purposes, [EMAIL.key]), CATEGORY, (CLEAR_EMAIL,)
    )
