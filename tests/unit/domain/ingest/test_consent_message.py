"""What sources report that people said expressly becomes words, and how they were said."""

from __future__ import annotations

from typing import Any

from discretion.domain.ingest.message import Fact, Said
from discretion.domain.ingest.statement_context import Method, Notice, Saying
from tests.unit.domain.ingest.messages import heard

EMAIL = "marketing.communications.email"
NOTICE = {"version": "2026-09", "language": "pt-BR", "sha256": "ab" * 32}


def consent(purposes: dict[str, Any], **members: Any) -> Fact:
    """The fact of a consent message."""
    return heard("web-shop", type="consent", purposes=purposes, **members)


def test_a_consent_message_is_words_and_no_event() -> None:
    fact = consent({EMAIL: True, "personalize.content": False})
    assert fact.words == {EMAIL: Said(True), "personalize.content": Said(False)}
    assert fact.saying == Saying(Method.SOURCE)
    assert fact.event is None
    assert not fact.choices


def test_how_it_was_said_is_kept_with_it() -> None:
    until = "2027-01-01T00:00:00Z"
    fact = consent({EMAIL: True}, notice=NOTICE, method="tcf", validUntil=until)
    assert fact.saying == Saying(Method.TCF, Notice("2026-09", "pt-BR", "ab" * 32))
    assert fact.words[EMAIL] == Said(True, 1_798_761_600_000)


def test_a_guardians_word_is_the_guardians_whether_yes_or_no() -> None:
    fact = consent({EMAIL: True, "personalize.content": False}, guardian={"reference": "parents/1"})
    assert fact.saying == Saying(Method.GUARDIAN, None, "parents/1")
    assert all(word.guardian for word in fact.words.values())


def test_a_node_covers_what_is_below_it_and_where_two_words_differ_it_is_no() -> None:
    words = consent({"marketing": False, EMAIL: True}).words
    assert words["marketing"] == words[EMAIL] == Said(False)
    assert consent({EMAIL: True, "marketing": False}).words == words
    yes = consent({"marketing": True}).words
    assert EMAIL in yes
    assert "marketing" not in yes


def test_what_nobody_is_asked_is_left_out_and_counted() -> None:
    fact = consent({EMAIL: True, "functional.service": True})
    assert fact.words == {EMAIL: Said(True)}
    assert fact.dropped == 1


def test_segments_event_of_changed_preferences_is_consent_and_no_event() -> None:
    """Its categories are the consent tool's; those that are purposes of ours count."""
    preferences = {EMAIL: False, "Advertising": True, "functional.service": True}
    context = {"consent": {"categoryPreferences": preferences}}
    fact = heard("web-shop", type="track", event="Segment Consent Preference Updated", context=context)
    assert fact.words == {EMAIL: Said(False)}
    assert (fact.event, dict(fact.choices), fact.dropped) == (None, {}, 2)
    other = heard(
        "web-shop", type="track", event="Product Viewed", properties={"product_id": "p"}, context=context
    )
    assert other.saying is None
    assert other.choices[EMAIL] is False
