"""Two spellings of one identifier become one text before they are indexed blindly."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

import phonenumbers

LONGEST = 254
"""Characters; the longest address RFC 5321 section 4.5.3.1.3 can carry."""


def email(text: str, _region: str | None = None) -> str | None:
    """Folded e-mail address, or None if it is not one.

    RFC 5321 lets the local part be case-sensitive; no mailbox provider in use is, and people
    do not spell their own address the same way twice.
    """
    folded = unicodedata.normalize("NFKC", text).strip().casefold()
    local, at, host = folded.rpartition("@")
    if not at or not local or "." not in host or len(folded) > LONGEST:
        return None
    if any(character.isspace() for character in folded) or host.startswith(".") or host.endswith("."):
        return None
    return folded


def e164(text: str, region: str | None = None) -> str | None:
    """Phone number in E.164 form, or None if it is not one.

    ``region`` (ISO 3166-1 alpha-2) reads numbers in national notation.
    """
    if len(text) > LONGEST:
        return None
    try:
        number = phonenumbers.parse(text, region.upper() if region else None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def token(text: str, _region: str | None = None) -> str | None:
    """An opaque identifier: compared as it stands, without surrounding space."""
    stripped = unicodedata.normalize("NFC", text).strip()
    if not stripped or len(stripped) > LONGEST:
        return None
    return stripped


RULES: Mapping[str, Callable[[str, str | None], str | None]] = MappingProxyType(
    {"email": email, "e164": e164, "token": token}
)
"""Rules an identifier type of the catalogue can name."""
