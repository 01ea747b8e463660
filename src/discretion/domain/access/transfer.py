"""Workflow step ``send``: sends a package to another controller at the customer's request (GDPR Art. 20(2)).

``package.json`` is sent in one POST with its digest (RFC 9530) and with a JSON Web Signature of the type
``package+jwt`` over that digest, for that host. The keys at ``/.well-known/jwks.json`` verify it. The package
is read twice, once for the digest and once to be sent, and is never whole in memory. A second attempt carries
the same ``idempotency-key``. The request records the answer of the other controller, and the ledger records
the disclosure.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from discretion.domain.access.download_links import DownloadLinks
from discretion.domain.access.format.json_format import JsonWriter
from discretion.domain.access.zip_archive import ArchiveFile, PackageReader, write_file
from discretion.domain.kit.egress import EgressClient
from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome, StepWaiting
from discretion.errors import Conflict, Refusal, Unavailable
from discretion.store.subject_request import SubjectRequest
from discretion.token.keys import KeySet

TRANSFER_TYPE = "package+jwt"
SIGNATURE_HEADER = "discretion-package"
"""HTTP header with the signature."""

ENDPOINT_PART = "endpoint"
"""The sealed part of a request that contains the URL to send to."""

ENDPOINT_BINDING = "request/endpoint"
"""What that part is bound to; cells of a profile are bound to their attribute's key."""

SEND_TIMEOUT_S = 50.0
"""Time limit of one POST. The lease on a request lasts one minute, so it must be less."""

RETRY_MS = 600_000
SIGNATURE_LIFETIME_S = 3_600


@dataclass(frozen=True, slots=True)
class PackageDigest:
    """SHA-256 digest and length in bytes of the body to be sent."""

    sha256: bytes
    length: int


@dataclass(frozen=True, slots=True)
class SendPackage:
    """The step ``send``: send the package to another controller (GDPR Art. 20(2))."""

    download_links: DownloadLinks
    egress: EgressClient
    select_keys: Callable[[], KeySet]
    issuer: str

    async def run(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Send the package if the request has a URL.

        Returns:
            Done with ``{"sent": bool, ...}``, or waiting if the network, the ledger or the other controller
            failed.
        """
        cell = request.sealed.get(ENDPOINT_PART)
        if cell is None:
            return StepDone({"sent": False})
        try:
            reader, url = await self.download_links.open_for_transfer(request, cell, ENDPOINT_BINDING)
            return await self._send(request, reader, url, lease)
        except Unavailable as unavailable:
            return StepWaiting(RETRY_MS, unavailable.code)
        except Conflict as conflict:
            if conflict.code == "LEASE_LOST":
                raise  # another worker has the request; the runner must not record a result
            return StepDone({"sent": False, "why": conflict.code})
        except Refusal as refusal:
            return StepDone({"sent": False, "why": refusal.code})

    async def _send(
        self, request: SubjectRequest, reader: PackageReader, url: str, lease: Lease
    ) -> StepOutcome:
        host = self.egress.check_target(url).host
        # The digest precedes the body in the request, so the package is read twice.
        digest = await compute_digest(reader)
        headers = self._headers(request, digest, host)
        await lease.renew()  # the POST may take SEND_TIMEOUT_S of its minute
        status = await self.egress.post(url, stream_package_body(reader), headers, within_s=SEND_TIMEOUT_S)
        lease.checkpoint("sent")
        if not 200 <= status < 300:
            return StepWaiting(RETRY_MS, f"HTTP_{status}")
        return StepDone(
            {
                "sent": True,
                "host": host,
                "status": status,
                "sha256": digest.sha256.hex(),
                **_build_size_claim(digest),
            }
        )

    def _headers(self, request: SubjectRequest, digest: PackageDigest, host: str) -> dict[str, str]:
        now = self.download_links.discloser.now_ms() // 1000
        request_id = request.id.hex()
        claims = {
            "iss": self.issuer,
            # The signature counts for this host only (RFC 7519, section 4.1.3):
            # the receiver cannot pass it on.
            "aud": host,
            "iat": now,
            "exp": now + SIGNATURE_LIFETIME_S,
            "jti": request_id,
            "sha256": digest.sha256.hex(),
            **_build_size_claim(digest),
        }
        signature = self.select_keys().active.sign_jwt(claims, TRANSFER_TYPE)
        return {
            "content-type": "application/json",
            "content-length": str(digest.length),
            "content-digest": f"sha-256=:{base64.b64encode(digest.sha256).decode()}:",
            "idempotency-key": request_id,
            SIGNATURE_HEADER: signature,
        }


def stream_package_body(reader: PackageReader) -> AsyncIterator[bytes]:
    """Yield the body to be sent, part by part."""
    return write_file(ArchiveFile("package.json", JsonWriter()), reader)


async def compute_digest(reader: PackageReader) -> PackageDigest:
    """Return the digest and the length of the body."""
    hasher, length = hashlib.sha256(), 0
    async for part in stream_package_body(reader):
        hasher.update(part)
        length += len(part)
    return PackageDigest(hasher.digest(), length)


def _build_size_claim(digest: PackageDigest) -> dict[str, int]:
    return {"bytes": digest.length}
