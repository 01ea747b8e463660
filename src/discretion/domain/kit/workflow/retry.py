"""Waits between attempts: doubled after each failure, up to a longest wait."""

from __future__ import annotations

from dataclasses import dataclass

# Attempts are not limited everywhere, so the exponent is.
_MAX_DOUBLINGS = 40


@dataclass(frozen=True, slots=True)
class Backoff:
    """The waits of one kind of work, in ms: after the first failure, and at most."""

    min_ms: int
    max_ms: int

    def compute_delay(self, failures: int) -> int:
        """Return the wait in ms after this many failures in a row, at least one."""
        doublings = min(max(failures, 1) - 1, _MAX_DOUBLINGS)
        return min(self.min_ms << doublings, self.max_ms)

    def compute_spread_delay(self, failures: int, random_bytes: bytes) -> int:
        """Return a random wait between half of the delay and all of it.

        It spreads the attempts that follow an outage of a server on which much work waited.
        """
        half = self.compute_delay(failures) // 2
        return half + int.from_bytes(random_bytes) % half
