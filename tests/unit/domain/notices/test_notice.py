"""A privacy notice states what the catalogue and the law say, completely and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from hashlib import sha256

import pytest

from discretion.catalogue.model import Basis, Catalogue, Channel, Form, Use
from discretion.domain.notices.facts import find_shorter
from discretion.law.jurisdiction import Right
from discretion.law.model import ConsentModel
from tests.unit.domain.notices.shipped_notices import (
    CATALOGUE,
    LAWS,
    NOW,
    TEMPLATES,
    build_shipped_notice,
    change_entry,
    find_item,
    find_section,
    list_lines,
)

LANGUAGES = sorted(TEMPLATES.wordings)
EMAIL = "marketing.communications.email"
TODAY = date(2026, 11, 18)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_names_every_purpose_and_data_category(language: str) -> None:
    notice = build_shipped_notice(language=language)
    assert {item.key for item in find_section(notice, "purposes").items} == set(CATALOGUE.purposes)
    categories = {item.key for item in find_section(notice, "data").items}
    assert categories >= {attribute.category for attribute in CATALOGUE.attributes.values()}
    assert categories >= {event.category for event in CATALOGUE.events.values()}
    assert categories >= {
        event_property.category for event in CATALOGUE.events.values() for event_property in event.properties
    }


def test_a_notice_states_retention_and_form_of_each_attribute() -> None:
    """For each attribute and each of its uses, in the words of the notice."""
    notice, wording = build_shipped_notice(), TEMPLATES.wordings["en"]
    for attribute in CATALOGUE.attributes.values():
        label = wording.find_word("categories", attribute.category)
        assert wording.format_duration(attribute.retention) in "; ".join(
            list_lines(notice, "data", attribute.category, "For how long")
        )
        for use in attribute.uses:
            (data,) = list_lines(notice, "purposes", use.purpose.key, "Data")
            entry = next(
                part for part in data.split("; ") if re.fullmatch(rf"{re.escape(label)}( \(.*\))?", part)
            )
            if use.form is not Form.CLEAR:
                assert wording.words.forms[use.form] in entry
            retentions = list_lines(notice, "purposes", use.purpose.key, "For how long")
            duration = wording.format_duration(find_shorter(attribute.retention, use.purpose.retention))
            assert any(part.startswith(f"{duration}: ") and label in part for part in retentions)


def test_a_shorter_retention_of_a_purpose_is_stated() -> None:
    """GDPR Art. 13(2)(a)."""
    shorter = list_lines(
        build_shipped_notice(change_entry("purposes", EMAIL, retention="P7M")),
        "purposes",
        EMAIL,
        "For how long",
    )
    assert shorter
    assert {part.partition(":")[0] for part in shorter} == {"7 months"}
    longer = list_lines(
        build_shipped_notice(change_entry("purposes", EMAIL, retention="P99Y")),
        "purposes",
        EMAIL,
        "For how long",
    )
    assert longer == list_lines(build_shipped_notice(), "purposes", EMAIL, "For how long")


def remove_email_use(catalogue: Catalogue) -> Catalogue:
    """Return the catalogue without the use of the e-mail address for offers."""
    uses = tuple(use for use in catalogue.attributes["contact.email"].uses if use.purpose.key != EMAIL)
    return change_entry("attributes", "contact.email", uses=uses)


def mask_email(catalogue: Catalogue) -> Catalogue:
    """Return the catalogue in which the e-mail address is masked for offers."""
    uses = catalogue.attributes["contact.email"].uses
    masked = tuple(Use(use.purpose, Form.MASKED) if use.purpose.key == EMAIL else use for use in uses)
    return change_entry("attributes", "contact.email", uses=masked)


CHANGED_CATALOGUES = {
    "label of a purpose": change_entry("purposes", EMAIL, label="Letters"),
    "description of a purpose": change_entry("purposes", EMAIL, description="Letters."),
    "meaning of a purpose": change_entry("purposes", EMAIL, meaning="We write."),
    "basis of a purpose": change_entry("purposes", EMAIL, basis=Basis.CONTRACT),
    "how long a consent lasts": change_entry("purposes", EMAIL, lasts="P5Y"),
    "how long a purpose keeps": change_entry("purposes", EMAIL, retention="P1M"),
    "how long an attribute is kept": change_entry("attributes", "web.ipAddress", retention="P91D"),
    "category of an attribute": change_entry("attributes", "contact.email", category="user.biometric"),
    "channel of an attribute": change_entry("attributes", "web.ipAddress", channels=frozenset({Channel.APP})),
    "use of an attribute": remove_email_use(CATALOGUE),
    "form of an attribute": mask_email(CATALOGUE),
    "how long an event is kept": change_entry("events", "Order Completed", retention="P50Y"),
    "label of a source": change_entry("sources", "tills", label="Desks"),
    "label of a recipient": change_entry("recipients", "ad-partner", label="Others"),
    "description of a recipient": change_entry("recipients", "ad-partner", description="Others."),
    "purposes of a recipient": change_entry("recipients", "ad-partner", purposes=(EMAIL,)),
    "country of a recipient": change_entry("recipients", "ad-partner", transfers={"CL": "Clauses"}),
    "sensitive kind": replace(CATALOGUE, sensitive={"health": ("user.contact.email",)}),
    "controller": replace(CATALOGUE, controller="Somebody else"),
}


@pytest.mark.parametrize("change", CHANGED_CATALOGUES)
def test_a_changed_fact_changes_the_notice(change: str) -> None:
    """Its digest changes, in English and under a law that uses the catalogue's legal bases."""
    assert build_shipped_notice(CHANGED_CATALOGUES[change]).sha256 != build_shipped_notice().sha256


