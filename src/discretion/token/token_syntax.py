"""What a token must look like before any library sees it (RFC 7515, RFC 8725).

Three canonical base64url segments, JSON without a second meaning, and a header that names a key
and nothing else. A library is lenient where it must serve everyone; we issue what we accept.
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

MAX_TOKEN = 8 * 1024
MAX_DEPTH = 16
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
_HEADER = frozenset({"alg", "kid", "typ"})


def split(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, not yet verified.

    Raises:
        Unauthenticated: ``TOKEN_MALFORMED``.
    """
    if len(token) > MAX_TOKEN or not _SHAPE.match(token):
        raise malformed()
    header, claims, signature = token.split(".")
    _decode(signature)
    parsed_header = parse(_decode(header))
    if not parsed_header.keys() <= _HEADER or not all(isinstance(one, str) for one in parsed_header.values()):
        raise malformed("its header has other members than alg, kid and typ")
    return parsed_header, parse(_decode(claims))


def parse(body: bytes) -> dict[str, Any]:
    """A JSON object in which no member stands twice, no number is infinite and nothing lies too deep."""
    try:
        parsed = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_members,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError):
        raise malformed() from None
    if not isinstance(parsed, dict) or _deeper_than(MAX_DEPTH, parsed):
        raise malformed()
    return parsed


def malformed(why: str = "it is not a signed JSON Web Token in compact form") -> Unauthenticated:
    """The refusal of a token that cannot be one of ours."""
    return Unauthenticated("TOKEN_MALFORMED", f"The token is refused: {why}.")


def _decode(segment: str) -> bytes:
    """Base64url that is written in its one canonical way, so that a token has one spelling."""
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        raise malformed() from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        raise malformed("a segment is not canonical base64url")
    return raw


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("too large to be a number")
    return number


def _deeper_than(depth: int, parsed: Any) -> bool:
    level = [parsed]
    for _ in range(depth):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
    return any(isinstance(one, dict | list) for one in level)


def _inside(part: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return part.values() if isinstance(part, dict) else part


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("not a JSON number")
