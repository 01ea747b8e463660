"""Spellings of one mailbox, phone or id become one text; what may be two people stays two."""

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, given
from hypothesis import strategies as st

from discretion.seal.normalisation import (
    NORMALISATION_RULES,
    READING_RULES,
    encode_mail_host,
    normalise_email,
    normalise_phone,
    normalise_token,
    read_email,
    read_phone,
)


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("Ann@Shop.Example", "ann@shop.example"),
        ("  ann@shop.example\n", "ann@shop.example"),
        ("\u00a0ann@shop.example", "ann@shop.example"),
        ("ann+news@shop.example", "ann+news@shop.example"),
        ("O'Hara@shop.example", "o'hara@shop.example"),
        ("k@b\u00fccher.example", "k@xn--bcher-kva.example"),
        ("k@bu\u0308cher.example", "k@xn--bcher-kva.example"),
        ("K@B\u00dcCHER.EXAMPLE", "k@xn--bcher-kva.example"),
        ("k@XN--BCHER-KVA.example", "k@xn--bcher-kva.example"),
        ("v@stra\u00dfe.example", "v@xn--strae-oqa.example"),
        ("v@xn--strae-oqa.example", "v@xn--strae-oqa.example"),
        ("mueller@fa\u00df.de", "mueller@xn--fa-hia.de"),
        ("a@\uff11.example", "a@1.example"),
        ("a@x\u3002example", "a@x.example"),
    ],
)
def test_spellings_of_one_mailbox_are_one(spelling: str, expected: str) -> None:
    """Case and surrounding white space do not matter; a host is what IDNA2008 makes of it."""
    assert normalise_email(spelling) == expected


@pytest.mark.parametrize(
    ("address", "other_address"),
    [
        ("v@strasse.example", "v@stra\u00dfe.example"),
        ("mueller@fass.de", "mueller@fa\u00df.de"),
        ("s@\u03c3\u03b1\u03c3.example", "s@\u03c3\u03b1\u03c2.example"),
        ("kate@shop.example", "\u212aate@shop.example"),
        ("fi@shop.example", "\ufb01@shop.example"),
        ("2@shop.example", "\u00b2@shop.example"),
        ("viii@shop.example", "\u2167@shop.example"),
        ("ss@shop.example", "\u00df@shop.example"),
        ("i@shop.example", "\u0130@shop.example"),
        ("i@shop.example", "\u0131@shop.example"),
        ("ann@shop.example", "\u0430nn@shop.example"),
        ("ann@shop.example", "ann+news@shop.example"),
        ("a.b@shop.example", "ab@shop.example"),
    ],
)
def test_mailboxes_that_may_be_two_are_two(address: str, other_address: str) -> None:
    """Whoever owns the second one must not reach the owner of the first."""
    assert normalise_email(address) is not None
    assert normalise_email(address) != normalise_email(other_address)


NO_ADDRESSES = [
    "ann",
    "ann@",
    "ann@shop",
    "a nn@shop.example",
    "@shop.example",
    "a" * 250 + "@shop.example",
    "a" * 65 + "@shop.example",
    "a..b@shop.example",
    ".ann@shop.example",
    "ann@shop..example",
    "ann@-shop.example",
    "ann@shop.example.",
    "ann@sub_domain.example",
    "ann@[192.0.2.1]",
    "ann@\u2603.example",
    '"ann x"@shop.example',
    "a,b@evil.example",
    "victim@x.example,evil@y.example",
    "victim@x.example;evil@y.example",
    "victim@x.example evil@y.example",
    "<ann@shop.example>",
    "Ann <ann@shop.example>",
    "ann@shop.example (Ann)",
    "mailto:ann@shop.example?bcc=evil@y.example",
    "ann@shop.example\r\nBcc: evil@y.example",
    "a\0nn@shop.example",
    "an\u200bn@shop.example",
    "an\u200dn@shop.example",
    "an\u2060n@shop.example",
    "\u202eann@shop.example",
    "ann@sh\u00adop.example",
    "ann@shop.example\u200e",
    "ann\uff20shop.example",
    "ann@localhost",
    "ann@printer.local",
]


@pytest.mark.parametrize("text", NO_ADDRESSES, ids=ascii)
def test_what_is_no_single_address_is_none(text: str) -> None:
    """A code is sent to it: a list, a header or an invisible character would send it to somebody else."""
    assert normalise_email(text) is None
    assert read_email(text) == (None, None)


def test_an_address_is_shown_and_written_to_as_its_owner_spells_it() -> None:
    """Also one that links nobody, because its local part is not ASCII."""
    assert read_email(" Ann.Lee@B\u00fccher.example ")[0] == "Ann.Lee@B\u00fccher.example"
    assert read_email("\u00fcnal@shop.example")[0] == "\u00fcnal@shop.example"
    assert normalise_email("\u00fcnal@shop.example") is None


