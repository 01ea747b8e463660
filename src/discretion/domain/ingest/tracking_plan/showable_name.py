"""Which names that a sender chose may be stored and shown: names, and nothing that looks like a value."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME_LENGTH = 60
MAX_DIGITS = 4
"""More digits in a row look like a phone number, a date or the number of an account."""

_SIGNS = frozenset(" _.:$/-")
_PERSONAL_SHAPES = re.compile(
    rf"\d{{{MAX_DIGITS + 1},}}"  # a number
    r"|\d[\d ./:-]{5,}\d"  # a phone number, a date, an IP address
    r"|(?i:(?=[0-9a-f-]*\d)[0-9a-f]{8}(-[0-9a-f]{4}|[0-9a-f]{4}))"  # a UUID or a digest
    r"|(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{24,}"  # a token
    r"|(?i:\bat\b.+\bdot\b|\.(com|org|net|example)\b)"  # an address
)


def is_showable_name(name: object) -> bool:
    """Return whether a name may be stored and shown.

    It has letters that are written from left to right, digits and few signs: no control characters, which
    would steer a terminal, and no ``@``. It does not look like an address, a number or an id.
    """
    return (
        isinstance(name, str)
        and 0 < len(name) <= MAX_NAME_LENGTH
        and all(_is_plain(character) for character in name)
        and unicodedata.normalize("NFKC", name) == name
        and not _PERSONAL_SHAPES.search(name)
    )


def _is_plain(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character in _SIGNS
    return character.isalpha() and unicodedata.bidirectional(character) == "L"
