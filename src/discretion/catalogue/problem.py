"""A problem of a configuration file, with its place and a correction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class ConfigurationProblem:
    """A problem at ``path:line``: the ``fault``, and the ``advice`` that corrects it."""

    path: Path
    line: int
    fault: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.fault}. {self.advice}"
