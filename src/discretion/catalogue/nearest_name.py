"""A word that is none of those there are, and the one that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection

_LISTED = 24
"""Choices named in one message; a longer list would hide what it should show."""


def nearest(word: str, choices: Collection[str]) -> str:
    """Advice for a word that is none of ``choices``: the likely one, or all of them if they are few."""
    folded = {choice.casefold(): choice for choice in sorted(choices)}
    close = difflib.get_close_matches(word.casefold(), folded, n=1)
    if close:
        return f"Did you mean {folded[close[0]]!r}?"
    if not choices:
        return "None is declared."
    if len(choices) > _LISTED:
        return f"It is one of {len(choices)}, such as {min(choices)!r}."
    return f"It is one of {', '.join(sorted(choices))}."
