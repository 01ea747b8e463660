"""What is said becomes words and events: what may be asked, what a node covers, what a state is called."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.catalogue.model import Basis
from discretion.domain.consent.statement_record import AGREEING, ConsentEvent, State, event, record_id
from discretion.domain.consent.statements import Act, Subject, choice, events, shared, state
from discretion.domain.ingest.message import Said
from discretion.domain.ingest.statement_context import Method, Saying
from discretion.errors import BadRequest, Conflict
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

YES, NO = Said(True), Said(False)
CONSENT, INTEREST = Basis.CONSENT, Basis.LEGITIMATE_INTEREST


def told(words: dict[str, Said], subject: Subject = SUBJECT, **change: Any) -> list[ConsentEvent]:
    """The events of a word."""
    return list(events(CATALOGUE, DIGESTS, samples.occasion(**change), subject, words))


def test_a_yes_to_a_node_is_to_what_is_there_now_and_a_no_also_to_what_may_come() -> None:
    below = [key for key in CATALOGUE.purposes if key.startswith("marketing.advertising.")]
    assert choice(CATALOGUE, [("marketing.advertising", YES)]) == dict.fromkeys(below, YES)
    assert choice(CATALOGUE, [("marketing.advertising", NO)]) == dict.fromkeys(
        ["marketing.advertising", *below], NO
    )


def test_a_node_leaves_out_what_nobody_is_asked_about() -> None:
    """Below `essential` are security, which one may object to, and support, which a contract needs."""
    words = choice(CATALOGUE, [("essential", NO)])
    assert words["essential.service.security"] == NO
    assert SUPPORT not in words


@pytest.mark.parametrize("node", ["essential.service.payment_processing", "essential.legal_obligation"])
@pytest.mark.parametrize("given", [True, False])
def test_what_law_or_contract_demands_is_not_asked(node: str, given: bool) -> None:
    with pytest.raises(Conflict) as caught:
        choice(CATALOGUE, [(node, Said(given))])
    assert caught.value.code == "CONSENT_NOT_ASKED"
    assert "legalBasis" in caught.value.advice


def test_a_contract_is_asked_about_where_sensitive_data_serve_it_and_by_its_own_name() -> None:
    """GDPR Art. 9(2)(a): an express yes, which one to a wider node is not."""
    assert choice(CATALOGUE, [(SUPPORT, YES)]) == {SUPPORT: YES}
    assert SUPPORT not in choice(CATALOGUE, [("essential.service", YES)])


def test_an_unknown_purpose_is_refused_with_the_one_probably_meant() -> None:
    with pytest.raises(BadRequest) as caught:
        choice(CATALOGUE, [("marketing.comunications.email", YES)])
    assert caught.value.code == "PURPOSE_UNKNOWN"
    assert f"Did you mean '{EMAIL}'?" in caught.value.advice
    with pytest.raises(BadRequest, match="A purpose is named"):
        choice(CATALOGUE, [("", YES)])


def test_yes_and_no_to_one_purpose_is_no_answer() -> None:
    with pytest.raises(BadRequest) as caught:
        choice(CATALOGUE, [("marketing", NO), (EMAIL, YES)])
    assert caught.value.code == "CONSENT_CONTRADICTORY"


@pytest.mark.parametrize(
    ("act", "basis", "last", "agreed", "given", "then"),
    [
        (Act.CHOOSE, CONSENT, None, False, True, State.GIVEN),
        (Act.CHOOSE, CONSENT, State.GIVEN, True, True, State.RENEWED),
        (Act.CHOOSE, CONSENT, None, True, True, State.RENEWED),
        (Act.CHOOSE, CONSENT, State.EXPIRED, False, True, State.RENEWED),
        (Act.CHOOSE, CONSENT, State.WITHDRAWN, False, True, State.GIVEN),
        (Act.CHOOSE, CONSENT, None, False, False, State.REFUSED),
        (Act.CHOOSE, CONSENT, None, True, False, State.WITHDRAWN),
        (Act.WITHDRAW, CONSENT, State.RENEWED, True, False, State.WITHDRAWN),
        (Act.WITHDRAW, CONSENT, State.WITHDRAWN, False, False, State.REFUSED),
        (Act.WITHDRAW, INTEREST, None, False, False, State.OBJECTED),
        (Act.CHOOSE, INTEREST, None, False, False, State.OBJECTED),
        (Act.OBJECT, CONSENT, State.GIVEN, True, False, State.OBJECTED),
        (Act.CHOOSE, INTEREST, State.OBJECTED, False, True, State.UNOBJECTED),
        (Act.OPT_OUT, CONSENT, State.GIVEN, True, False, State.OPTED_OUT),
    ],
)
def test_a_state_follows_from_what_was_done_and_what_stood(
    act: Act, basis: Basis, last: State | None, agreed: bool, given: bool, then: State
) -> None:
    found = state(act, basis, last, agreed=agreed, given=given)
    assert found is then
    assert (found in AGREEING) is given


def test_an_event_says_who_when_how_to_which_notice_and_under_which_laws() -> None:
    (one,) = told({EMAIL: YES, "marketing": YES})
    assert (one.purpose, one.state, one.basis) == (EMAIL, State.GIVEN, CONSENT)
    assert (one.records, one.customer, one.laws) == (SUBJECT.records, SUBJECT.customer, SUBJECT.laws)
    assert (one.by, one.at, one.notice) == ("self:customer-app", samples.NOW - 5_000, samples.NOTICE)
    assert (one.terms, one.catalogue) == (DIGESTS[EMAIL], CATALOGUE.version)


def test_a_word_told_twice_is_the_same_record_and_another_word_is_another() -> None:
    assert told({EMAIL: YES}) == told({EMAIL: YES})
    assert told({EMAIL: YES})[0].id != told({EMAIL: YES}, message=b"n" * 16)[0].id
    assert record_id(b"m", EMAIL) != record_id(b"m", PARTNERS)


def test_a_record_id_is_a_uuid() -> None:
    assert samples.event().name[14] == "8"
    assert samples.event().name[19] in "89ab"


def test_only_a_yes_ends_by_itself() -> None:
    until = samples.NOW + 1_000
    assert told({EMAIL: Said(True, until)})[0].until == until
    assert told({EMAIL: Said(False, until)})[0].until is None


def test_what_another_voice_said_to_the_contrary_is_pointed_at() -> None:
    """Its own earlier word a voice simply replaces; the same word is no conflict."""
    no = samples.event(state=State.OPTED_OUT, by="signal:web-shop", purpose=PARTNERS)
    standing = Subject(SUBJECT.records, SUBJECT.customer, SUBJECT.laws, last={PARTNERS: no})
    assert told({PARTNERS: YES}, standing)[0].conflict == no.id
    assert told({PARTNERS: NO}, standing)[0].conflict is None
    assert told({PARTNERS: YES}, standing, by="signal:web-shop")[0].conflict is None


def test_an_opt_out_is_about_sale_and_sharing_and_nothing_else() -> None:
    assert shared(CATALOGUE) == [PARTNERS]


def test_a_long_signal_is_kept_as_its_beginning() -> None:
    assert len(told({EMAIL: NO}, saying=Saying(Method.GPP, signal="x" * 10_000))[0].signal or "") == 4_096


@pytest.mark.parametrize("bare", [False, True])
def test_what_is_kept_of_an_event_is_the_event(bare: bool) -> None:
    whole = samples.event()
    if bare:
        names = ("until", "notice", "channel", "signal", "guardian", "conflict")
        whole = samples.event(**dict.fromkeys(names))
    assert event(whole.document()) == whole
    assert ("guardian" in whole.document()) is not bare


def test_terms_are_the_same_as_long_as_nothing_in_them_changes() -> None:
    assert len(set(DIGESTS.values())) == len(CATALOGUE.purposes)
    one = samples.TERMS[PARTNERS]
    assert one.recipients
    assert {kept.category for kept in one.data}
    assert samples.TERMS[STATISTICS].document()["controller"]["name"] == CATALOGUE.controller
