"""Normalisation: two spellings of one identifier become one text before they are indexed blindly."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

import phonenumbers

MAX_LENGTH = 254
"""In characters; the longest address that RFC 5321 section 4.5.3.1.3 allows."""


def normalise_email(text: str, _region: str | None = None) -> str | None:
    """Return the case-folded e-mail address, or None if the text is not one.

    RFC 5321 allows a case-sensitive local part. No mailbox provider in use distinguishes case, and people do
    not spell their own address the same way each time.
    """
    folded = unicodedata.normalize("NFKC", text).strip().casefold()
    local, separator, host = folded.rpartition("@")
    if not separator or not local or "." not in host or len(folded) > MAX_LENGTH:
        return None
    if any(character.isspace() for character in folded) or host.startswith(".") or host.endswith("."):
        return None
    return folded


def normalise_phone(text: str, region: str | None = None) -> str | None:
    """Return the phone number in E.164 form, or None if the text is not one.

    ``region`` (ISO 3166-1 alpha-2) is the country for numbers in national notation.
    """
    if len(text) > MAX_LENGTH:
        return None
    try:
        number = phonenumbers.parse(text, region.upper() if region else None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normalise_token(text: str, _region: str | None = None) -> str | None:
    """Return an opaque identifier without surrounding white space, or None if it is empty or too long."""
    stripped = unicodedata.normalize("NFC", text).strip()
    if not stripped or len(stripped) > MAX_LENGTH:
        return None
    return stripped


# A changed rule gives identifiers another blind index: those that are stored would no longer be found.
NORMALISATION_RULES: Mapping[str, Callable[[str, str | None], str | None]] = MappingProxyType(
    {"email": normalise_email, "e164": normalise_phone, "token": normalise_token}
)
"""Rules that an identifier type of the catalogue can name."""
