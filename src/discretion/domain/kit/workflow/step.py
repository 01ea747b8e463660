"""A step of a workflow: its name and what runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_name import StepName
from discretion.domain.kit.workflow.step_outcome import StepOutcome
from discretion.store.subject_request import SubjectRequest

StepAction = Callable[[SubjectRequest, Lease], Awaitable[StepOutcome]]
"""Runs one step of a request. A step must be idempotent: it may run twice."""


@dataclass(frozen=True, slots=True)
class WorkflowStep:
    """A step, by the name under which requests store it."""

    name: StepName
    action: StepAction


def list_actions(workflows: Iterable[Iterable[WorkflowStep]]) -> Mapping[str, StepAction]:
    """Return the action of each step of some workflows, by its stored name."""
    return {step.name.value: step.action for steps in workflows for step in steps}
