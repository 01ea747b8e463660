"""Outcomes of a workflow step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class StepDone:
    """The step is done. ``result`` is stored with the request as ``told``; no personal data."""

    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepWaiting:
    """The step waits for an external event; it runs again after ``retry_after_ms``. This is no failure."""

    retry_after_ms: int
    reason: str


StepOutcome = StepDone | StepWaiting
