"""What a person's own choices, age and requests permit: the ``allow`` integer.

One pure function turns the state into bits. The bits are stored with the customer in the same
transaction as whatever changed them, so the next read anywhere obeys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from discretion.catalogue.model import Basis, Catalogue, Purpose

CONSENT_AGE_YEARS = 16
"""Below this age a child's own consent does not count; the strictest age of GDPR Art. 8(1)."""

_BINDING = frozenset({Basis.LEGAL_OBLIGATION, Basis.VITAL_INTEREST, Basis.PUBLIC_TASK})


@dataclass(frozen=True, slots=True, order=True)
class Choice:
    """What a person said about a purpose: when (ms), in which message, and whether they agreed."""

    at: int
    message: str
    given: bool


@dataclass(frozen=True, slots=True)
class PersonState:
    """Everything ``allow`` depends on.

    ``choices`` holds, for each source record, the latest word on each purpose: two sources
    may have heard different things, and then the most restrictive counts. ``minor_until`` is
    when the person reaches the age of consent, in ms, or None.
    """

    choices: tuple[Mapping[str, Choice], ...] = field(default=(), repr=False)
    restricted: bool = False
    minor_until: int | None = field(default=None, repr=False)


def permits(purpose: Purpose, state: PersonState, now_ms: int) -> bool:
    """Whether this person lets ``purpose`` be pursued now, by its legal basis.

    Restriction (GDPR Art. 18(2)) leaves only what law or life demands. Consent must have been
    given (Art. 6(1)(a), 7) by someone old enough (Art. 8); a legitimate interest ends with an
    objection (Art. 21(1)).
    """
    if purpose.basis in _BINDING:
        return True
    if state.restricted:
        return False
    word = said(purpose.key, state.choices)
    if purpose.basis is Basis.CONSENT:
        minor = state.minor_until is not None and now_ms < state.minor_until
        return word is True and not minor
    if purpose.basis is Basis.LEGITIMATE_INTEREST:
        return word is not False
    return True


def said(purpose: str, records: Iterable[Mapping[str, Choice]]) -> bool | None:
    """What a person said about a purpose, or None if nothing.

    A word about a node covers its descendants; of the words along one branch in one record the
    latest counts, and refusal wins a tie. Between records the most restrictive counts.
    """
    answer: bool | None = None
    for choices in records:
        if not choices:
            continue
        along = [choices[node] for node in branch(purpose) if node in choices]
        if not along:
            continue
        latest = max(choice.at for choice in along)
        if not all(choice.given for choice in along if choice.at == latest):
            return False
        answer = True
    return answer


@lru_cache(maxsize=1024)
def branch(purpose: str) -> tuple[str, ...]:
    """A purpose and its ancestors: ``a.b.c`` gives ``a``, ``a.b``, ``a.b.c``."""
    steps = purpose.split(".")
    return tuple(".".join(steps[: n + 1]) for n in range(len(steps)))


def allow(catalogue: Catalogue, state: PersonState, now_ms: int) -> int:
    """The bits of every purpose this person permits now."""
    bits = 0
    for purpose in catalogue.purposes.values():
        if permits(purpose, state, now_ms):
            bits |= 1 << purpose.bit
    return bits
