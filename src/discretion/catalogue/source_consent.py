"""What a source's statements about purposes count for, as ``sources.yaml`` declares it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time


@dataclass(frozen=True, slots=True)
class SetAside:
    """Acceptances of one sender that count no longer, such as those of a faulty cookie banner.

    Refusals cannot be set aside: only the person withdraws what they refused.

    Attributes:
        reason: Why, for the people concerned.
        by: Who decided it.
        first_day: The first day (UTC) of the acceptances; None for all since the beginning.
        end_day: The day (UTC) before which they end; None for all that will come.
    """

    reason: str
    by: str
    first_day: date | None = None
    end_day: date | None = None

    @property
    def start_ms(self) -> int:
        """The first moment of the period (ms)."""
        return 0 if self.first_day is None else _find_midnight(self.first_day)

    @property
    def end_ms(self) -> int:
        """The moment before which the period ends (ms)."""
        return 2**62 if self.end_day is None else _find_midnight(self.end_day)

    def includes(self, start_ms: int, end_ms: int) -> bool:
        """Return whether the period has a moment of this one; both ends belong to it."""
        return start_ms < self.end_ms and end_ms >= self.start_ms


@dataclass(frozen=True, slots=True)
class SourceConsent:
    """What a source's statements count for.

    Attributes:
        repeated_under_login: Whether an acceptance that the source repeats with every message counts for the
            person who is logged in. A banner's state on a device that several people use says nothing about
            them. A refusal always counts.
        ids: By id of the source's consent manager, the purposes or nodes of their tree that a yes to it
            accepts and a no to it refuses.
        set_aside: Which of its acceptances count no longer.
    """

    repeated_under_login: bool = True
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    set_aside: Sequence[SetAside] = ()

    def find_set_aside(self, start_ms: int, end_ms: int) -> SetAside | None:
        """Return what sets aside an acceptance that was made, or repeated, in this period (ms)."""
        return next((item for item in self.set_aside if item.includes(start_ms, end_ms)), None)


def _find_midnight(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp() * 1000)
