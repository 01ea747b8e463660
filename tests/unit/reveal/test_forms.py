"""Forms of values: a masked, coarse or pseudonymous form does not reveal what it leaves out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.model import Attribute, Form, ValueType
from discretion.law.age import find_age_day
from discretion.reveal.forms import FormRenderer

NOW = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp() * 1000)
FORMS, OTHER_FORMS = FormRenderer(bytes(32)), FormRenderer(bytes([1]) * 32)


def build_attribute(value_type: ValueType, *, many: bool = False, path: str = "a.b") -> Attribute:
    """Return an attribute of a type."""
    currency = "EUR" if value_type is ValueType.MONEY and not many else ""
    return Attribute(path, 1, value_type, "user", "", (), "P1Y", sealed=False, many=many, currency=currency)


def render_value(value_type: ValueType, form: Form, value: Any, *, many: bool = False) -> Any:
    """Return a stored value rendered in a form."""
    render = FORMS.build_render(build_attribute(value_type, many=many), form)
    return value if render is None else render(value, NOW)


TABLE: list[tuple[str, ValueType, Form, Any, Any]] = [
    ("text in clear is as stored", ValueType.STRING, Form.CLEAR, "Greta", "Greta"),
    (
        "a time in clear is RFC 3339",
        ValueType.DATETIME,
        Form.CLEAR,
        1_700_000_000_123,
        "2023-11-14T22:13:20.123Z",
    ),
    ("the epoch has milliseconds too", ValueType.DATETIME, Form.CLEAR, 0, "1970-01-01T00:00:00.000Z"),
    (
        "money in clear has all decimal places",
        ValueType.MONEY,
        Form.CLEAR,
        1990,
        {"amount": "19.90", "currency": "EUR"},
    ),
    ("money owed is negative", ValueType.MONEY, Form.CLEAR, -5, {"amount": "-0.05", "currency": "EUR"}),
    ("masked e-mail", ValueType.STRING, Form.MASKED, "greta.albrecht@post.example", "g***@p***"),
    ("masked e-mail of one letter", ValueType.STRING, Form.MASKED, "g@p", "g***@p***"),
    ("masked phone keeps the country", ValueType.STRING, Form.MASKED, "+4930123456", "+49***"),
    ("masked text", ValueType.STRING, Form.MASKED, "Greta", "G***"),
    ("masked nothing", ValueType.STRING, Form.MASKED, "", "***"),
    ("a birthday tomorrow: age 17", ValueType.DATE, Form.COARSE, "2008-03-02", "under 18"),
    ("a birthday today: 18", ValueType.DATE, Form.COARSE, "2008-03-01", "18-24"),
    ("born on a leap day", ValueType.DATE, Form.COARSE, "2008-02-29", "18-24"),
    ("65 is the last band", ValueType.DATE, Form.COARSE, "1961-03-01", "65 or over"),
    ("64 is not", ValueType.DATE, Form.COARSE, "1961-03-02", "55-64"),
    ("a coarse time is its month", ValueType.DATETIME, Form.COARSE, 1_700_000_000_123, "2023-11"),
    (
        "coarse money has one digit",
        ValueType.MONEY,
        Form.COARSE,
        98_293,
        {"amount": "900", "currency": "EUR"},
    ),
    ("coarse money below 10", ValueType.MONEY, Form.COARSE, 999, {"amount": "9", "currency": "EUR"}),
    ("coarse money below 1", ValueType.MONEY, Form.COARSE, 99, {"amount": "0", "currency": "EUR"}),
    ("a coarse number has one digit", ValueType.INT, Form.COARSE, 4711, 4000),
    ("a coarse zero", ValueType.INT, Form.COARSE, 0, 0),
    ("a coarse code is its first two characters", ValueType.STRING, Form.COARSE, "10115", "10…"),
]


@pytest.mark.parametrize(
    ("case", "value_type", "form", "stored", "answer"), TABLE, ids=[row[0] for row in TABLE]
)
def test_a_value_is_rendered_in_each_form(
    case: str, value_type: ValueType, form: Form, stored: Any, answer: Any
) -> None:
    """The table has one row for each combination of type and form."""
    assert render_value(value_type, form, stored) == answer, case


@given(st.text(min_size=1), st.text())
def test_a_mask_hides_all_but_the_first_character_and_the_length(prefix: str, rest: str) -> None:
    """Texts with the same first character have the same mask, except e-mail addresses and phone numbers."""
    text = prefix[:1] + rest
    if "@" in text or text.startswith("+"):
        return
    assert render_value(ValueType.STRING, Form.MASKED, text) == f"{text[0]}***"


@given(st.integers(0, 10**12))
def test_a_coarse_number_is_one_digit_and_zeros(value: int) -> None:
    """The coarse number is never larger than the number."""
    coarse = render_value(ValueType.INT, Form.COARSE, value)
    assert coarse <= value
    assert set(str(coarse)[1:]) <= {"0"}


@given(st.lists(st.text(), max_size=5))
def test_each_value_of_a_list_is_rendered(values: list[str]) -> None:
    """Each value has the form of a single value."""
    assert render_value(ValueType.STRING, Form.MASKED, values, many=True) == [
        render_value(ValueType.STRING, Form.MASKED, value) for value in values
    ]


def test_pseudonyms_can_be_joined_within_one_attribute_only() -> None:
    """Equal values have equal pseudonyms; another attribute or key gives another pseudonym."""

    def pseudonymise(value: str, path: str = "contact.email", forms: FormRenderer = FORMS) -> str:
        render = forms.build_render(build_attribute(ValueType.STRING, path=path), Form.PSEUDONYM)
        assert render is not None
        return str(render(value, NOW))

    pseudonyms = [
        pseudonymise("greta"),
        pseudonymise("hugo"),
        pseudonymise("greta", "contact.other"),
        pseudonymise("greta", forms=OTHER_FORMS),
    ]
    assert pseudonymise("greta") == pseudonyms[0]
    assert len(set(pseudonyms)) == 4
    assert all("greta" not in pseudonym and len(pseudonym) == 24 for pseudonym in pseudonyms)
    assert repr(FORMS) == "FormRenderer(****)"


BIRTH_DATES = st.dates(date(1920, 1, 1), date(2020, 12, 31)) | st.sampled_from(
    [
        date(year, month, day)
        for year in (1984, 2000, 2008)
        for month, day in ((2, 29), (3, 1), (12, 31), (1, 1))
    ]
)


@given(BIRTH_DATES, st.sampled_from([(18, "18-24"), (25, "25-34"), (45, "45-54"), (65, "65 or over")]))
def test_an_age_band_begins_on_the_day_on_which_the_law_counts_the_age(
    born: date, first_age_and_band: tuple[int, str]
) -> None:
    """Also for those born on 29 February."""
    years, band = first_age_and_band
    render = FORMS.build_render(build_attribute(ValueType.DATE), Form.COARSE)
    assert render is not None
    day = find_age_day(born, years)
    noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() * 1000)
    day_ms = timedelta(days=1) // timedelta(milliseconds=1)
    assert render(born.isoformat(), noon) == band
    assert render(born.isoformat(), noon - day_ms) != band
