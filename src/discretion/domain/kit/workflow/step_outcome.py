"""What a step comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Done:
    """The step is over. ``told`` is kept with the request, by its names; no personal data."""

    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Later:
    """The step waits for something: it is asked again ``after_ms`` from now, which is no failure."""

    after_ms: int
    why: str


Outcome = Done | Later
