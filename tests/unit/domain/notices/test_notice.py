"""A privacy notice says what the catalogue and the law say, all of it and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from hashlib import sha256

import pytest

from discretion.catalogue.model import Basis, Catalogue, Channel, Form, Use
from discretion.domain.notices.facts import shorter
from discretion.law.jurisdiction import Right
from discretion.law.model import Model
from tests.unit.domain.notices.shipped_notices import (
    CATALOGUE,
    LAWS,
    NOW,
    STATIONERY,
    changed,
    item,
    line,
    made,
    section,
)

LANGUAGES = sorted(STATIONERY.wordings)
EMAIL = "marketing.communications.email"
TODAY = date(2026, 11, 18)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_names_every_purpose_and_every_kind_of_data(language: str) -> None:
    notice = made(language=language)
    assert {one.key for one in section(notice, "purposes").items} == set(CATALOGUE.purposes)
    held = {one.key for one in section(notice, "data").items}
    assert held >= {one.category for one in CATALOGUE.attributes.values()}
    assert held >= {one.category for one in CATALOGUE.events.values()}
    assert held >= {one.category for event in CATALOGUE.events.values() for one in event.properties}


def test_it_says_how_long_each_attribute_is_kept_and_who_sees_it_how() -> None:
    """For every attribute and every use of it, in the words of the notice."""
    notice, wording = made(), STATIONERY.wordings["en"]
    for one in CATALOGUE.attributes.values():
        label = wording.word("categories", one.category)
        assert wording.duration(one.retention) in "; ".join(
            line(notice, "data", one.category, "For how long")
        )
        for use in one.uses:
            (data,) = line(notice, "purposes", use.purpose.key, "Data")
            said = next(
                part for part in data.split("; ") if re.fullmatch(rf"{re.escape(label)}( \(.*\))?", part)
            )
            if use.form is not Form.CLEAR:
                assert wording.words.forms[use.form] in said
            kept = line(notice, "purposes", use.purpose.key, "For how long")
            words = wording.duration(shorter(one.retention, use.purpose.retention))
            assert any(part.startswith(f"{words}: ") and label in part for part in kept)


def test_a_purpose_that_keeps_data_less_long_says_so() -> None:
    """GDPR Art. 13(2)(a)."""
    kept = line(made(changed("purposes", EMAIL, retention="P7M")), "purposes", EMAIL, "For how long")
    assert kept
    assert {part.partition(":")[0] for part in kept} == {"7 months"}
    longer = line(made(changed("purposes", EMAIL, retention="P99Y")), "purposes", EMAIL, "For how long")
    assert longer == line(made(), "purposes", EMAIL, "For how long")


def one_use_less(catalogue: Catalogue) -> Catalogue:
    """The e-mail address is no longer used for offers."""
    uses = tuple(use for use in catalogue.attributes["contact.email"].uses if use.purpose.key != EMAIL)
    return changed("attributes", "contact.email", uses=uses)


def another_form(catalogue: Catalogue) -> Catalogue:
    """The e-mail address is shown masked to those who sell."""
    uses = catalogue.attributes["contact.email"].uses
    masked = tuple(Use(use.purpose, Form.MASKED) if use.purpose.key == EMAIL else use for use in uses)
    return changed("attributes", "contact.email", uses=masked)


CHANGES = {
    "label of a purpose": changed("purposes", EMAIL, label="Letters"),
    "description of a purpose": changed("purposes", EMAIL, description="Letters."),
    "meaning of a purpose": changed("purposes", EMAIL, meaning="We write."),
    "basis of a purpose": changed("purposes", EMAIL, basis=Basis.CONTRACT),
    "how long a consent lasts": changed("purposes", EMAIL, lasts="P5Y"),
    "how long a purpose keeps": changed("purposes", EMAIL, retention="P1M"),
    "how long an attribute is kept": changed("attributes", "web.ipAddress", retention="P91D"),
    "category of an attribute": changed("attributes", "contact.email", category="user.biometric"),
    "channel of an attribute": changed("attributes", "web.ipAddress", channels=frozenset({Channel.APP})),
    "use of an attribute": one_use_less(CATALOGUE),
    "form of an attribute": another_form(CATALOGUE),
    "how long an event is kept": changed("events", "Order Completed", retention="P50Y"),
    "label of a source": changed("sources", "tills", label="Desks"),
    "label of a recipient": changed("recipients", "ad-partner", label="Others"),
    "description of a recipient": changed("recipients", "ad-partner", description="Others."),
    "purposes of a recipient": changed("recipients", "ad-partner", purposes=(EMAIL,)),
    "country of a recipient": changed("recipients", "ad-partner", transfers={"CL": "Clauses"}),
    "sensitive kind": replace(CATALOGUE, sensitive={"health": ("user.contact.email",)}),
    "controller": replace(CATALOGUE, controller="Somebody else"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_fact_that_changes_changes_the_notice(what: str) -> None:
    """And its digest, in English and in a law that goes by the catalogue's bases."""
    assert made(CHANGES[what]).sha256 != made().sha256


