"""Forms: what a coarser form leaves out cannot be computed back from it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.model import Attribute, Form, ValueType
from discretion.reveal.forms import Forms

NOW = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp() * 1000)
FORMS, OTHER = Forms(bytes(32)), Forms(bytes([1]) * 32)


def attribute(kind: ValueType, *, many: bool = False, path: str = "a.b") -> Attribute:
    """An attribute of a type."""
    return Attribute(path, kind, "user", "", (), "P1Y", sealed=False, many=many)


def shown(kind: ValueType, form: Form, value: Any, *, many: bool = False) -> Any:
    """A stored value in a form."""
    render = FORMS.render(attribute(kind, many=many), form)
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
    ("money in clear is cents over 100", ValueType.MONEY, Form.CLEAR, 1999, 19.99),
    ("money owed is negative", ValueType.MONEY, Form.CLEAR, -5, -0.05),
    ("masked e-mail", ValueType.STRING, Form.MASKED, "greta.albrecht@post.example", "g***@p***"),
    ("masked e-mail of one letter", ValueType.STRING, Form.MASKED, "g@p", "g***@p***"),
    ("masked phone keeps the country", ValueType.STRING, Form.MASKED, "+4930123456", "+49***"),
    ("masked text", ValueType.STRING, Form.MASKED, "Greta", "G***"),
    ("masked nothing", ValueType.STRING, Form.MASKED, "", "***"),
    ("a birthday tomorrow: still 17", ValueType.DATE, Form.COARSE, "2008-03-02", "under 18"),
    ("a birthday today: 18", ValueType.DATE, Form.COARSE, "2008-03-01", "18-24"),
    ("born on a leap day", ValueType.DATE, Form.COARSE, "2008-02-29", "18-24"),
    ("65 is the last band", ValueType.DATE, Form.COARSE, "1961-03-01", "65 or over"),
    ("64 is not", ValueType.DATE, Form.COARSE, "1961-03-02", "55-64"),
    ("a coarse time is its month", ValueType.DATETIME, Form.COARSE, 1_700_000_000_123, "2023-11"),
    ("coarse money has one digit", ValueType.MONEY, Form.COARSE, 98_293, 900.0),
    ("coarse money below 10", ValueType.MONEY, Form.COARSE, 999, 9.0),
    ("coarse money below 1", ValueType.MONEY, Form.COARSE, 99, 0.0),
    ("a coarse number has one digit", ValueType.INT, Form.COARSE, 4711, 4000),
    ("a coarse zero", ValueType.INT, Form.COARSE, 0, 0),
    ("a coarse code is its first two characters", ValueType.STRING, Form.COARSE, "10115", "10…"),
]


@pytest.mark.parametrize(("law", "kind", "form", "stored", "answer"), TABLE, ids=[row[0] for row in TABLE])
def test_a_value_in_a_form(law: str, kind: ValueType, form: Form, stored: Any, answer: Any) -> None:
    """By type and form."""
    assert shown(kind, form, stored) == answer, law


@given(st.text(min_size=1), st.text())
def test_a_mask_hides_all_but_the_first_character_and_the_length(first: str, rest: str) -> None:
    """Two texts that begin alike look alike, unless one is an address or a number."""
    text = first[:1] + rest
    if "@" in text or text.startswith("+"):
        return
    assert shown(ValueType.STRING, Form.MASKED, text) == f"{text[0]}***"


@given(st.integers(0, 10**12))
def test_a_coarse_number_is_one_digit_and_zeros(value: int) -> None:
    """And never more than the number."""
    coarse = shown(ValueType.INT, Form.COARSE, value)
    assert coarse <= value
    assert set(str(coarse)[1:]) <= {"0"}


@given(st.lists(st.text(), max_size=5))
def test_a_list_is_shown_value_by_value(values: list[str]) -> None:
    """Each in the form of one."""
    assert shown(ValueType.STRING, Form.MASKED, values, many=True) == [
        shown(ValueType.STRING, Form.MASKED, one) for one in values
    ]


def test_a_pseudonym_joins_within_an_attribute_and_nowhere_else() -> None:
    """Same value, same word; another attribute or another key, another word; the value is not in it."""

    def word(value: str, path: str = "contact.email", forms: Forms = FORMS) -> str:
        render = forms.render(attribute(ValueType.STRING, path=path), Form.PSEUDONYM)
        assert render is not None
        return str(render(value, NOW))

    words = [word("greta"), word("hugo"), word("greta", "contact.other"), word("greta", forms=OTHER)]
    assert word("greta") == words[0]
    assert len(set(words)) == 4
    assert all("greta" not in word and len(word) == 24 for word in words)
    assert repr(FORMS) == "Forms(****)"
