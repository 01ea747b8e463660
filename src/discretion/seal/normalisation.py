"""Normalisation: two spellings of one identifier become one text before they are indexed blindly.

Only what certainly is one mailbox or one phone becomes one text. What can be two stays two: a person who is
found twice can be joined later, and two people who were joined have seen each other's data by then.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

import phonenumbers
from email_validator import EmailNotValidError, ValidatedEmail, validate_email
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
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cn", "Zl", "Zp", "Zs", "Mn", "Me"})


def normalise_email(text: str, _region: str | None = None) -> str | None:
    """Return the mailbox that an e-mail address names, or None if the text is no address that may link.

    The host is in A-labels by IDNA2008, which has ``straße`` and ``strasse`` as two hosts. Of the local part
    only the case of ASCII letters is folded: RFC 5321 leaves its meaning to the host, and no provider in use
    distinguishes that case. A local part outside ASCII may resemble another one, so it links nobody.
    """
    stripped = text.strip()
    address = _parse_email(stripped)
    if address is None or not stripped.rpartition("@")[0].isascii():
        return None
    local_part = address.local_part.translate(_ASCII_LOWER)
    return f"{local_part}@{address.ascii_domain}"


def parse_email_spelling(text: str, _region: str | None = None) -> str | None:
    """Return an e-mail address as its owner spelled it, or None if the text is no single address."""
    stripped = text.strip()
    return None if _parse_email(stripped) is None else stripped


def encode_mail_host(address: str) -> str:
    """Return an address with its host in A-labels, as it is sent to (RFC 5891); the local part stays."""
    parsed_address = _parse_email(address)
    if parsed_address is None:
        return address
    return f"{address.rpartition('@')[0]}@{parsed_address.ascii_domain}"


def _parse_email(text: str) -> ValidatedEmail | None:
    if len(text) > MAX_LENGTH:
        return None
    try:
        return validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return None


def normalise_phone(text: str, region: str | None = None) -> str | None:
    """Return a phone number in E.164 form, or None if it is no number of one person.

    Such a number is assigned, of a personal type and without an extension, behind which many people share
    one number. ``region`` (ISO 3166-1 alpha-2) is the country for numbers in national notation.
    """
    number = _parse_phone(text, region)
    if number is None or number.extension:
        return None
    # An invalid number has no type.
    if phonenumbers.number_type(number) not in _PERSONAL_TYPES:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def parse_phone_spelling(text: str, region: str | None = None) -> str | None:
    """Return a number to call: E.164 with ``;ext=`` (RFC 3966), or None if the text is not one."""
    number = _parse_phone(text, region)
    if number is None:
        return None
    extension = f";ext={number.extension}" if number.extension else ""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) + extension


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


def _has_visible_character(text: str) -> bool:
    return any(unicodedata.category(character) not in _INVISIBLE_CATEGORIES for character in text)


# A changed rule gives identifiers another blind index: those that are stored would no longer be found.
NORMALISATION_RULES: Mapping[str, Callable[[str, str | None], str | None]] = MappingProxyType(
    {"email": normalise_email, "e164": normalise_phone, "token": normalise_token}
)
"""Rules that an identifier type of the catalogue can name: spelling to the text that is indexed."""

SPELLING_RULES: Mapping[str, Callable[[str, str | None], str | None]] = MappingProxyType(
    {"email": parse_email_spelling, "e164": parse_phone_spelling, "token": normalise_token}
)
"""By the same names: spelling to the value that is stored to be shown, also where it may link nobody."""
