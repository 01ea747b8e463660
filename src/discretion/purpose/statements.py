"""Statements of a person about purposes, and which of them count.

A source record holds what one source knows about a person. A statement is *explicit* if the person made it
themselves or the source's message is about nothing else; it is *ambient* if the source sends it with every
message. A later ambient refusal withdraws an explicit acceptance, but an ambient acceptance never overrides
an explicit refusal: a page that was not informed of the refusal keeps sending the acceptance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from discretion.catalogue.duration import add_duration
from discretion.catalogue.model import Purpose


@dataclass(frozen=True, slots=True, order=True)
class PurposeChoice:
    """A statement about a purpose.

    Attributes:
        at: When it was made (ms).
        message: The id of the message it came in.
        accepted: Whether the person agreed.
        until: When the acceptance ends (ms), if it was limited.
    """

    at: int
    message: str
    accepted: bool
    until: int | None = None


NodeChoices = tuple[tuple[str, PurposeChoice], ...]
"""The latest statement about each node of the purpose tree."""


@dataclass(frozen=True, slots=True)
class RecordStatements:
    """The statements of one source record.

    Attributes:
        ambient: Statements that the source sends with every message.
        explicit: Statements of the person, and messages about nothing else.
        guardian: Statements of a guardian.
        opted_out_at: When an opt-out signal was last received (ms).
        limits_sensitive_use: Whether the person limited the use of sensitive data.
    """

    ambient: NodeChoices = field(default=(), repr=False)
    explicit: NodeChoices = field(default=(), repr=False)
    guardian: NodeChoices = field(default=(), repr=False)
    opted_out_at: int | None = None
    limits_sensitive_use: bool = False


@dataclass(frozen=True, slots=True)
class EffectiveChoice:
    """What all source records together say about a purpose.

    Attributes:
        accepted: The answer of a person who needs no guardian; None if no statement counts.
        is_own: It is an acceptance, and the person's own.
        is_explicit: It is an acceptance, and an explicit one.
        by_guardian: A guardian accepted and nobody has refused since.
        opted_out: An opt-out signal was received, and no explicit acceptance since.
    """

    accepted: bool | None
    is_own: bool
    is_explicit: bool
    by_guardian: bool
    opted_out: bool


@dataclass(frozen=True, slots=True)
class _RecordChoice:
    """What one record says; ``accepted_at`` is the time of an explicit acceptance, -1 if there is none."""

    accepted: bool | None = None
    is_own: bool = False
    by_guardian: bool = False
    refused: bool = False
    accepted_at: int = -1


def compute_effective_choice(
    purpose: Purpose, records: Sequence[RecordStatements], now_ms: int, since: int = 0
) -> EffectiveChoice:
    """Return what counts about a purpose at ``now_ms``.

    A statement about a node covers its descendants. Of the statements along one branch in one record the
    latest counts; refusal wins a tie. Between records the most restrictive counts. An acceptance counts from
    ``since`` (ms) on, for the time it was given for and for at most the purpose's ``lasts``; a refusal always
    counts. A guardian's acceptance stays valid when the child has come of age (EDPB Guidelines 05/2020, 149).
    But a person who needs no guardian consents themselves (GDPR Art. 4(11)), so a guardian does not override
    their refusal.
    """
    record_choices = [_compute_record_choice(purpose, statements, now_ms, since) for statements in records]
    accepted: bool | None = any(record_choice.accepted for record_choice in record_choices) or None
    if any(record_choice.accepted is False for record_choice in record_choices):
        accepted = False
    return EffectiveChoice(
        accepted,
        is_own=accepted is True and any(record_choice.is_own for record_choice in record_choices),
        is_explicit=accepted is True
        and any(
            record_choice.accepted and record_choice.accepted_at >= 0 for record_choice in record_choices
        ),
        by_guardian=any(record_choice.by_guardian for record_choice in record_choices)
        and not any(record_choice.refused for record_choice in record_choices),
        # At equal times the signal wins over the acceptance.
        opted_out=any(
            statements.opted_out_at is not None and record_choice.accepted_at <= statements.opted_out_at
            for statements, record_choice in zip(records, record_choices, strict=True)
        ),
    )


def _compute_record_choice(
    purpose: Purpose, statements: RecordStatements, now_ms: int, since: int
) -> _RecordChoice:
    if not (statements.ambient or statements.explicit or statements.guardian):
        return _RecordChoice()
    ambient = _find_latest(_select_valid(purpose, statements.ambient, now_ms, since))
    explicit = _find_latest(_select_valid(purpose, statements.explicit, now_ms, since))
    guardian = _find_latest(_select_valid(purpose, statements.guardian, now_ms, since))
    refused_at = [choice.at for choice in (ambient, explicit) if choice is not None and not choice.accepted]
    by_guardian = guardian is not None and guardian.accepted and all(at < guardian.at for at in refused_at)
    strongest = explicit
    # After the person's own explicit refusal a guardian's statement is not considered: it cannot override
    # that.
    if explicit is None or explicit.accepted:
        strongest = _find_latest(choice for choice in (explicit, guardian) if choice is not None)
    decisive = ambient if strongest is None else strongest
    accepted = None if decisive is None else decisive.accepted and not _is_withdrawn(decisive, ambient)
    personal = explicit or ambient
    accepted_at = strongest.at if strongest is not None and accepted else -1
    return _RecordChoice(
        accepted,
        is_own=bool(accepted) and personal is not None and personal.accepted,
        by_guardian=by_guardian,
        refused=accepted is False and not by_guardian,
        accepted_at=max(accepted_at, guardian.at) if guardian is not None and by_guardian else accepted_at,
    )


def _is_withdrawn(choice: PurposeChoice, ambient: PurposeChoice | None) -> bool:
    return ambient is not None and not ambient.accepted and ambient.at > choice.at


def _select_valid(purpose: Purpose, choices: NodeChoices, now_ms: int, since: int) -> Iterator[PurposeChoice]:
    path = list_purpose_path(purpose.key)
    for node, choice in choices:
        if node in path and (
            not choice.accepted or (choice.at >= since and now_ms < compute_acceptance_end(purpose, choice))
        ):
            yield choice


def compute_acceptance_end(purpose: Purpose, choice: PurposeChoice) -> float:
    """Return when an acceptance ends (ms), or infinity."""
    ends: list[float] = [float("inf") if choice.until is None else choice.until]
    if purpose.lasts:
        ends.append(add_duration(purpose.lasts, choice.at))
    return min(ends)


def _find_latest(choices: Iterable[PurposeChoice]) -> PurposeChoice | None:
    # At equal times the refusal wins.
    return max(choices, key=lambda choice: (choice.at, not choice.accepted), default=None)


@lru_cache(maxsize=1024)
def list_purpose_path(purpose: str) -> tuple[str, ...]:
    """Return a purpose and its ancestors: ``a.b.c`` gives ``a``, ``a.b``, ``a.b.c``."""
    segments = purpose.split(".")
    return tuple(".".join(segments[: index + 1]) for index in range(len(segments)))
