"""Names that a sender chose are hostile input: only what is a name and looks like nobody's data is shown."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.domain.ingest.tracking_plan.showable_name import MAX_NAME_LENGTH, is_showable_name


@pytest.mark.parametrize(
    "name",
    [
        "hatSize",
        "hat_size",
        "Moon Landed",
        "address.zip",
        "$device_id",
        "utm_source",
        "Größe",
        "Заказ оформлен",
        "注文",
        "line_item_2",
        "marketing_opt_in_newsletter_flag",
        "checkout-step:3",
    ],
)
def test_a_name_is_shown(name: str) -> None:
    assert is_showable_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ann@mail.example",
        "ann at mail dot example",
        "mail.example.com",
        "+49 171 1234567",
        "4915112345678",
        "customer 104233",
        "1990-02-03",
        "192.168.100.12",
        "550e8400-e29b-41d4-a716-446655440000",
        "9f86d081884c7d659a2f",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6",
        "\x1b[31mred",
        "a\nb",
        "\u202egnirts",
        "a\u200bb",
        "שלום",
        "ﬁle",
        "x" * (MAX_NAME_LENGTH + 1),
        "<script>",
        "\ud800",
        None,
        7,
        ["a"],
    ],
)
def test_what_looks_like_a_value_or_steers_a_terminal_is_not_shown(name: object) -> None:
    assert not is_showable_name(name)


@given(st.text(max_size=200))
def test_a_shown_name_is_short_and_steers_nothing(name: str) -> None:
    if is_showable_name(name):
        assert len(name) <= MAX_NAME_LENGTH
        assert name.isprintable()
        assert not set(name) & set("@<>&'\"`\\;|()[]{}*?!%#^~=+,\t\n")


@given(st.text(string.ascii_lowercase, min_size=1), st.text(string.ascii_lowercase, min_size=1))
def test_no_address_is_shown(local_part: str, domain: str) -> None:
    assert not is_showable_name(f"{local_part}@{domain}.example")


@given(st.integers(10_000, 10**15))
def test_no_number_of_five_digits_or_more_is_shown(number: int) -> None:
    assert not is_showable_name(f"id {number}")