def test_what_is_no_business_of_the_reader_changes_nothing() -> None:
    """Where a tracking call carries a value, and the bit a purpose is stored under."""
    assert made(changed("attributes", "contact.email", traits=("mail",))).sha256 == made().sha256


def test_the_digest_is_that_of_the_text() -> None:
    notice = made()
    assert notice.sha256 == sha256(notice.text.encode()).hexdigest()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("jurisdiction", sorted(LAWS))
def test_every_place_of_every_sentence_is_filled(jurisdiction: str, language: str) -> None:
    """No brace, no key of the catalogue and nothing empty is left in what people read."""
    notice = made(jurisdiction=jurisdiction, language=language)
    assert not re.search(r"[{}]", notice.text)
    for part in notice.sections:
        assert part.title.strip()
        assert all(paragraph.strip() for paragraph in part.paragraphs)
        for one in part.items:
            assert one.title.strip()
            assert all(said.name.strip() and said.text.strip() for said in one.lines), one.key
    assert not re.search(r"\b(user|marketing|essential|analytics)\.[a-z]", notice.text)


@pytest.mark.parametrize("key", sorted(LAWS))
def test_it_lists_the_rights_and_the_authority_of_that_law(key: str) -> None:
    notice, law = made(jurisdiction=key), LAWS[key]
    given = {one.key: one.lines[0].text for one in section(notice, "rights").items}
    assert given
    for right in Right:
        found = law.right(right, TODAY)
        assert (right in given) == (found is not None)
        if found is not None:
            assert given[right] == found.cited.source
    assert law.authority.name in section(notice, "complaint").paragraphs[0]
    assert law.authority.url in section(notice, "complaint").paragraphs[0]
    assert law.law in section(notice, "edition").paragraphs[0]


def test_what_allows_a_purpose_is_said_as_the_law_has_it() -> None:
    """An advertising that waits for a yes in Europe goes on until the no in California."""
    words = STATIONERY.wordings["en"].words
    for key, law in LAWS.items():
        rules = law.timeline.at(NOW)
        bases = Model.BASIS in rules.models.values()
        for purpose in CATALOGUE.purposes.values():
            (said,) = line(made(jurisdiction=key), "purposes", purpose.key, "What allows it")
            model = rules.models[purpose.family]
            assert bases == (words.bases[purpose.basis] in said)
            if not bases:
                assert said == words.models[model]
    targeted = "marketing.advertising.third_party.targeted"
    assert line(made(), "purposes", targeted, "What allows it") == [words.bases[Basis.CONSENT]]
    california = line(made(jurisdiction="us-ca"), "purposes", targeted, "What allows it")
    assert california == [words.models[Model.OPT_OUT]]


def test_a_yes_that_a_law_asks_for_beside_the_basis_is_said_too() -> None:
    """Offers by e-mail on a legitimate interest (Directive 2002/58/EC, Art. 13)."""
    words = STATIONERY.wordings["en"].words
    notice = made(changed("purposes", EMAIL, basis=Basis.LEGITIMATE_INTEREST))
    both = f"{words.bases[Basis.LEGITIMATE_INTEREST]} {words.models[Model.OPT_IN]}"
    assert line(notice, "purposes", EMAIL, "What allows it") == [both]


