"""What a person said about purposes, and what of it counts.

One record is what one source knows of them. A word is explicit (the person's own, or a source's
message that is about nothing else) or a stamp (what a source says on every message). A stamp may take
back an earlier explicit yes and never an explicit no: a page that was not told goes on stamping yes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from discretion.catalogue.duration import end
from discretion.catalogue.model import Purpose


@dataclass(frozen=True, slots=True, order=True)
class Choice:
    """A word about a purpose: when (ms), in which message, whether they agreed, and until when (ms)."""

    at: int
    message: str
    given: bool
    until: int | None = None


Words = tuple[tuple[str, Choice], ...]
"""The latest word on each node of the tree of purposes."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one source record heard.

    ``guards`` are a guardian's words. ``opted_out`` is when an opt-out signal was heard last, ``limited``
    whether the person limited the use of sensitive data.
    """

    stamps: Words = field(default=(), repr=False)
    words: Words = field(default=(), repr=False)
    guards: Words = field(default=(), repr=False)
    opted_out: int | None = None
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What all records together say about a purpose.

    ``given`` is the answer of whoever needs no guardian, None if nobody said anything that counts. ``own``:
    it is a yes, and the person's own. ``express``: it is a yes, and an explicit one. ``guarded``: a guardian
    agreed and nobody has refused since. ``opted_out``: a signal was heard, and no explicit yes since.
    """

    given: bool | None
    own: bool
    express: bool
    guarded: bool
    opted_out: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """What one record says; ``agreed`` is when somebody agreed expressly (-1: never)."""

    given: bool | None = None
    own: bool = False
    guarded: bool = False
    refused: bool = False
    agreed: int = -1


def answer(purpose: Purpose, records: Sequence[Heard], now_ms: int, since: int = 0) -> Answer:
    """What counts about a purpose now.

    A word about a node covers its descendants; of the words along one branch in one record the
    latest counts, and refusal wins a tie. Between records the most restrictive counts. A yes counts
    from ``since`` (ms) on, as long as it was given for and as the purpose ``lasts``; a no always. What a
    guardian agreed to holds on when the child has grown up (EDPB Guidelines 05/2020, 149), but who needs no
    guardian consents themselves (GDPR Art. 4(11)), so a guardian does not take back their no.
    """
    parts = [_one(purpose, heard, now_ms, since) for heard in records]
    given: bool | None = any(one.given for one in parts) or None
    if any(one.given is False for one in parts):
        given = False
    return Answer(
        given,
        own=given is True and any(one.own for one in parts),
        express=given is True and any(one.given and one.agreed >= 0 for one in parts),
        guarded=any(one.guarded for one in parts) and not any(one.refused for one in parts),
        opted_out=any(
            heard.opted_out is not None and one.agreed <= heard.opted_out
            for heard, one in zip(records, parts, strict=True)
        ),
    )


def _one(purpose: Purpose, heard: Heard, now_ms: int, since: int) -> _Part:
    if not (heard.stamps or heard.words or heard.guards):
        return _Part()
    stamp = _latest(_counting(purpose, heard.stamps, now_ms, since))
    own = _latest(_counting(purpose, heard.words, now_ms, since))
    guard = _latest(_counting(purpose, heard.guards, now_ms, since))
    noes = [one.at for one in (stamp, own) if one is not None and not one.given]
    guarded = guard is not None and guard.given and all(at < guard.at for at in noes)
    explicit = own
    if own is None or own.given:
        explicit = _latest(one for one in (own, guard) if one is not None)
    speaks = stamp if explicit is None else explicit
    given = None if speaks is None else speaks.given and not _taken_back(speaks, stamp)
    mine = own or stamp
    agreed = explicit.at if explicit is not None and given else -1
    return _Part(
        given,
        own=bool(given) and mine is not None and mine.given,
        guarded=guarded,
        refused=given is False and not guarded,
        agreed=max(agreed, guard.at) if guard is not None and guarded else agreed,
    )


def _taken_back(word: Choice, stamp: Choice | None) -> bool:
    return stamp is not None and not stamp.given and stamp.at > word.at


def _counting(purpose: Purpose, words: Words, now_ms: int, since: int) -> Iterator[Choice]:
    along = branch(purpose.key)
    for node, choice in words:
        if node in along and (not choice.given or (choice.at >= since and now_ms < over(purpose, choice))):
            yield choice


def over(purpose: Purpose, choice: Choice) -> float:
    """When a yes stops counting (ms); infinity for one that does not."""
    ends: list[float] = [float("inf") if choice.until is None else choice.until]
    if purpose.lasts:
        ends.append(end(purpose.lasts, choice.at))
    return min(ends)


def _latest(choices: Iterable[Choice]) -> Choice | None:
    return max(choices, key=lambda one: (one.at, not one.given), default=None)


@lru_cache(maxsize=1024)
def branch(purpose: str) -> tuple[str, ...]:
    """A purpose and its ancestors: ``a.b.c`` gives ``a``, ``a.b``, ``a.b.c``."""
    steps = purpose.split(".")
    return tuple(".".join(steps[: n + 1]) for n in range(len(steps)))
