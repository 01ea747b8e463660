"""Sending a package to another controller at the person's word (GDPR Art. 20(2)).

What is sent is ``package.json``, in one POST: with its digest (RFC 9530), and a JSON Web Signature of the
type ``package+jwt`` over that digest, for that host, which the keys at ``/.well-known/jwks.json`` verify. It
is read twice, once for the digest and once to be sent, and never whole in memory. A second attempt carries
the same ``idempotency-key``. What the other side answered is on record with the request, and the sending on
the ledger.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from discretion.domain.access.download_links import HandOut
from discretion.domain.access.format.json_format import Whole
from discretion.domain.access.zip_archive import File, Opened, written
from discretion.domain.kit.egress import Outward
from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.step_outcome import Done, Later, Outcome
from discretion.errors import Conflict, Refusal, Unavailable
from discretion.token.keys import KeySet

TYPE = "package+jwt"
HEADER = "discretion-package"
"""Carries the signature."""

ENDPOINT = "endpoint"
"""The sealed part of a request that has the URL to send to."""

BOUND = "request/endpoint"
"""What it is bound to, in place of an attribute's key."""

WITHIN_S = 50.0
"""The longest that sending may take; a request is held for a minute."""

AGAIN_MS = 600_000
LIFE_S = 3_600

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Digested:
    """The digest and the length of what is sent."""

    sha256: bytes
    length: int


@dataclass(frozen=True, slots=True)
class Send:
    """The step that sends a package, if that was asked for."""

    hand_out: HandOut
    outward: Outward
    keys: KeySet
    issuer: str

    async def __call__(self, document: Document, hold: Hold) -> Outcome:
        """Send; again later while nobody takes it and there is something to send."""
        cell = document["sealed"].get(ENDPOINT)
        if cell is None:
            return Done({"sent": False})
        try:
            opened, url = await self.hand_out.sending(document, cell, BOUND)
            return await self._send(document, opened, url, hold)
        except Unavailable as away:
            return Later(AGAIN_MS, away.code)
        except Conflict as lost:
            if lost.code == "LEASE_LOST":
                raise
            return Done({"sent": False, "why": lost.code})
        except Refusal as refused:
            return Done({"sent": False, "why": refused.code})

    async def _send(self, document: Document, opened: Opened, url: str, hold: Hold) -> Outcome:
        host = self.outward.target(url).host
        digested = await digest(opened)
        headers = self._headers(document, digested, host)
        await hold.save({})
        status = await self.outward.post(url, body(opened), headers, within_s=WITHIN_S)
        hold.at("sent")
        if not 200 <= status < 300:
            return Later(AGAIN_MS, f"HTTP_{status}")
        return Done(
            {"sent": True, "host": host, "status": status, "sha256": digested.sha256.hex(), **_size(digested)}
        )

    def _headers(self, document: Document, digested: Digested, host: str) -> dict[str, str]:
        now = self.hand_out.conductor.now_ms() // 1000
        request, active = document["_id"].hex(), self.keys.active
        claims = {
            "iss": self.issuer,
            "aud": host,
            "iat": now,
            "exp": now + LIFE_S,
            "jti": request,
            "sha256": digested.sha256.hex(),
            **_size(digested),
        }
        signed = jwt.encode(
            claims,
            active.key,
            algorithm=active.verifying.algorithm,
            headers={"typ": TYPE, "kid": active.verifying.kid},
        )
        return {
            "content-type": "application/json",
            "content-length": str(digested.length),
            "content-digest": f"sha-256=:{base64.b64encode(digested.sha256).decode()}:",
            "idempotency-key": request,
            HEADER: signed,
        }


def body(opened: Opened) -> AsyncIterator[bytes]:
    """What is sent, part by part."""
    return written(File("package.json", Whole()), opened)


async def digest(opened: Opened) -> Digested:
    """The digest and the length of what is sent."""
    known, length = hashlib.sha256(), 0
    async for part in body(opened):
        known.update(part)
        length += len(part)
    return Digested(known.digest(), length)


def _size(digested: Digested) -> dict[str, int]:
    return {"bytes": digested.length}
