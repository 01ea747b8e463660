"""JSON that can be read in one way only (RFC 8259, section 4, leaves duplicate names open)."""

from __future__ import annotations

import json
from typing import Any

import orjson

from discretion.errors import BadRequest

MAX_DEPTH = 64


def strict_json(text: bytes) -> Any:
    """What the text says.

    Every member has one colon outside strings. So the colons of the text are as many as the members
    and the colons in strings of what was read, unless a member was dropped for its twin's sake: a
    count in C and a short walk, where a parser that watches for twins takes longer. Only escapes
    can hide a colon in a string; then that parser is asked.

    Raises:
        BadRequest: ``BODY_NOT_JSON``, ``BODY_TOO_DEEP``, ``BODY_DUPLICATE_KEY``.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequest("BODY_NOT_JSON", "The body is not JSON in UTF-8 (RFC 8259).") from None
    colons = _colons(value)
    if b"\\u003" in text:
        json.loads(text, object_pairs_hook=_members)
    elif text.count(b":") != colons:
        raise _duplicate()
    return value


def _colons(value: Any) -> int:
    """Members and colons in strings, level by level."""
    colons = depth = 0
    level: list[Any] = [[value]]
    while level:
        depth += 1
        if depth > MAX_DEPTH + 1:
            raise BadRequest("BODY_TOO_DEEP", f"JSON is read to a depth of {MAX_DEPTH}.")
        below: list[Any] = []
        for container in level:
            values = container
            if type(container) is dict:
                colons += len(container) + "".join(container).count(":")
                values = container.values()
            for one in values:
                kind = type(one)
                if kind is str:
                    colons += one.count(":")
                elif kind is dict or kind is list:
                    below.append(one)
        level = below
    return colons


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _duplicate()
    return members


def _duplicate() -> BadRequest:
    return BadRequest("BODY_DUPLICATE_KEY", "An object in the body names a member twice.")