def test_a_technical_change_does_not_change_the_notice() -> None:
    """Such as the place of a value in a tracking call."""
    assert (
        build_shipped_notice(change_entry("attributes", "contact.email", traits=("mail",))).sha256
        == build_shipped_notice().sha256
    )


def test_the_digest_is_that_of_the_text() -> None:
    notice = build_shipped_notice()
    assert notice.sha256 == sha256(notice.text.encode()).hexdigest()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("jurisdiction", sorted(LAWS))
def test_every_placeholder_is_filled(jurisdiction: str, language: str) -> None:
    """The text contains no brace, no key of the catalogue and no empty part."""
    notice = build_shipped_notice(jurisdiction=jurisdiction, language=language)
    assert not re.search(r"[{}]", notice.text)
    for section in notice.sections:
        assert section.title.strip()
        assert all(paragraph.strip() for paragraph in section.paragraphs)
        for item in section.items:
            assert item.title.strip()
            assert all(line.name.strip() and line.text.strip() for line in item.lines), item.key
    assert not re.search(r"\b(user|marketing|essential|analytics)\.[a-z]", notice.text)


@pytest.mark.parametrize("key", sorted(LAWS))
def test_a_notice_lists_rights_and_authority_of_its_law(key: str) -> None:
    notice, law = build_shipped_notice(jurisdiction=key), LAWS[key]
    sources = {item.key: item.lines[0].text for item in find_section(notice, "rights").items}
    assert sources
    for right in Right:
        entitlement = law.find_right(right, TODAY)
        assert (right in sources) == (entitlement is not None)
        if entitlement is not None:
            assert sources[right] == entitlement.citation.source
    assert law.authority.name in find_section(notice, "complaint").paragraphs[0]
    assert law.authority.url in find_section(notice, "complaint").paragraphs[0]
    assert law.law in find_section(notice, "edition").paragraphs[0]


def test_a_notice_states_what_permits_each_purpose_under_its_law() -> None:
    """Advertising that requires consent in Europe is permitted in California until an opt-out."""
    words = TEMPLATES.wordings["en"].words
    for key, law in LAWS.items():
        rules = law.timeline.find_rules(NOW)
        uses_bases = ConsentModel.BASIS in rules.models.values()
        for purpose in CATALOGUE.purposes.values():
            (statement,) = list_lines(
                build_shipped_notice(jurisdiction=key), "purposes", purpose.key, "What allows it"
            )
            model = rules.models[purpose.family]
            assert uses_bases == (words.bases[purpose.basis] in statement)
            if not uses_bases:
                assert statement == words.models[model]
    targeted = "marketing.advertising.third_party.targeted"
    assert list_lines(build_shipped_notice(), "purposes", targeted, "What allows it") == [
        words.bases[Basis.CONSENT]
    ]
    california = list_lines(
        build_shipped_notice(jurisdiction="us-ca"), "purposes", targeted, "What allows it"
    )
    assert california == [words.models[ConsentModel.OPT_OUT]]


def test_consent_that_a_law_requires_beside_the_basis_is_stated() -> None:
    """E-mail offers on a legitimate interest need it (Directive 2002/58/EC, Art. 13)."""
    words = TEMPLATES.wordings["en"].words
    notice = build_shipped_notice(change_entry("purposes", EMAIL, basis=Basis.LEGITIMATE_INTEREST))
    basis_and_consent = f"{words.bases[Basis.LEGITIMATE_INTEREST]} {words.models[ConsentModel.OPT_IN]}"
    assert list_lines(notice, "purposes", EMAIL, "What allows it") == [basis_and_consent]


