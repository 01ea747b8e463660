"""Statements of a person about purposes, as one source record has them.

A source record holds what one source knows about a person. A statement is *own* if the person, or a steward
for them, made it here; *explicit* if a source reports it and its message is about nothing else; *ambient* if
the source repeats it with every message. A repetition is no new statement: an ambient acceptance counts from
when it began, not from when it was last repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

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


@dataclass(frozen=True, slots=True)
class AmbientChoice:
    """What a source repeats about a node of the purpose tree. Times in ms; None for never.

    The four times are a minimum and three maxima, so they do not depend on the order of messages. Which
    acceptance is the first one after a refusal is not known from them; the time of the refusal stands for it,
    which is never later.

    Attributes:
        accepted_first: When an acceptance was first received.
        accepted_last: When it was last received.
        refused_last: When a refusal was last received.
        dated: The latest time of an acceptance that has a date of its own, as a TC string has.
    """

    accepted_first: int | None = None
    accepted_last: int | None = None
    refused_last: int | None = None
    dated: int | None = None

    def list_starts(self, refused_at: int | None) -> list[int]:
        """Return from when on (ms) acceptances count that came after the last refusal."""
        starts = []
        if self.accepted_first is not None and self.accepted_last is not None:
            if refused_at is None:
                starts.append(self.accepted_first)
            elif self.accepted_last > refused_at:
                starts.append(max(self.accepted_first, refused_at))
        if self.dated is not None and (refused_at is None or self.dated > refused_at):
            starts.append(self.dated)
        return starts

    @property
    def is_accepted(self) -> bool | None:
        """Whether the node is accepted now; None if nothing was stated about it."""
        if self.list_starts(self.refused_last):
            return True
        return None if self.refused_last is None else False

    @property
    def last(self) -> int:
        """When a statement was last received, or is dated (ms)."""
        times = (self.accepted_last, self.refused_last, self.dated)
        return max(at for at in times if at is not None)


NodeChoices = tuple[tuple[str, PurposeChoice], ...]
"""The latest statement about each node of the purpose tree."""

NodeStates = tuple[tuple[str, AmbientChoice], ...]
"""What is repeated about each node of the purpose tree."""


@dataclass(frozen=True)  # without slots, for the cached property
class RecordStatements:
    """The statements of one source record.

    Attributes:
        ambient: Statements that the source sends with every message.
        explicit: Messages of the source about nothing else.
        guardian: Statements of a guardian that the source reports.
        own: Statements of the person themselves.
        own_guardian: Statements of a guardian that a steward recorded.
        opted_out_at: When an opt-out signal was last received (ms).
        limits_sensitive_use: Whether the person limited the use of sensitive data.
        is_login: Whether the source proved an account or loyalty number: then its statements are those of one
            person, and its acceptances cover all their records.
        is_correction: Whether it is the record of the person's own corrections, about which no source speaks.
    """

    ambient: NodeStates = field(default=(), repr=False)
    explicit: NodeChoices = field(default=(), repr=False)
    guardian: NodeChoices = field(default=(), repr=False)
    own: NodeChoices = field(default=(), repr=False)
    own_guardian: NodeChoices = field(default=(), repr=False)
    opted_out_at: int | None = None
    limits_sensitive_use: bool = False
    is_login: bool = False
    is_correction: bool = False

    @property
    def has_choices(self) -> bool:
        """Whether anything is stated about a purpose."""
        return bool(self.ambient or self.explicit or self.guardian or self.own or self.own_guardian)

    @cached_property
    def nodes(self) -> frozenset[str]:
        """The nodes of the purpose tree about which something is stated."""
        choices = (*self.explicit, *self.guardian, *self.own, *self.own_guardian, *self.ambient)
        return frozenset(node for node, _ in choices)

    @property
    def has_refusal(self) -> bool:
        """Whether the person, or a source for them, refuses or has refused anything."""
        return any(
            not choice.accepted for choices in (self.explicit, self.own) for _, choice in choices
        ) or any(state.refused_last is not None for _, state in self.ambient)

    def list_acceptances(self) -> Iterator[tuple[str, PurposeChoice]]:
        """Yield every acceptance that may count at some time, with its node.

        An ambient one is yielded with each time from which it may count: a refusal of another node of the
        branch may be later than its beginning.
        """
        for choices in (self.explicit, self.guardian, self.own, self.own_guardian):
            yield from ((node, choice) for node, choice in choices if choice.accepted)
        refusals = {state.refused_last for _, state in self.ambient if state.refused_last is not None}
        for node, state in self.ambient:
            starts = {start for refused_at in (None, *refusals) for start in state.list_starts(refused_at)}
            for start in sorted(starts):
                yield node, PurposeChoice(start, "", accepted=True)


def compute_acceptance_end(purpose: Purpose, choice: PurposeChoice) -> float:
    """Return when an acceptance ends (ms), or infinity."""
    ends: list[float] = [float("inf") if choice.until is None else choice.until]
    if purpose.lasts:
        ends.append(add_duration(purpose.lasts, choice.at))
    return min(ends)


@lru_cache(maxsize=1024)
def list_purpose_path(purpose: str) -> tuple[str, ...]:
    """Return a purpose and its ancestors: ``a.b.c`` gives ``a``, ``a.b``, ``a.b.c``."""
    segments = purpose.split(".")
    return tuple(".".join(segments[: index + 1]) for index in range(len(segments)))
