"""What is wrong with a catalogue, told so that the next edit is the right one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """``path:line``: what is ``wrong``, and what would be ``right``."""

    path: Path
    line: int
    wrong: str
    right: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.wrong}. {self.right}"
