"""Explicit consents that sources report become choices, with the context of the statement."""

from __future__ import annotations

from typing import Any

from discretion.domain.ingest.message import ExplicitChoice, Fact
from discretion.domain.ingest.statement_context import StatementContext
from discretion.store.consent_event import NoticeReference, StatementMethod
from tests.unit.domain.ingest.messages import build_fact

EMAIL = "marketing.communications.email"
NOTICE = {"version": "2026-09", "language": "pt-BR", "sha256": "ab" * 32}


def build_consent_fact(purposes: dict[str, Any], **members: Any) -> Fact:
    """Build the fact of a consent message."""
    return build_fact("web-shop", type="consent", purposes=purposes, **members)


def test_a_consent_message_has_choices_and_no_event() -> None:
    fact = build_consent_fact({EMAIL: True, "personalize.content": False})
    assert fact.explicit_choices == {
        EMAIL: ExplicitChoice(True),
        "personalize.content": ExplicitChoice(False),
    }
    assert fact.statement_context == StatementContext(StatementMethod.SOURCE)
    assert fact.event is None
    assert not fact.ambient_choices


def test_method_notice_and_validity_of_consent_are_kept() -> None:
    until = "2027-01-01T00:00:00Z"
    fact = build_consent_fact({EMAIL: True}, notice=NOTICE, method="tcf", validUntil=until)
    assert fact.statement_context == StatementContext(
        StatementMethod.TCF, NoticeReference("2026-09", "pt-BR", "ab" * 32)
    )
    assert fact.explicit_choices[EMAIL] == ExplicitChoice(True, 1_798_761_600_000)


def test_a_guardians_choices_are_marked_whether_yes_or_no() -> None:
    fact = build_consent_fact(
        {EMAIL: True, "personalize.content": False}, guardian={"reference": "parents/1"}
    )
    assert fact.statement_context == StatementContext(StatementMethod.GUARDIAN, None, "parents/1")
    assert all(choice.guardian for choice in fact.explicit_choices.values())


def test_a_node_covers_its_descendants_and_a_contradiction_is_a_no() -> None:
    choices = build_consent_fact({"marketing": False, EMAIL: True}).explicit_choices
    assert choices["marketing"] == choices[EMAIL] == ExplicitChoice(False)
    assert build_consent_fact({EMAIL: True, "marketing": False}).explicit_choices == choices
    accepted = build_consent_fact({"marketing": True}).explicit_choices
    assert EMAIL in accepted
    assert "marketing" not in accepted


def test_a_purpose_without_a_choice_is_dropped_and_counted() -> None:
    fact = build_consent_fact({EMAIL: True, "functional.service": True})
    assert fact.explicit_choices == {EMAIL: ExplicitChoice(True)}
    assert fact.dropped == 1


def test_segments_preference_event_is_consent_and_no_event() -> None:
    """Its categories are the consent tool's; only those that are purposes of the catalogue count."""
    preferences = {EMAIL: False, "Advertising": True, "functional.service": True}
    context = {"consent": {"categoryPreferences": preferences}}
    fact = build_fact("web-shop", type="track", event="Segment Consent Preference Updated", context=context)
    assert fact.explicit_choices == {EMAIL: ExplicitChoice(False)}
    assert (fact.event, dict(fact.ambient_choices), fact.dropped) == (None, {}, 2)
    other = build_fact(
        "web-shop", type="track", event="Product Viewed", properties={"product_id": "p"}, context=context
    )
    assert other.statement_context is None
    assert other.ambient_choices[EMAIL] is False
