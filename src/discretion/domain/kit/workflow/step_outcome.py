"""Outcomes of a workflow step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from discretion.store.document import JsonValue


@dataclass(frozen=True, slots=True)
class StepDone:
    """The step is done. ``result`` is stored with the step in the request; no personal data."""

    result: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepWaiting:
    """The step waits for an external event; it runs again after ``retry_after_ms``. This is no failure."""

    retry_after_ms: int
    reason: str


StepOutcome = StepDone | StepWaiting
