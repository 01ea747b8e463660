"""Suggestions for a name that is not declared."""

from __future__ import annotations

import difflib
from collections.abc import Collection

_MAX_LISTED = 24
"""Most choices that one message lists; a longer list is hard to read."""


def suggest_name(unknown_name: str, choices: Collection[str]) -> str:
    """Return advice for a name that is none of ``choices``: the closest one, or all if they are few."""
    choice_by_folded_name = {choice.casefold(): choice for choice in sorted(choices)}
    close_matches = difflib.get_close_matches(unknown_name.casefold(), choice_by_folded_name, n=1)
    if close_matches:
        return f"Did you mean {choice_by_folded_name[close_matches[0]]!r}?"
    if not choices:
        return "None is declared."
    if len(choices) > _MAX_LISTED:
        return f"It is one of {len(choices)}, such as {min(choices)!r}."
    return f"It is one of {', '.join(sorted(choices))}."