@pytest.mark.parametrize(
    ("address", "sent_to"),
    [
        ("Ann@B\u00fccher.example", "Ann@xn--bcher-kva.example"),
        ("Ann@Shop.Example", "Ann@shop.example"),
        ("v@stra\u00dfe.example", "v@xn--strae-oqa.example"),
        ("v@strasse.example", "v@strasse.example"),
    ],
)
def test_mail_is_sent_to_the_host_in_a_labels(address: str, sent_to: str) -> None:
    assert encode_mail_host(address) == sent_to


ADDRESS_PARTS = st.text("abAB09._+-x@", min_size=1, max_size=14)
HOST_PARTS = st.sampled_from(
    [
        "shop.example",
        "Mail.Shop.Example",
        "x--y.example",
        "-x.example",
        "a.b.c.d",
        "shop.test",
        "foo.local",
        "1.com",
    ]
)


@given(st.builds("{}@{}".format, ADDRESS_PARTS, HOST_PARTS) | st.emails())
def test_an_address_is_what_the_library_says_it_is(address: str) -> None:
    """Also one that is read without it."""
    try:
        library = validate_email(address, check_deliverability=False, strict=True)
    except EmailNotValidError:
        assert read_email(address) == (None, None)
        return
    assert library.ascii_email is not None
    local_part, _, host = library.ascii_email.rpartition("@")
    assert read_email(address) == (address, f"{local_part.lower()}@{host}")


@given(st.emails())
def test_a_normalised_address_is_its_own_normal_form(address: str) -> None:
    normalised = normalise_email(address)
    assume(normalised is not None)
    assert normalised is not None
    assert normalised.isascii()
    assert normalise_email(normalised) == normalised


@pytest.mark.parametrize(
    ("spelling", "region", "expected"),
    [
        ("+44 20 7946 0123", None, "+442079460123"),
        ("020 7946 0123", "GB", "+442079460123"),
        ("020 7946 0123", "gb", "+442079460123"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("+49 (0)30 23125-001", None, "+493023125001"),
        ("tel:+49-30-23125001", None, "+493023125001"),
        ("+33 (0)1 99 00 99 01", None, "+33199009901"),
    ],
)
def test_notations_of_a_phone_number_are_one(spelling: str, region: str | None, expected: str) -> None:
    assert normalise_phone(spelling, region) == expected
    assert read_phone(spelling, region) == (expected, expected)


@pytest.mark.parametrize(
    ("spelling", "region"),
    [("020 7946 0123", None), ("call me", "GB"), ("1" * 300, "GB"), ("12", "GB"), ("", "GB"), ("+", None)],
)
def test_what_is_no_phone_number_is_none(spelling: str, region: str | None) -> None:
    """National notation needs a region; without one the number is refused, not guessed."""
    assert normalise_phone(spelling, region) is None
    assert read_phone(spelling, region) == (None, None)


@pytest.mark.parametrize(
    ("spelling", "region", "to_call"),
    [
        ("+14155558120 ext. 5", None, "+14155558120;ext=5"),
        ("+14155558120 x7", None, "+14155558120;ext=7"),
        ("tel:+14155558120;ext=23", None, "+14155558120;ext=23"),
        ("110", "DE", "+49110"),
        ("+1 555 867 5309", None, "+15558675309"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("+44 7700 900123", None, "+447700900123"),
        ("+49 900 1 123456", None, "+499001123456"),
        ("+44 844 123 4567", None, "+448441234567"),
        ("+49 180 5 123456", None, "+491805123456"),
        ("+800 1234 5678", None, "+80012345678"),
    ],
)
def test_a_number_of_many_or_of_nobody_can_be_called_and_links_nobody(
    spelling: str, region: str | None, to_call: str
) -> None:
    """Behind an extension many people share a number; others are unassigned, free of charge or companies'."""
    assert normalise_phone(spelling, region) is None
    assert read_phone(spelling, region) == (to_call, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" u-1 ", "u-1"),
        ("\u00e9", "\u00e9"),
        ("e\u0301", "\u00e9"),
        ("", None),
        ("  ", None),
        ("\u200b", None),
        ("\u202e\u2066", None),
        ("\ufeff\0", None),
        ("x" * 255, None),
    ],
)
def test_an_id_has_a_visible_character(text: str, expected: str | None) -> None:
    assert normalise_token(text) == expected


def test_every_rule_has_a_spelling_to_show() -> None:
    assert READING_RULES.keys() == NORMALISATION_RULES.keys()
