"""What a recipient is sent: a JSON Web Signature that says what became of somebody it knows.

It is in compact form (RFC 7515), of the type ``rights-notice+jwt``, signed by this installation for this one
client, and verified with the keys at ``/.well-known/jwks.json`` and any library. Its ``jti`` is the delivery:
the same notice may come more than once, and what it asks for is the same each time.
"""

from __future__ import annotations

from typing import Any

import jwt

from discretion.domain.recipients.delivery import Delivery
from discretion.token.keys import KeySet

TYPE = "rights-notice+jwt"
MEDIA_TYPE = f"application/{TYPE}"
HEADER = "discretion-delivery"
"""Names the delivery, before anything is parsed."""

LIFE_S = 3_600
ACKNOWLEDGE = "/v1/recipients/acknowledgements"
"""Where a recipient says later that it has acted."""


class Notices:
    """Signs notices with the installation's keys."""

    def __init__(self, keys: KeySet, issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer

    def sign(self, one: Delivery, now_ms: int) -> str:
        """The notice of a delivery, as it is sent now."""
        active = self._keys.active
        return jwt.encode(
            self.payload(one, now_ms),
            active.key,
            algorithm=active.verifying.algorithm,
            headers={"typ": TYPE, "kid": active.verifying.kid},
        )

    def payload(self, one: Delivery, now_ms: int) -> dict[str, Any]:
        """What a notice says.

        ``sub`` is the person as this client knows them; ``notice.subjects`` has that and older ids of theirs
        that it was given.
        """
        return {
            "iss": self._issuer,
            "aud": one.client,
            "sub": one.subjects[0],
            "iat": now_ms // 1000,
            "exp": now_ms // 1000 + LIFE_S,
            "jti": one.id.hex(),
            "notice": {
                "right": one.what,
                "law": "GDPR Art. 19",
                "subjects": list(one.subjects),
                "attributes": list(one.attributes),
                "purposes": list(one.purposes),
                "acknowledge": f"{self._issuer}{ACKNOWLEDGE}",
            },
        }
