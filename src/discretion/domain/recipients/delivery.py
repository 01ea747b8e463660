"""Deliveries: the notification of one recipient about one request, until it is acknowledged or expires."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from discretion.domain.kit.workflow.retry import Backoff

DAY_MS = 86_400_000
RETRY_PERIOD_MS = 14 * DAY_MS
"""How long a delivery is attempted automatically; after that a steward has to inform the recipient."""

SUBJECTS_RETENTION_MS = 44 * DAY_MS
"""How long the ids of the person are kept for a steward, from the creation of the delivery.

After that they are deleted, although the recipient was not informed: data minimisation (GDPR Art. 5(1)(e)).
"""

BACKOFF = Backoff(min_ms=30_000, max_ms=DAY_MS // 2)
"""The delays between attempts."""


class DeliveryState(StrEnum):
    """State of a delivery."""

    OPEN = "open"  # has to be sent, or sent again
    RECEIVED = "received"  # the recipient replied with 202 and will acknowledge later
    ACKNOWLEDGED = "told"  # acknowledged by the recipient or by a steward
    BY_HAND = "by_hand"  # the recipient has no webhook; a steward informs it
    STUCK = "stuck"  # not acknowledged within the retry period; a steward informs the recipient
    EXPIRED = "lapsed"  # nobody informed the recipient in time; the ids of the person were deleted


AUTOMATIC_STATES = (DeliveryState.OPEN, DeliveryState.RECEIVED)
"""States in which the worker still attempts the delivery."""

MANUAL_STATES = (DeliveryState.BY_HAND, DeliveryState.STUCK)
"""States in which a steward has to inform the recipient."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery; times in ms since 1970.

    Attributes:
        id: Id of the delivery.
        request: Id of the rights request.
        client: The recipient.
        right: The right that was exercised: ``erasure``, ``correction`` or ``restriction``.
        subjects: Pairwise ids by which this client knows the person. Deleted when it has acknowledged.
        attributes: Paths of the attributes that it received and that are concerned.
        purposes: The purposes it received them for.
        state: State of the delivery.
        attempts: Number of attempts.
        created: When it was created.
        next_attempt: When the next attempt is due.
        acknowledged: When it was acknowledged.
        acknowledged_by: ``webhook``, ``client:…`` or ``steward:…``.
        failure: Stable code of the last failure, such as ``HTTP_503``.
        informed: When the recipient was informed, according to the steward who acknowledged it.
        reason: How it was informed and where the proof is, or why it could not be; no personal data.
    """

    id: bytes
    request: bytes
    client: str
    right: str
    subjects: tuple[str, ...] = field(repr=False)
    attributes: tuple[str, ...]
    purposes: tuple[str, ...]
    state: DeliveryState
    attempts: int
    created: int
    next_attempt: int | None
    acknowledged: int | None
    acknowledged_by: str | None
    failure: str | None
    informed: int | None = None
    reason: str | None = None

    @property
    def lapses_at(self) -> int:
        """Until when a steward can inform the recipient (ms)."""
        return self.created + SUBJECTS_RETENTION_MS


def read_delivery(document: Mapping[str, Any]) -> Delivery:
    """Return the delivery that a document of the collection ``deliveries`` stores."""
    return Delivery(
        id=document["_id"],
        request=document["request"],
        client=document["client"],
        right=document["what"],
        subjects=tuple(document.get("subjects", ())),
        attributes=tuple(document["attributes"]),
        purposes=tuple(document["purposes"]),
        state=DeliveryState(document["state"]),
        attempts=document["attempts"],
        created=document["created"],
        next_attempt=document.get("next"),
        acknowledged=document.get("acknowledged"),
        acknowledged_by=document.get("by"),
        failure=document.get("why"),
        informed=document.get("informed"),
        reason=document.get("reason"),
    )


def build_delivery_id(request: bytes, client: str) -> bytes:
    """Return the id of the delivery of a request to a client. It is derived, so a repeated step adds none."""
    return hashlib.sha256(request + client.encode()).digest()[:16]


def build_acknowledgement(at: int, by: str) -> dict[str, Any]:
    """Return the fields to set when a delivery is acknowledged. The ids of the person are deleted."""
    return {
        "state": DeliveryState.ACKNOWLEDGED.value,
        "acknowledged": at,
        "by": by,
        "subjects": None,
        "next": None,
        "why": None,
    }
