"""Digests by which an event is recognised if it is sent again in another message."""

from __future__ import annotations

from typing import Final

from discretion.domain.ingest.message import ReceivedEvent
from discretion.seal.blind_index import BlindIndex

DIGEST_BYTES: Final = 8
"""Enough within one person: among 2,000 events, two are equal by chance for one person in 10^13."""

EVENT_ITSELF: Final = ""
"""The name under which ``index_event`` returns the digest of the event itself; no property has it."""


def index_event(event: ReceivedEvent, message_digest: bytes, blind_index: BlindIndex) -> dict[str, bytes]:
    """Return digests of what recognises an event: by property of ``EventType.keys``, and of the event itself.

    They are keyed, because order numbers can be guessed and totals are not sealed.
    """
    properties = event.properties.value
    digests = {
        name: blind_index.index("event", name, str(properties[name]))[:DIGEST_BYTES]
        for name in event.type.keys
        if name in properties
    }
    names = next((names for names in event.type.distinct_by if all(name in properties for name in names)), ())
    if names:
        parts = [part for name in names for part in (name, str(properties[name]))]
        digests[EVENT_ITSELF] = blind_index.index("event", event.type.key, *parts)[:DIGEST_BYTES]
    else:
        digests[EVENT_ITSELF] = message_digest[:DIGEST_BYTES]
    return digests
