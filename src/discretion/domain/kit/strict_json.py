"""A JSON parser that refuses duplicate names, whose meaning RFC 8259, section 4, leaves open.

Two parsers may read such a text differently, so a signature or a check of one reading does not hold for the
other.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from discretion.errors import BadRequest

MAX_DEPTH = 64


def parse_strict_json(text: bytes) -> Any:
    """Parse a JSON text whose objects have no duplicate names.

    Raises:
        BadRequest: ``BODY_NOT_JSON``, ``BODY_TOO_DEEP``, ``BODY_DUPLICATE_KEY``.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequest("BODY_NOT_JSON", "The body is not JSON in UTF-8 (RFC 8259).") from None
    refuse_duplicate_names(text, value)
    return value


def refuse_duplicate_names(text: bytes, value: Any, max_depth: int = MAX_DEPTH) -> None:
    r"""Raise if an object of a JSON text has a name twice; ``value`` is the parsed text.

    Each member has one colon outside strings. Therefore the text has as many colons as the parsed value has
    members and colons in strings, unless the parser dropped a duplicate. Counting takes less time than a
    parser that checks names. Only an escape (``\u003a``) can hide a colon in a string; such texts go to
    that parser.

    Raises:
        BadRequest: ``BODY_TOO_DEEP``, ``BODY_DUPLICATE_KEY``.
    """
    colons = _count_colons(value, max_depth)
    # A colon is escaped as ``\u003a`` or ``\u003A``; both have this prefix.
    if b"\\u003" in text:
        try:
            json.loads(text, object_pairs_hook=_reject_duplicates)
        except RecursionError:
            raise _too_deep(max_depth) from None
    elif text.count(b":") != colons:
        raise _duplicate_member()


def _count_colons(value: Any, max_depth: int) -> int:
    """Count members and colons in strings, level by level: recursion would overflow on a deep text."""
    colons = depth = 0
    level: list[Any] = [[value]]
    while level:
        depth += 1
        if depth > max_depth + 1:
            raise _too_deep(max_depth)
        next_level: list[Any] = []
        for container in level:
            values = container
            if type(container) is dict:
                colons += len(container) + "".join(container).count(":")
                values = container.values()
            for item in values:
                item_type = type(item)
                if item_type is str:
                    colons += item.count(":")
                elif item_type is dict or item_type is list:
                    next_level.append(item)
        level = next_level
    return colons


def _reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _duplicate_member()
    return members


def _too_deep(max_depth: int) -> BadRequest:
    return BadRequest("BODY_TOO_DEEP", f"JSON is read to a depth of {max_depth}.")


def _duplicate_member() -> BadRequest:
    return BadRequest("BODY_DUPLICATE_KEY", "An object in the body names a member twice.")
