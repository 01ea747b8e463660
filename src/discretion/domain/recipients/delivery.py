"""Deliveries: the notification of one recipient about one request, until it is acknowledged or expires."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from discretion.domain.kit.workflow.retry import Backoff
from discretion.store.deliveries import Delivery, DeliveryState

DAY_MS = 86_400_000
RETRY_PERIOD_MS = 14 * DAY_MS
"""How long a delivery is attempted automatically; after that a steward has to inform the recipient."""

SUBJECTS_RETENTION_MS = 44 * DAY_MS
"""How long the ids of the person are kept for a steward, from the creation of the delivery.

After that they are deleted, although the recipient was not informed: data minimisation (GDPR Art. 5(1)(e)).
"""

BACKOFF = Backoff(min_ms=30_000, max_ms=DAY_MS // 2)
"""The delays between attempts."""

AUTOMATIC_STATES = (DeliveryState.OPEN, DeliveryState.RECEIVED)
"""States in which the worker still attempts the delivery."""

MANUAL_STATES = (DeliveryState.BY_HAND, DeliveryState.STUCK)
"""States in which a steward has to inform the recipient."""


def build_delivery_id(request: bytes, client: str) -> bytes:
    """Return the id of the delivery of a request to a client. It is derived, so a repeated step adds none."""
    return hashlib.sha256(request + client.encode()).digest()[:16]


def compute_expiry(delivery: Delivery) -> int:
    """Return until when a steward can inform the recipient (ms)."""
    return delivery.created + SUBJECTS_RETENTION_MS


def acknowledge(delivery: Delivery, at: int, by: str) -> Delivery:
    """Return a delivery as acknowledged. The ids of the person are deleted."""
    return replace(
        delivery,
        state=DeliveryState.ACKNOWLEDGED,
        acknowledged=at,
        acknowledged_by=by,
        subjects=(),
        merged=(),
        next_attempt=None,
        failure=None,
    )
