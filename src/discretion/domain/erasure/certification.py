"""Workflow step ``certify``: the signed certificate of an erasure.

The certificate is a JSON Web Signature in compact form (RFC 7515) of the type ``erasure-certificate+jwt``.
The keys at ``/.well-known/jwks.json`` verify it. It states how many documents of each collection were
deleted, what is retained under which law until when, which recipients were notified, and the *horizon*: a
statement until when copies can be decrypted, and the measured time from the erasure to the signature. It
contains no personal data, and it is not issued before every step is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_name import StepName
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.errors import Conflict
from discretion.store.document import Document
from discretion.token.keys import KeySet

CERTIFICATE_TYPE = "erasure-certificate+jwt"


@dataclass(frozen=True, slots=True)
class SignCertificate:
    """The step ``certify``. ``required_steps`` are the stored names of the steps that come before it."""

    select_keys: Callable[[], KeySet] = field(repr=False)
    issuer: str
    now_ms: Callable[[], int]
    required_steps: tuple[str, ...]

    async def run(self, document: Document, lease: Lease) -> StepOutcome:
        """Sign the certificate of a request and delete its snapshot. An existing certificate is kept.

        Raises:
            Conflict: ``ERASURE_UNFINISHED``; an earlier step is not done.
        """
        if "certificate" in document.get("result", {}):
            return StepDone({"signed": True})
        steps = {step["name"]: step for step in document["steps"]}
        unfinished = [step for step in self.required_steps if steps.get(step, {}).get("state") != "done"]
        if unfinished:
            raise Conflict(
                "ERASURE_UNFINISHED", f"Steps of the erasure are not done: {', '.join(unfinished)}."
            )
        certificate = self.sign_certificate(
            document, {name: step.get("told", {}) for name, step in steps.items()}
        )
        # The snapshot and the sealed parts are deleted in the same write. A repeated step then finds the
        # certificate, and the request no longer identifies the person.
        await lease.save({"result.certificate": certificate, "snapshot": None, "sealed": {}})
        return StepDone({"signed": True})

    def sign_certificate(self, document: Document, results: Mapping[str, Document]) -> str:
        """Return the certificate of a request as a compact JWS.

        Args:
            document: The rights request.
            results: The results of its steps, by stored step name.
        """
        return self._sign(build_certificate_claims(document, results, self.issuer, self.now_ms()))

    def sign_again(self, certificate: str, recipients: Document) -> str:
        """Return a certificate of this installation with another result of the notifications."""
        # Not verified: it comes from the request, and the key that signed it may be retired.
        claims = jwt.decode(certificate, options={"verify_signature": False})
        return self._sign({**claims, "iat": self.now_ms() // 1000, "recipients": dict(recipients)})

    def _sign(self, claims: Mapping[str, Any]) -> str:
        return self.select_keys().active.sign_jwt(claims, CERTIFICATE_TYPE)


def build_certificate_claims(
    document: Document, results: Mapping[str, Document], issuer: str, now: int
) -> dict[str, Any]:
    """Return the claims of a certificate. Times are in seconds since 1970, but ``*_ms`` in ms.

    Returns:
        ``iss``, ``sub`` (of the requester's token), ``jti`` (id of the request, hexadecimal), ``iat``,
        ``requested_ms``, ``erased_ms``, ``scope``, ``laws``, ``found``; ``deleted``, ``kept``, ``verified``,
        ``recipients`` and ``keys_destroyed`` (results of the steps); ``horizon`` as
        ``{stated: text, measured_ms: duration}``.
    """
    profile_result = results.get(StepName.DELETE_PROFILE, {})
    key_result = results.get(StepName.SHRED_KEYS, {})
    erased_ms = document["snapshot"]["at"] if "snapshot" in document else document["received"]
    return {
        "iss": issuer,
        "sub": document["subject"],
        "jti": document["_id"].hex(),
        "iat": now // 1000,
        "requested_ms": document["received"],
        "erased_ms": erased_ms,
        "scope": dict(document["scope"]),
        "laws": list(document["laws"]),
        "found": profile_result.get("found", False),
        "deleted": _count_deleted(profile_result, results.get(StepName.PURGE_COLLECTIONS, {})),
        "kept": [dict(retained) for retained in profile_result.get("held", ())],
        "verified": dict(results.get(StepName.VERIFY_ERASURE, {})),
        "recipients": dict(results.get(StepName.AWAIT_ACKNOWLEDGEMENTS, {})),
        "keys_destroyed": dict(key_result),
        "horizon": {
            "stated": _SCOPED_HORIZON if document["scope"] else _FULL_HORIZON,
            "measured_ms": now - erased_ms,
        },
    }


def _count_deleted(profile_result: Document, purge_result: Document) -> dict[str, Any]:
    """Return deleted documents by collection; of a scoped erasure, values by attribute and events by type."""
    if "values" in profile_result:
        return {"values": dict(profile_result["values"]), "events": dict(purge_result)}
    return {"source_records": profile_result.get("records", 0), **purge_result}


_FULL_HORIZON = (
    "When this is signed, no copy of the erased data can be decrypted: the keys of all copies are destroyed."
)
_SCOPED_HORIZON = (
    "The key of the person is still used for the remaining data. Older copies of the erased data, in the log "
    "of the database and in backups, can be decrypted until they are overwritten."
)
