"""The shape of a value: its type and a class of its length, and nothing of its content."""

from __future__ import annotations

_LENGTHS = ((0, "no"), (10, "1 to 10"), (50, "11 to 50"), (500, "51 to 500"))
_LONGEST = "more than 500"


def describe_shape(value: object) -> str:
    """Return the shape of a JSON value, such as ``text of 11 to 50 characters``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "whole number"
    if isinstance(value, float):
        return "decimal number"
    if isinstance(value, str):
        return f"text of {_describe_length(value)} characters"
    if isinstance(value, list):
        kinds = {describe_shape(item).split(" of ")[0] for item in value[:10]}
        items = next(iter(kinds)) if len(kinds) == 1 else "different types" if kinds else "nothing"
        return f"list of {_describe_length(value)} items: {items}"
    return f"object of {_describe_length(value)} members" if isinstance(value, dict) else "no JSON"


def _describe_length(value: str | list[object] | dict[str, object]) -> str:
    length = len(value)
    return next((text for limit, text in _LENGTHS if length <= limit), _LONGEST)
