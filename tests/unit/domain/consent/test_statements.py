"""Statements become choices and events: permitted purposes, coverage of a node, names of states."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.catalogue.model import Basis
from discretion.domain.consent.statement_record import AGREEING_STATES, build_record_id
from discretion.domain.consent.statements import (
    ConsentAction,
    StatementSubject,
    build_consent_events,
    derive_state,
    list_sharing_purposes,
    resolve_choices,
)
from discretion.domain.ingest.message import ExplicitChoice
from discretion.domain.ingest.statement_context import StatementContext
from discretion.errors import BadRequest, Conflict
from discretion.store.consent_event import ConsentEvent, ConsentState, StatementMethod
from tests.unit.domain.consent import samples
from tests.unit.domain.consent.samples import (
    CATALOGUE,
    DIGESTS,
    EMAIL,
    PARTNERS,
    STATISTICS,
    SUBJECT,
    SUPPORT,
)

YES, NO = ExplicitChoice(True), ExplicitChoice(False)
CONSENT, INTEREST = Basis.CONSENT, Basis.LEGITIMATE_INTEREST


def build_events(
    choices: dict[str, ExplicitChoice], subject: StatementSubject = SUBJECT, **changes: Any
) -> list[ConsentEvent]:
    """Build the events of a statement."""
    return list(build_consent_events(CATALOGUE, DIGESTS, samples.build_occasion(**changes), subject, choices))


def test_consent_covers_present_purposes_and_refusal_also_future_ones() -> None:
    descendants = [key for key in CATALOGUE.purposes if key.startswith("marketing.advertising.")]
    assert resolve_choices(CATALOGUE, [("marketing.advertising", YES)]) == dict.fromkeys(descendants, YES)
    assert resolve_choices(CATALOGUE, [("marketing.advertising", NO)]) == dict.fromkeys(
        ["marketing.advertising", *descendants], NO
    )


def test_a_node_leaves_out_purposes_without_a_choice() -> None:
    """Below `essential` are security, which allows an objection, and support, which a contract needs."""
    choices = resolve_choices(CATALOGUE, [("essential", NO)])
    assert choices["essential.service.security"] == NO
    assert SUPPORT not in choices


@pytest.mark.parametrize("node", ["essential.service.payment_processing", "essential.legal_obligation"])
@pytest.mark.parametrize("granted", [True, False])
def test_a_purpose_required_by_law_or_contract_allows_no_choice(node: str, granted: bool) -> None:
    with pytest.raises(Conflict) as refusal:
        resolve_choices(CATALOGUE, [(node, ExplicitChoice(granted))])
    assert refusal.value.code == "CONSENT_NOT_ASKED"
    assert "legalBasis" in refusal.value.advice


def test_sensitive_data_for_a_contract_need_consent_to_that_purpose() -> None:
    """GDPR Art. 9(2)(a) requires explicit consent; consent to a parent node is not explicit."""
    assert resolve_choices(CATALOGUE, [(SUPPORT, YES)]) == {SUPPORT: YES}
    assert SUPPORT not in resolve_choices(CATALOGUE, [("essential.service", YES)])


def test_an_unknown_purpose_is_refused_with_a_suggestion() -> None:
    with pytest.raises(BadRequest) as refusal:
        resolve_choices(CATALOGUE, [("marketing.comunications.email", YES)])
    assert refusal.value.code == "PURPOSE_UNKNOWN"
    assert f"Did you mean '{EMAIL}'?" in refusal.value.advice
    with pytest.raises(BadRequest, match="does not have such a purpose"):
        resolve_choices(CATALOGUE, [("", YES)])


def test_contradictory_choices_for_one_purpose_are_refused() -> None:
    with pytest.raises(BadRequest) as refusal:
        resolve_choices(CATALOGUE, [("marketing", NO), (EMAIL, YES)])
    assert refusal.value.code == "CONSENT_CONTRADICTORY"


@pytest.mark.parametrize(
    ("action", "basis", "last_state", "was_agreed", "is_given", "expected"),
    [
        (ConsentAction.CHOOSE, CONSENT, None, False, True, ConsentState.GIVEN),
        (ConsentAction.CHOOSE, CONSENT, ConsentState.GIVEN, True, True, ConsentState.RENEWED),
        (ConsentAction.CHOOSE, CONSENT, None, True, True, ConsentState.RENEWED),
        (ConsentAction.CHOOSE, CONSENT, ConsentState.EXPIRED, False, True, ConsentState.RENEWED),
        (ConsentAction.CHOOSE, CONSENT, ConsentState.WITHDRAWN, False, True, ConsentState.GIVEN),
        (ConsentAction.CHOOSE, CONSENT, None, False, False, ConsentState.REFUSED),
        (ConsentAction.CHOOSE, CONSENT, None, True, False, ConsentState.WITHDRAWN),
        (ConsentAction.WITHDRAW, CONSENT, ConsentState.RENEWED, True, False, ConsentState.WITHDRAWN),
        (ConsentAction.WITHDRAW, CONSENT, ConsentState.WITHDRAWN, False, False, ConsentState.REFUSED),
        (ConsentAction.WITHDRAW, INTEREST, None, False, False, ConsentState.OBJECTED),
        (ConsentAction.CHOOSE, INTEREST, None, False, False, ConsentState.OBJECTED),
        (ConsentAction.OBJECT, CONSENT, ConsentState.GIVEN, True, False, ConsentState.OBJECTED),
        (ConsentAction.CHOOSE, INTEREST, ConsentState.OBJECTED, False, True, ConsentState.UNOBJECTED),
        (ConsentAction.OPT_OUT, CONSENT, ConsentState.GIVEN, True, False, ConsentState.OPTED_OUT),
    ],
)
def test_a_state_follows_from_the_action_and_the_last_state(
    action: ConsentAction,
    basis: Basis,
    last_state: ConsentState | None,
    was_agreed: bool,
    is_given: bool,
    expected: ConsentState,
) -> None:
    state = derive_state(action, basis, last_state, was_agreed=was_agreed, is_given=is_given)
    assert state is expected
    assert (state in AGREEING_STATES) is is_given


def test_an_event_has_subject_actor_time_notice_terms_and_laws() -> None:
    (event,) = build_events({EMAIL: YES, "marketing": YES})
    assert (event.purpose, event.state, event.basis) == (EMAIL, ConsentState.GIVEN, CONSENT)
    assert (event.records, event.customer, event.laws) == (SUBJECT.records, SUBJECT.customer, SUBJECT.laws)
    assert (event.by, event.at, event.notice) == ("self:customer-app", samples.NOW - 5_000, samples.NOTICE)
    assert (event.terms, event.catalogue) == (DIGESTS[EMAIL], CATALOGUE.version)


def test_a_repeated_statement_has_the_same_record_id() -> None:
    assert build_events({EMAIL: YES}) == build_events({EMAIL: YES})
    assert build_events({EMAIL: YES})[0].id != build_events({EMAIL: YES}, message=b"n" * 16)[0].id
    assert build_record_id(b"m", EMAIL) != build_record_id(b"m", PARTNERS)


def test_a_record_id_is_a_uuid() -> None:
    assert samples.build_event().record_uuid[14] == "8"
    assert samples.build_event().record_uuid[19] in "89ab"


def test_only_a_consent_expires_by_time() -> None:
    until = samples.NOW + 1_000
    assert build_events({EMAIL: ExplicitChoice(True, until)})[0].until == until
    assert build_events({EMAIL: ExplicitChoice(False, until)})[0].until is None


def test_a_contradicting_statement_of_another_actor_is_referenced() -> None:
    """An actor's own earlier statement is simply replaced; an equal statement is no conflict."""
    opt_out = samples.build_event(state=ConsentState.OPTED_OUT, by="signal:web-shop", purpose=PARTNERS)
    subject = StatementSubject(
        SUBJECT.records, SUBJECT.customer, SUBJECT.laws, last_events={PARTNERS: opt_out}
    )
    assert build_events({PARTNERS: YES}, subject)[0].conflict == opt_out.id
    assert build_events({PARTNERS: NO}, subject)[0].conflict is None
    assert build_events({PARTNERS: YES}, subject, by="signal:web-shop")[0].conflict is None


def test_an_opt_out_covers_sale_and_sharing_only() -> None:
    assert list_sharing_purposes(CATALOGUE) == [PARTNERS]


def test_a_long_signal_is_truncated() -> None:
    assert (
        len(
            build_events({EMAIL: NO}, context=StatementContext(StatementMethod.GPP, signal="x" * 10_000))[
                0
            ].signal
            or ""
        )
        == 4_096
    )


def test_terms_differ_by_purpose_and_are_complete() -> None:
    assert len(set(DIGESTS.values())) == len(CATALOGUE.purposes)
    terms = samples.TERMS[PARTNERS]
    assert terms.recipients
    assert {data.category for data in terms.data}
    assert samples.TERMS[STATISTICS].controller.name == CATALOGUE.controller
