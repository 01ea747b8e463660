"""Amounts in minor units: read exactly, and rounded half up only where digits are left over."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from discretion.catalogue.money import MINOR_UNITS, UnreadableAmount, find_currency, parse_amount

AMOUNTS = st.one_of(
    st.integers(-(10**14), 10**14),
    st.floats(-1e14, 1e14),
    st.decimals(-(10**14), 10**14, places=4).map(lambda amount: format(amount, "f")),
    st.from_regex(r"[+-]?[0-9]{1,14}([.][0-9]{1,6})?", fullmatch=True),
)


@given(AMOUNTS, st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
@example(79.9, "EUR")
@example("00012.5", "KWD")
@example(7.0, "JPY")
@example("7.", "EUR")
@example(".5", "EUR")
def test_an_amount_is_its_decimal_in_minor_units(value: float | str, currency: str) -> None:
    """Whichever notation a sender uses; the oracle computes in decimals."""
    text = str(value)
    try:
        minor = parse_amount(value, currency)
    except UnreadableAmount:
        assert isinstance(value, str)
        assert text.startswith(".") or text.endswith(".")
    else:
        assert minor == Decimal(text).scaleb(MINOR_UNITS[currency]).quantize(Decimal(1), ROUND_HALF_UP)


@pytest.mark.parametrize("text", ["", ".", "1,000", "1_0", "\u0661", "\u00b2", "1e3", " 1", "EUR 5", "-"])
def test_a_text_in_another_notation_is_no_amount(text: str) -> None:
    with pytest.raises(UnreadableAmount):
        parse_amount(text, "EUR")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("EUR", "EUR"), (" eur ", "EUR"), (978, "EUR"), ("840", "USD"), (True, None), ("XAU", None), ("", None)],
)
def test_a_currency_is_a_code_in_any_case_or_a_number(value: object, expected: str | None) -> None:
    assert find_currency(value) == expected
