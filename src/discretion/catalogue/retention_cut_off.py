"""Retention as cut-offs: the earliest observation that may still be kept, or may still serve a purpose. Pure.

Personal data are kept no longer than their purposes need them (GDPR Art. 5(1)(e)). A retention counts from
the observation. All times are ms since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.catalogue.duration import subtract_duration
from discretion.catalogue.model import Attribute, Catalogue, EventType, Use

RetainedType = Attribute | EventType


@dataclass(frozen=True, slots=True)
class RetentionCutOffs:
    """The earliest observations that may still be kept at one moment.

    Attributes:
        attributes: By the attribute's key in a stored document.
        events: By the event type's key.
        others: For attributes and event types that the catalogue no longer declares. Their retention is
            unknown, so they are kept as long as the longest declared retention.
    """

    attributes: Mapping[str, int]
    events: Mapping[str, int]
    others: int

    def find_latest(self) -> int:
        """Return the latest cut-off: whatever was observed then or later may be kept."""
        return max((*self.attributes.values(), *self.events.values(), self.others))

    def find_attribute_cut_off(self, key: str) -> int:
        """Return the cut-off of an attribute key."""
        return self.attributes.get(key, self.others)

    def find_event_cut_off(self, key: str) -> int:
        """Return the cut-off of an event type's key."""
        return self.events.get(key, self.others)


def compute_cut_off(retained_type: RetainedType, at_ms: int) -> int:
    """Return the earliest observation that may still be kept for any purpose at ``at_ms``.

    The type's own retention decides. If every one of its purposes has a retention, the longest of those also
    applies, because no purpose needs the data afterwards.
    """
    own_cut_off = subtract_duration(retained_type.retention, at_ms)
    purpose_retentions = {use.purpose.retention for use in retained_type.uses}
    # A purpose without a retention of its own needs the data as long as they are kept.
    if not purpose_retentions or "" in purpose_retentions:
        return own_cut_off
    return max(own_cut_off, min(subtract_duration(retention, at_ms) for retention in purpose_retentions))


def compute_use_cut_off(use: Use, retained_type: RetainedType, at_ms: int) -> int:
    """Return the earliest observation that may still serve one use at ``at_ms``."""
    own_cut_off, purpose_retention = subtract_duration(retained_type.retention, at_ms), use.purpose.retention
    return max(own_cut_off, subtract_duration(purpose_retention, at_ms)) if purpose_retention else own_cut_off


def compute_purposes_cut_off(retained_type: RetainedType, bits: int, at_ms: int) -> int:
    """Return the earliest observation that serves any of the purposes in ``bits`` at ``at_ms``.

    If none of the uses is in ``bits``, no observation serves them, and the result is ``at_ms + 1``.
    """
    use_cut_offs = (
        compute_use_cut_off(use, retained_type, at_ms)
        for use in retained_type.uses
        if bits >> use.purpose.bit & 1
    )
    return min(use_cut_offs, default=at_ms + 1)


def list_shorter_cut_offs(retained_type: RetainedType, at_ms: int) -> tuple[tuple[int, int], ...]:
    """Return the purposes with a retention of their own, each as its bit and its cut-off at ``at_ms``."""
    return tuple(
        (1 << use.purpose.bit, compute_use_cut_off(use, retained_type, at_ms))
        for use in retained_type.uses
        if use.purpose.retention
    )


def compute_cut_offs(catalogue: Catalogue, at_ms: int) -> RetentionCutOffs:
    """Compute the cut-offs of all attributes and event types at ``at_ms``."""
    attributes = {
        key: compute_cut_off(attribute, at_ms) for key, attribute in catalogue.attributes_by_key.items()
    }
    events = {key: compute_cut_off(event_type, at_ms) for key, event_type in catalogue.events.items()}
    others = min((*attributes.values(), *events.values()), default=at_ms)
    return RetentionCutOffs(attributes, events, others)
