"""How long a value may be kept at all, and how long it serves one purpose: cut-offs from retentions; pure.

Personal data are kept no longer than what they are kept for needs them (GDPR Art. 5(1)(e)). A retention
counts from when something was observed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.catalogue.duration import lapse
from discretion.catalogue.model import Attribute, Catalogue, EventType, Use

Thing = Attribute | EventType


@dataclass(frozen=True, slots=True)
class CutOffs:
    """The earliest observations (ms since 1970, UTC) that may still be kept at one moment.

    ``attributes`` by their key in a document, ``events`` by their type's. ``others`` is for what the
    catalogue no longer declares: nothing says how long that may stay, so it stays as long as the longest
    that is said.
    """

    attributes: Mapping[str, int]
    events: Mapping[str, int]
    others: int

    def attribute(self, key: str) -> int:
        """That of an attribute, by its key."""
        return self.attributes.get(key, self.others)

    def event(self, kind: str) -> int:
        """That of an event type, by its key."""
        return self.events.get(kind, self.others)


def longest(thing: Thing, at_ms: int) -> int:
    """The earliest observation of a thing that anything may keep at ``at_ms``; in ms since 1970, UTC.

    Its own retention says, and the longest retention of its purposes where every one of them has its own:
    after that nothing is left to keep it for.
    """
    own = lapse(thing.retention, at_ms)
    limits = {use.purpose.retention for use in thing.uses}
    if not limits or "" in limits:
        return own
    return max(own, min(lapse(one, at_ms) for one in limits))


def serves(use: Use, thing: Thing, at_ms: int) -> int:
    """The earliest observation of a thing that serves one of its uses at ``at_ms``; in ms since 1970, UTC."""
    own, limit = lapse(thing.retention, at_ms), use.purpose.retention
    return max(own, lapse(limit, at_ms)) if limit else own


def since(thing: Thing, bits: int, at_ms: int) -> int:
    """The earliest observation of a thing that serves one of the purposes of ``bits`` at ``at_ms``, in ms."""
    served = (serves(use, thing, at_ms) for use in thing.uses if bits >> use.purpose.bit & 1)
    return min(served, default=at_ms + 1)


def shorter(thing: Thing, at_ms: int) -> tuple[tuple[int, int], ...]:
    """Purposes, as bits, that a thing serves for less than its own retention, each with the earliest then."""
    return tuple(
        (1 << use.purpose.bit, serves(use, thing, at_ms)) for use in thing.uses if use.purpose.retention
    )


def cut_offs(catalogue: Catalogue, at_ms: int) -> CutOffs:
    """What may be kept at ``at_ms``, of everything there is."""
    attributes = {key: longest(one, at_ms) for key, one in catalogue.by_key.items()}
    events = {key: longest(one, at_ms) for key, one in catalogue.events.items()}
    others = min((*attributes.values(), *events.values()), default=at_ms)
    return CutOffs(attributes, events, others)