def test_it_says_whether_the_signal_of_a_browser_binds() -> None:
    spoken = STATIONERY.wordings["en"].say("signals")
    assert spoken in section(made(jurisdiction="us-ca"), "choices").paragraphs
    assert spoken not in section(made(jurisdiction="eu"), "choices").paragraphs


def test_it_says_below_which_age_whose_yes_is_needed() -> None:
    told = " ".join(section(made(jurisdiction="us-ca"), "choices").paragraphs)
    assert "Below the age of 13: only with the yes of a parent or guardian" in told
    assert "Below the age of 16: only with the young person's own yes (Partners' advertising)" in told


def test_who_receives_data_abroad_is_said_with_the_country_and_its_safeguard() -> None:
    (abroad,) = line(made(), "recipients", "message-providers", "Abroad")
    assert abroad.startswith("US, protected by: Standard contractual clauses")
    assert not line(made(), "recipients", "support-desk", "Abroad")


def test_a_purpose_names_those_who_receive_its_data() -> None:
    for purpose in CATALOGUE.purposes:
        (said,) = line(made(), "purposes", purpose, "Who receives them")
        named = [one.label for one in CATALOGUE.recipients.values() if purpose in one.purposes]
        assert said == "; ".join(named)
    nobody = replace(CATALOGUE, recipients={})
    (said,) = line(made(nobody), "purposes", EMAIL, "Who receives them")
    assert said == "nobody outside the systems of the shop"


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_every_purpose_category_recipient_and_right_is_translated(language: str) -> None:
    words = STATIONERY.wordings[language].words
    assert set(words.purposes) == set(CATALOGUE.purposes)
    assert set(words.recipients) == set(CATALOGUE.recipients)
    assert set(words.sources) == set(CATALOGUE.sources)
    assert set(words.rights) == set(Right)
    assert set(words.kinds) >= set(CATALOGUE.sensitive)
    assert set(words.categories) == {one.key for one in section(made(), "data").items}
    assert not [one for one in made(language=language).sections if one.key == "untranslated"]


def test_english_has_a_word_for_all_that_the_catalogue_only_has_keys_for() -> None:
    words = STATIONERY.wordings["en"].words
    assert set(words.categories) == {one.key for one in section(made(), "data").items}
    assert set(words.kinds) >= set(CATALOGUE.sensitive)
    assert set(words.rights) == set(Right)


def test_what_is_not_translated_is_shown_in_english_and_said_to_be() -> None:
    """Here a recipient and a purpose that nobody has translated yet."""
    purposes = dict(CATALOGUE.purposes)
    purposes["analytics"] = replace(purposes[EMAIL], key="analytics", label="Weather", bit=62)
    recipients = dict(CATALOGUE.recipients)
    recipients["kiosk"] = replace(recipients["shops"], key="kiosk", label="Kiosk")
    notice = made(replace(CATALOGUE, purposes=purposes, recipients=recipients), language="de")
    assert item(notice, "purposes", "analytics").title == "Weather"
    assert section(notice, "untranslated").paragraphs == ("Dies wird auf Englisch gezeigt: Weather; Kiosk.",)


def test_a_translation_of_another_text_is_not_shown() -> None:
    """Or German would promise what English no longer does."""
    notice = made(changed("purposes", EMAIL, meaning="We write every day."), language="de")
    assert "We write every day." in item(notice, "purposes", EMAIL).text
    assert section(notice, "untranslated").paragraphs == ("Dies wird auf Englisch gezeigt: E-mail offers.",)
    partner = changed("recipients", "ad-partner", description="Companies that call.")
    assert item(made(partner, language="fr"), "recipients", "ad-partner").text == "Companies that call."


def test_a_right_that_begins_tomorrow_is_not_promised_today() -> None:
    """India's Act gives rights from May 2027 on."""
    law = LAWS["in"]
    later = 1_900_000_000_000
    today = {one.key for one in section(made(jurisdiction="in"), "rights").items}
    then = {one.key for one in section(made(jurisdiction="in", now=later), "rights").items}
    starts = {one.right: one.cited.start for one in reversed(law.rights)}
    assert then - today
    assert then - today == {key for key in then if starts[Right(key)] > TODAY}
