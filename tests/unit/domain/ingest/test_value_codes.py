"""Countries, languages and birth dates: one stored value for every spelling, and none for what is not one."""

from __future__ import annotations

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from discretion.domain.ingest.value_codes import (
    BIRTH_DATE_CATEGORY,
    COUNTRY_CATEGORY,
    LANGUAGE_CATEGORY,
    check_birth_date,
    convert_to_code,
    find_country,
    find_language,
    find_place,
)
from discretion.domain.ingest.value_parsing import WrongType

NOW = 1_790_000_000_000  # 2026-09-21, 14:13 UTC


@pytest.mark.parametrize(
    ("text", "country"),
    [
        *(
            (text, "DE")
            for text in ("DE", "de", " De ", "DEU", "deu", "276", "Germany", "GERMANY", "Deutschland")
        ),
        *((text, "DE") for text in ("Allemagne", "Alemania", "Duitsland", "Niemcy", "Germania", "BRD")),
        *(
            (text, "GB")
            for text in ("GB", "UK", "uk", "GBR", "United Kingdom", "Great Britain", "England", "U.K.")
        ),
        *(
            (text, "US")
            for text in ("USA", "us", "United States", "United  States of America", "840", "U.S.")
        ),
        *((text, "GR") for text in ("EL", "GRC", "Greece", "\u0395\u03bb\u03bb\u03ac\u03b4\u03b1")),
        *((text, "CI") for text in ("C\u00f4te d\u2019Ivoire", "cote d\u2019ivoire", "CIV")),
        *((text, "AT") for text in ("\u00d6sterreich", "OSTERREICH", "Austria", "\u00d6STERREICH", "AUT")),
        *((text, "NL") for text in ("Holland", "The Netherlands", "Nederland")),
        *((text, "JP") for text in ("\u65e5\u672c", "Japan", "JPN", "392")),
        *((text, "CH") for text in ("Schweiz", "Suisse", "Svizzera", "CHE")),
        ("DD", "DE"),
    ],
)
def test_a_country_has_one_code(text: str, country: str) -> None:
    """Whatever the notation, the case, the accents and the language."""
    assert find_country(text) == country
    assert convert_to_code(COUNTRY_CATEGORY, text, NOW) == country


@pytest.mark.parametrize(
    "text", ["", "Narnia", "XX", "ZZ", "EU", "ZZZ", "000", "SU", "D", "DE-FR-IT", "null", "Kongo?"]
)
def test_what_is_no_country_is_none(text: str) -> None:
    """A state that became several is none of them."""
    assert find_country(text) is None
    with pytest.raises(WrongType):
        convert_to_code(COUNTRY_CATEGORY, text, NOW)


COUNTRY_CODES = sorted(str(code) for code in Locale("en").territories if len(str(code)) == 2)


@given(st.sampled_from(COUNTRY_CODES))
def test_every_country_is_found_by_its_code_and_its_english_name(code: str) -> None:
    country = find_country(code)
    if country == code:  # not a group of countries
        assert find_country(code.lower()) == code
        assert find_country(str(Locale("en").territories[code])) == code


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("US-TX", "US-TX"),
        ("us_tx", "US-TX"),
        ("UK-ENG", "GB-ENG"),
        ("de", "DE"),
        ("Texas", None),
        ("XX-TX", None),
    ],
)
def test_a_part_of_a_country_has_one_code(text: str, place: str | None) -> None:
    assert find_place(text) == place


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        *(
            (text, "de-DE")
            for text in ("de-DE", "de_DE", "DE_de", "de-de", "de_DE.UTF-8", "de_DE@euro", "deu-DE")
        ),
        *((text, "de") for text in ("de", "DE", "deu", "ger", "German", "Deutsch", "deutsch", "Allemand")),
        *((text, "en-GB") for text in ("en_GB", "en-UK", "en-GB,en;q=0.9", "eng_gb")),
        *((text, "zh-Hant-TW") for text in ("zh-Hant-TW", "zh_hant_tw", "ZH-HANT-tw")),
        *((text, "he") for text in ("iw", "he", "Hebrew")),
        ("in_ID", "id-ID"),
        ("es-419", "es-419"),
        ("pt_BR", "pt-BR"),
        ("sr-Latn-RS", "sr-Latn-RS"),
        ("sh", "sr-Latn"),
        ("fil_PH", "fil-PH"),
        ("Suomi", "fi"),
        ("\u65e5\u672c\u8a9e", "ja"),
    ],
)
def test_a_language_has_one_tag(text: str, tag: str) -> None:
    """BCP 47, with a language code of ISO 639 and a country of ISO 3166."""
    assert find_language(text) == tag
    assert convert_to_code(LANGUAGE_CATEGORY, text, NOW) == tag


@pytest.mark.parametrize(
    "text", ["C", "POSIX", "x" * 50, "", "und", "mul", "xx-YY", "de-ZZ", "Klingonisch?", "42", "*"]
)
def test_what_is_no_language_is_none(text: str) -> None:
    assert find_language(text) is None
    with pytest.raises(WrongType):
        convert_to_code(LANGUAGE_CATEGORY, text, NOW)


@pytest.mark.parametrize("text", ["de_DE", "UK", "sh", "en-GB", "Germany", "us-tx"])
def test_a_code_is_its_own_code(text: str) -> None:
    for find in (find_place, find_language):
        if (code := find(text)) is not None:
            assert find(code) == code


@pytest.mark.parametrize(
    ("day", "is_possible"),
    [
        ("1990-05-04", True),
        ("2026-09-21", True),
        ("2026-09-22", True),  # it is tomorrow already on the Line Islands
        ("2026-09-23", False),
        ("2090-01-01", False),
        ("9999-12-31", False),
        ("1901-01-01", True),
        ("1900-12-31", False),
        ("1875-02-21", False),
        ("0001-01-01", False),
    ],
)
def test_a_birth_date_is_within_a_human_life(day: str, is_possible: bool) -> None:
    assert check_birth_date(day, NOW) is is_possible
    if is_possible:
        assert convert_to_code(BIRTH_DATE_CATEGORY, day, NOW) == day
    else:
        with pytest.raises(WrongType):
            convert_to_code(BIRTH_DATE_CATEGORY, day, NOW)


def test_other_categories_are_stored_as_sent() -> None:
    assert convert_to_code("user.contact.address.city", "Germany", NOW) == "Germany"
