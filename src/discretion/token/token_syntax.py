"""The syntax of a token, checked before any library sees it (RFC 7515, RFC 8725).

A token has three canonical base64url segments, JSON without duplicate members, and a header that names a key
and nothing else. A library accepts every valid spelling of a token; this package accepts exactly one.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from discretion.errors import Unauthenticated

MAX_TOKEN_BYTES = 8 * 1024
MAX_DEPTH = 16
# ``\Z`` and not ``$``, which also matches before a final line feed.
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
_HEADER = frozenset({"alg", "kid", "typ"})


def split_token(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a token. They are not verified yet.

    Raises:
        Unauthenticated: ``TOKEN_MALFORMED``.
    """
    # The length first: an oversized token is not decoded.
    if len(token) > MAX_TOKEN_BYTES or not _SHAPE.match(token):
        raise build_malformed_error()
    header, claims, signature = token.split(".")
    _decode_segment(signature)
    parsed_header = parse_json_object(_decode_segment(header))
    if not parsed_header.keys() <= _HEADER or not all(
        isinstance(member, str) for member in parsed_header.values()
    ):
        raise build_malformed_error("its header has other members than alg, kid and typ")
    return parsed_header, parse_json_object(_decode_segment(claims))


def parse_json_object(body: bytes) -> dict[str, Any]:
    """Return a JSON object; duplicate members, infinite numbers and deep nesting are refused.

    Raises:
        Unauthenticated: ``TOKEN_MALFORMED``.
    """
    try:
        parsed = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_build_unique_members,
            parse_float=_parse_finite,
            parse_constant=_reject_constant,
        )
    # ``json.loads`` is recursive: a deeply nested text ends in a RecursionError.
    except (ValueError, RecursionError):
        raise build_malformed_error() from None
    if not isinstance(parsed, dict) or _is_deeper_than(MAX_DEPTH, parsed):
        raise build_malformed_error()
    return parsed


def build_malformed_error(
    reason: str = "it is not a signed JSON Web Token in compact form",
) -> Unauthenticated:
    """Return the error for a token that this platform cannot have issued."""
    return Unauthenticated(
        "TOKEN_MALFORMED", f"The token is refused: {reason}.", "Send the whole token as it was issued."
    )


def _decode_segment(segment: str) -> bytes:
    """Decode base64url. Only its canonical spelling is accepted, so that a token has one spelling."""
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        raise build_malformed_error() from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        raise build_malformed_error("a segment is not canonical base64url")
    return raw


def _build_unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # RFC 7519, section 4, also allows a parser to use the last of two equal claims. Two parsers could then
    # read two different grants from one signed token.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _is_deeper_than(depth: int, parsed: Any) -> bool:
    level = [parsed]
    for _ in range(depth):
        level = [
            inner for value in level if isinstance(value, dict | list) for inner in _list_nested_values(value)
        ]
    return any(isinstance(value, dict | list) for value in level)


def _list_nested_values(part: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return part.values() if isinstance(part, dict) else part


def _reject_constant(_name: str) -> NoReturn:
    raise ValueError("not a JSON number")
