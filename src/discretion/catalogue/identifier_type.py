"""Types of external identifiers, and the rules for linking source records by them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from discretion.catalogue.duration import parse_duration


# Without slots: ``cached_property`` needs the instance's ``__dict__``.
@dataclass(frozen=True)
class IdentifierType:
    """A type of external identifier, and the rules for linking source records by it.

    Attributes:
        normalise: The rule of ``seal/normalisation.py`` that turns two spellings into one value:
            ``email``, ``e164`` or ``token``.
        priority: Where links contradict each other, the type with the lower number wins.
        most: How many values of the type one person may have from one source; None for no limit.
        within: The period in which ``most`` is counted (ISO 8601 duration); None for all time.
        shared_by: A value that more source records name is shared and links no records.
        blocked: Regular expressions of values that identify no person.
        context: Dotted places in a tracking call's ``context`` that hold one; the first one found wins.
    """

    key: str
    normalise: str
    category: str
    description: str
    priority: int = 100
    most: int | None = None
    within: str | None = None
    shared_by: int = 20
    blocked: tuple[str, ...] = ()
    context: tuple[str, ...] = ()

    @cached_property
    def blocked_pattern(self) -> re.Pattern[str]:
        """Pattern that matches a whole normalised value if it is blocked."""
        return re.compile(
            "|".join(f"(?:{expression})" for expression in self.blocked) or r"(?!)", re.IGNORECASE
        )

    @cached_property
    def within_ms(self) -> int | None:
        """``within`` in milliseconds, with 30 days to a month; None for all time."""
        if self.within is None:
            return None
        return parse_duration(self.within).approximate_ms
