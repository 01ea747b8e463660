"""What is wrong with a catalogue, told so that the next edit is the right one."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_LISTED = 24
"""Choices named in one message; a longer list would hide what it should show."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """``path:line``: what is ``wrong``, and what would be ``right``."""

    path: Path
    line: int
    wrong: str
    right: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.wrong}. {self.right}"


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