def test_a_notice_states_whether_a_browser_signal_binds() -> None:
    sentence = TEMPLATES.wordings["en"].format_sentence("signals")
    assert sentence in find_section(build_shipped_notice(jurisdiction="us-ca"), "choices").paragraphs
    assert sentence not in find_section(build_shipped_notice(jurisdiction="eu"), "choices").paragraphs


def test_a_notice_states_age_limits_and_whose_consent_is_needed() -> None:
    text = " ".join(find_section(build_shipped_notice(jurisdiction="us-ca"), "choices").paragraphs)
    assert "Below the age of 13: only with the yes of a parent or guardian" in text
    assert "Below the age of 16: only with the young person's own yes (Partners' advertising)" in text


def test_a_recipient_abroad_is_listed_with_country_and_safeguard() -> None:
    (abroad,) = list_lines(build_shipped_notice(), "recipients", "message-providers", "Abroad")
    assert abroad.startswith("US, protected by: Standard contractual clauses")
    assert not list_lines(build_shipped_notice(), "recipients", "support-desk", "Abroad")


def test_a_purpose_lists_the_recipients_of_its_data() -> None:
    for purpose in CATALOGUE.purposes:
        (text,) = list_lines(build_shipped_notice(), "purposes", purpose, "Who receives them")
        labels = [
            recipient.label for recipient in CATALOGUE.recipients.values() if purpose in recipient.purposes
        ]
        assert text == "; ".join(labels)
    catalogue = replace(CATALOGUE, recipients={})
    (text,) = list_lines(build_shipped_notice(catalogue), "purposes", EMAIL, "Who receives them")
    assert text == "nobody outside the systems of the shop"


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_purpose_category_recipient_and_right_is_translated(language: str) -> None:
    words = TEMPLATES.wordings[language].words
    assert set(words.purposes) == set(CATALOGUE.purposes)
    assert set(words.recipients) == set(CATALOGUE.recipients)
    assert set(words.sources) == set(CATALOGUE.sources)
    assert set(words.rights) == set(Right)
    assert set(words.kinds) >= set(CATALOGUE.sensitive)
    assert set(words.categories) == {item.key for item in find_section(build_shipped_notice(), "data").items}
    assert not [
        section
        for section in build_shipped_notice(language=language).sections
        if section.key == "untranslated"
    ]


def test_english_has_a_label_for_each_key_without_one() -> None:
    words = TEMPLATES.wordings["en"].words
    assert set(words.categories) == {item.key for item in find_section(build_shipped_notice(), "data").items}
    assert set(words.kinds) >= set(CATALOGUE.sensitive)
    assert set(words.rights) == set(Right)


def test_an_untranslated_text_is_shown_in_english_with_a_remark() -> None:
    """The example is a recipient and a purpose without a translation."""
    purposes = dict(CATALOGUE.purposes)
    purposes["analytics"] = replace(purposes[EMAIL], key="analytics", label="Weather", bit=62)
    recipients = dict(CATALOGUE.recipients)
    recipients["kiosk"] = replace(recipients["shops"], key="kiosk", label="Kiosk")
    notice = build_shipped_notice(replace(CATALOGUE, purposes=purposes, recipients=recipients), language="de")
    assert find_item(notice, "purposes", "analytics").title == "Weather"
    assert find_section(notice, "untranslated").paragraphs == (
        "Dies wird auf Englisch gezeigt: Weather; Kiosk.",
    )


def test_an_outdated_translation_is_not_shown() -> None:
    """Otherwise the German text would promise what the English text no longer does."""
    notice = build_shipped_notice(
        change_entry("purposes", EMAIL, meaning="We write every day."), language="de"
    )
    assert "We write every day." in find_item(notice, "purposes", EMAIL).text
    assert find_section(notice, "untranslated").paragraphs == (
        "Dies wird auf Englisch gezeigt: E-mail offers.",
    )
    changed_partner = change_entry("recipients", "ad-partner", description="Companies that call.")
    assert (
        find_item(build_shipped_notice(changed_partner, language="fr"), "recipients", "ad-partner").text
        == "Companies that call."
    )


def test_a_right_is_listed_from_the_day_it_begins() -> None:
    """India's Act gives rights from May 2027."""
    law = LAWS["in"]
    later = 1_900_000_000_000
    present_rights = {
        item.key for item in find_section(build_shipped_notice(jurisdiction="in"), "rights").items
    }
    later_rights = {
        item.key for item in find_section(build_shipped_notice(jurisdiction="in", now=later), "rights").items
    }
    starts = {entitlement.right: entitlement.citation.start for entitlement in reversed(law.rights)}
    assert later_rights - present_rights
    assert later_rights - present_rights == {key for key in later_rights if starts[Right(key)] > TODAY}
