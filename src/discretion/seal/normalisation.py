"""Normalisation: two spellings of one identifier become one text before they are indexed blindly.

Only what certainly is one mailbox or one phone becomes one text. What can be two stays two: a person who is
found twice can be joined later, and two people who were joined have seen each other's data by then.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, ValidatedEmail, validate_email
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

MAX_LENGTH = 254
"""In characters; the longest address that RFC 5321 section 4.5.3.1.3 allows."""

_PERSONAL_TYPES = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.VOIP,
    }
)
"""Types of numbers that a person may have. Others belong to companies, such as freephone and premium rate."""
_PLAIN_ADDRESS = re.compile(
    r"[A-Za-z0-9_+-]{1,30}(?:\.[A-Za-z0-9_+-]{1,30})?@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,40}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,20}"
)
_SPECIAL_ENDINGS = frozenset(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES)
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cn", "Zl", "Zp", "Zs", "Mn", "Me"})


ReadIdentifier = tuple[str | None, str | None]
"""What is stored of an identifier to be shown, and the text that it links by; None if it is none."""


def read_email(text: str, _region: str | None = None) -> ReadIdentifier:
    """Return an e-mail address as its owner spelled it, and the mailbox that it names.

    The host is in A-labels by IDNA2008, which has ``straße`` and ``strasse`` as two hosts. Of the local part
    only the case of ASCII letters is folded: RFC 5321 leaves its meaning to the host, and no provider in use
    distinguishes that case. A local part outside ASCII may resemble another one, so it links nobody.
    """
    stripped = text.strip()
    if _is_plain_address(stripped):
        return stripped, stripped.lower()
    address = _parse_email(stripped)
    if address is None:
        return None, None
    if not stripped.rpartition("@")[0].isascii():
        return stripped, None
    return stripped, f"{address.local_part.translate(_ASCII_LOWER)}@{address.ascii_domain}"


def normalise_email(text: str, _region: str | None = None) -> str | None:
    """Return the mailbox that an e-mail address names, or None if the text is no address that may link."""
    return read_email(text)[1]


def encode_mail_host(address: str) -> str:
    """Return an address with its host in A-labels, as it is sent to (RFC 5891); the local part stays."""
    parsed_address = _parse_email(address)
    if parsed_address is None:
        return address
    return f"{address.rpartition('@')[0]}@{parsed_address.ascii_domain}"


def _is_plain_address(text: str) -> bool:
    """Return whether a text is an ASCII address as nearly all are.

    The library takes such an address as it is, which a test shows, and needs ten times as long.
    """
    return (
        len(text) <= MAX_LENGTH
        and _PLAIN_ADDRESS.fullmatch(text) is not None
        and "--" not in text
        and text.rpartition(".")[2].lower() not in _SPECIAL_ENDINGS
    )


def _parse_email(text: str) -> ValidatedEmail | None:
    if len(text) > MAX_LENGTH:
        return None
    try:
        return validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return None


def read_phone(text: str, region: str | None = None) -> ReadIdentifier:
    """Return a number to call (E.164, with ``;ext=`` as in RFC 3966), and the number of one person in E.164.

    Such a number is assigned, of a personal type and without an extension, behind which many people share
    one number. ``region`` (ISO 3166-1 alpha-2) is the country for numbers in national notation.
    """
    number = _parse_phone(text, region)
    if number is None:
        return None, None
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if number.extension:
        return f"{e164};ext={number.extension}", None
    # An invalid number has no type.
    return e164, e164 if phonenumbers.number_type(number) in _PERSONAL_TYPES else None


def normalise_phone(text: str, region: str | None = None) -> str | None:
    """Return the phone number of one person in E.164, or None if the text is not one."""
    return read_phone(text, region)[1]


def _parse_phone(text: str, region: str | None) -> PhoneNumber | None:
    if len(text) > MAX_LENGTH:
        return None
    try:
        number = phonenumbers.parse(text, region.upper() if region else None)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None


def normalise_token(text: str, _region: str | None = None) -> str | None:
    """Return an opaque identifier without surrounding white space, or None if it is empty or too long.

    Text without a visible character is empty.
    """
    stripped = unicodedata.normalize("NFC", text).strip()
    if len(stripped) > MAX_LENGTH or not _has_visible_character(stripped):
        return None
    return stripped


def read_token(text: str, _region: str | None = None) -> ReadIdentifier:
    """Return an opaque identifier, which is shown as it is compared."""
    normalised = normalise_token(text)
    return normalised, normalised


def _has_visible_character(text: str) -> bool:
    if text.isascii() and text.isprintable():
        return text.strip() != ""
    return any(unicodedata.category(character) not in _INVISIBLE_CATEGORIES for character in text)


# A changed rule gives identifiers another blind index: those that are stored would no longer be found.
NORMALISATION_RULES: Mapping[str, Callable[[str, str | None], str | None]] = MappingProxyType(
    {"email": normalise_email, "e164": normalise_phone, "token": normalise_token}
)
"""Rules that an identifier type of the catalogue can name: spelling to the text that is indexed."""

READING_RULES: Mapping[str, Callable[[str, str | None], ReadIdentifier]] = MappingProxyType(
    {"email": read_email, "e164": read_phone, "token": read_token}
)
"""By the same names: spelling to what is shown and what is indexed."""
