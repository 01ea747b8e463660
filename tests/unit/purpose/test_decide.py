"""The decision on an attribute for a token's purposes, as tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.model import Basis, Catalogue, Form, Purpose, Use
from discretion.purpose.decide import compute_reach, decide_reveal, narrow_purposes
from discretion.purpose.decision import EVERY_BIT, Allow, Decision, Deny, Gap, PermittedForm, WithholdReason
from discretion.token.grant import SELF, Grant

EMAIL = Purpose("marketing.communications.email", 0, Basis.CONSENT, "", "", "")
SMS = Purpose("marketing.communications.sms", 1, Basis.CONSENT, "", "", "")
REPORTING = Purpose("analytics.reporting", 2, Basis.LEGITIMATE_INTEREST, "", "", "")
SUPPORT = Purpose("essential.service.operations.support", 3, Basis.CONTRACT, "", "", "")
PURPOSES = {purpose.key: purpose for purpose in (EMAIL, SMS, REPORTING, SUPPORT)}
CATALOGUE = Catalogue("v", "Shop", PURPOSES, {}, {}, {}, {}, {})
CATEGORY = "user.contact.email"


def build_grant(*purposes: str, categories: frozenset[str] | None = None) -> Grant:
    """Return a grant with these purposes."""
    return Grant("client", "who", frozenset(), frozenset(purposes), categories, 0, "jti")


def decide(
    held_purposes: tuple[str, ...], uses: tuple[Use, ...], categories: frozenset[str] | None = None
) -> Decision:
    """Return the decision on an attribute that is declared for ``uses``."""
    grant = build_grant(*held_purposes, categories=categories)
    return decide_reveal(CATALOGUE, grant, grant.purposes, CATEGORY, uses)


CLEAR_EMAIL = Use(EMAIL, Form.CLEAR)
COARSE_REPORT = Use(REPORTING, Form.COARSE)
MASKED_SUPPORT = Use(SUPPORT, Form.MASKED)

CASES = [
    (
        "the purpose itself",
        (EMAIL.key,),
        (CLEAR_EMAIL,),
        Allow((PermittedForm(1, Form.CLEAR),), (EMAIL.key,)),
    ),
    (
        "its parent",
        ("marketing.communications",),
        (CLEAR_EMAIL,),
        Allow((PermittedForm(1, Form.CLEAR),), (EMAIL.key,)),
    ),
    (
        "the root of its branch",
        ("marketing",),
        (CLEAR_EMAIL,),
        Allow((PermittedForm(1, Form.CLEAR),), (EMAIL.key,)),
    ),
    ("a sibling", (SMS.key,), (CLEAR_EMAIL,), Deny(WithholdReason.PURPOSE)),
    (
        "a child of it",
        ("marketing.communications.email.weekly",),
        (CLEAR_EMAIL,),
        Deny(WithholdReason.PURPOSE),
    ),
    ("a prefix that is no node", ("market",), (CLEAR_EMAIL,), Deny(WithholdReason.PURPOSE)),
    ("no purpose", (), (CLEAR_EMAIL,), Deny(WithholdReason.PURPOSE)),
    ("an unknown purpose", ("espionage",), (CLEAR_EMAIL,), Deny(WithholdReason.PURPOSE)),
    (
        "two purposes, the most revealing form first",
        (EMAIL.key, REPORTING.key),
        (COARSE_REPORT, CLEAR_EMAIL),
        Allow((PermittedForm(1, Form.CLEAR), PermittedForm(4, Form.COARSE)), (REPORTING.key, EMAIL.key)),
    ),
    (
        "one of two purposes, only its form",
        (REPORTING.key,),
        (COARSE_REPORT, CLEAR_EMAIL),
        Allow((PermittedForm(4, Form.COARSE),), (REPORTING.key,)),
    ),
    (
        "masked for support",
        (SUPPORT.key,),
        (MASKED_SUPPORT,),
        Allow((PermittedForm(8, Form.MASKED),), (SUPPORT.key,)),
    ),
    ("declared for nothing", (EMAIL.key,), (), Gap(f"{CATEGORY} is declared for no purpose")),
    (
        "the person themselves",
        (SELF,),
        (COARSE_REPORT,),
        Allow((PermittedForm(EVERY_BIT, Form.CLEAR),), (SELF,)),
    ),
]


@pytest.mark.parametrize(
    ("held_purposes", "uses", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_decision_follows_from_token_purposes_and_declared_uses(
    held_purposes: tuple[str, ...], uses: tuple[Use, ...], expected: Decision
) -> None:
    """Every combination of granted purposes and declared uses has its decision."""
    assert expected == decide(held_purposes, uses)


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
    """A token's categories restrict what its purposes allow and never extend it."""
    decision = decide((EMAIL.key,), (CLEAR_EMAIL,), categories)
    assert allowed is isinstance(decision, Allow)
    if not allowed:
        assert Deny(WithholdReason.CATEGORY) == decision


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
def test_narrowing_never_adds_purposes(held_purposes: frozenset[str], narrowing: list[str] | None) -> None:
    """The purposes left by ``@purpose`` cover no purpose that the token does not cover."""
    assert CATALOGUE.find_covered_purposes(
        narrow_purposes(held_purposes, narrowing)
    ) <= CATALOGUE.find_covered_purposes(held_purposes)


@given(st.frozensets(NODES), st.lists(NODES))
def test_narrowing_leaves_exactly_the_named_purposes(
    held_purposes: frozenset[str], narrowing: list[str]
) -> None:
    """``@purpose`` leaves the intersection of the token's purposes and the purposes that it names."""
    covered = CATALOGUE.find_covered_purposes(narrow_purposes(held_purposes, narrowing))
    assert (
        CATALOGUE.find_covered_purposes(held_purposes) & CATALOGUE.find_covered_purposes(frozenset(narrowing))
        == covered
    )


@given(st.frozensets(NODES), st.frozensets(NODES))
def test_more_purposes_never_show_less(
    held_purposes: frozenset[str], additional_purposes: frozenset[str]
) -> None:
    """Additional purposes extend the permitted forms."""
    uses = (CLEAR_EMAIL, COARSE_REPORT, MASKED_SUPPORT)
    fewer, broader = (
        decide(tuple(held_purposes), uses),
        decide(tuple(held_purposes | additional_purposes), uses),
    )
    if isinstance(fewer, Allow):
        assert isinstance(broader, Allow)
        assert fewer.mask & broader.mask == fewer.mask


def test_a_request_reaches_customers_who_permit_one_of_its_purposes() -> None:
    """A request reads only the customers who permit at least one of its purposes."""
    grant = build_grant("marketing")
    assert compute_reach(CATALOGUE, grant, grant.purposes) == 0b11
    assert compute_reach(CATALOGUE, grant, frozenset()) == 0
    own_grant = build_grant(SELF)
    assert compute_reach(CATALOGUE, own_grant, own_grant.purposes) == EVERY_BIT
    assert compute_reach(CATALOGUE, own_grant, frozenset()) == 0


def test_a_customer_token_narrowed_to_another_purpose_sees_nothing() -> None:
    """``@purpose`` narrows a customer's token like any other token."""
    own_grant = build_grant(SELF)
    assert Deny(WithholdReason.PURPOSE) == decide_reveal(
        CATALOGUE, own_grant, narrow_purposes(own_grant.purposes, [EMAIL.key]), CATEGORY, (CLEAR_EMAIL,)
    )
