"""The notification for a recipient: a JSON Web Signature about a person that the recipient knows.

It has the compact form (RFC 7515) and the type ``rights-notice+jwt``. It is signed for one client and
verified with the keys at ``/.well-known/jwks.json``. Its ``jti`` is the id of the delivery: the same
notification may arrive more than once, and a recipient recognises it by this id.
"""

from __future__ import annotations

from collections.abc import Callable

from discretion.store.deliveries import Delivery
from discretion.token.keys import KeySet

TOKEN_TYPE = "rights-notice+jwt"  # noqa: S105 - a media type, no password
MEDIA_TYPE = f"application/{TOKEN_TYPE}"
DELIVERY_HEADER = "discretion-delivery"
"""HTTP header with the id of the delivery, which a recipient can read without parsing the body."""

# Shorter than the retry period, because each attempt signs a new notification.
TOKEN_LIFE_S = 3_600
ACKNOWLEDGEMENT_PATH = "/v1/recipients/acknowledgements"
"""Path at which a recipient acknowledges a notification later."""


class NotificationSigner:
    """Signs notifications with the active signing key."""

    def __init__(self, select_keys: Callable[[], KeySet], issuer: str) -> None:
        self._select_keys = select_keys
        self._issuer = issuer

    def sign(self, delivery: Delivery, now_ms: int) -> str:
        """Return the signed notification of a delivery."""
        return self._select_keys().active.sign_jwt(self.build_payload(delivery, now_ms), TOKEN_TYPE)

    def build_payload(self, delivery: Delivery, now_ms: int) -> dict[str, object]:
        """Return the claims of a notification; times in seconds since 1970.

        ``sub`` is the pairwise id by which this client knows the person, absent if it has none.
        ``notice.subjects`` has it and all former ids that the client received. ``notice.merged`` has ids of
        other people: what the client received under ``subject`` from ``since`` to ``until`` may be of the
        person, and nothing else under it is.
        """
        sub = {"sub": delivery.subjects[0]} if delivery.subjects else {}
        merged = [
            {"subject": item.subject, "since": item.since // 1000, "until": -(-item.until // 1000)}
            for item in delivery.merged
        ]
        return {
            "iss": self._issuer,
            "aud": delivery.client,
            **sub,
            "iat": now_ms // 1000,
            "exp": now_ms // 1000 + TOKEN_LIFE_S,
            "jti": delivery.id.hex(),
            "notice": {
                "right": delivery.right,
                "law": "GDPR Art. 19",
                "subjects": list(delivery.subjects),
                **({"merged": merged} if merged else {}),
                "attributes": list(delivery.attributes),
                "purposes": list(delivery.purposes),
                "acknowledge": f"{self._issuer}{ACKNOWLEDGEMENT_PATH}",
            },
        }
