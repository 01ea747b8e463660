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

import jwt

from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_name import StepName
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.errors import Conflict
from discretion.store.document import JsonValue
from discretion.store.subject_request import StepProgress, SubjectRequest
from discretion.token.keys import KeySet

CERTIFICATE_TYPE = "erasure-certificate+jwt"


@dataclass(frozen=True, slots=True)
class SignCertificate:
    """The step ``certify``. ``required_steps`` are the stored names of the steps that come before it."""

    select_keys: Callable[[], KeySet] = field(repr=False)
    issuer: str
    now_ms: Callable[[], int]
    required_steps: tuple[str, ...]

    async def run(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Sign the certificate of a request, and with it delete its snapshot. An existing one is kept.

        Raises:
            Conflict: ``ERASURE_UNFINISHED``; an earlier step is not done.
        """
        if request.result.certificate is not None:
            return StepDone({"signed": True})
        done = {step.name for step in request.steps if step.is_done}
        unfinished = [step for step in self.required_steps if step not in done]
        if unfinished:
            raise Conflict(
                "ERASURE_UNFINISHED", f"Steps of the erasure are not done: {', '.join(unfinished)}."
            )
        claims = build_certificate_claims(request, self.issuer, self.now_ms())
        await lease.save(StepProgress(certificate=self._sign(claims)))
        return StepDone({"signed": True})

    def sign_again(self, certificate: str, recipients: Mapping[str, JsonValue]) -> str:
        """Return a certificate of this installation with another result of the notifications."""
        # Not verified: it comes from the request, and the key that signed it may be retired.
        claims = jwt.decode(certificate, options={"verify_signature": False})
        return self._sign({**claims, "iat": self.now_ms() // 1000, "recipients": dict(recipients)})

    def _sign(self, claims: Mapping[str, JsonValue]) -> str:
        return self.select_keys().active.sign_jwt(claims, CERTIFICATE_TYPE)


def build_certificate_claims(request: SubjectRequest, issuer: str, now: int) -> dict[str, JsonValue]:
    """Return the claims of a certificate. Times are in seconds since 1970, but ``*_ms`` in ms.

    Returns:
        ``iss``, ``sub`` (of the requester's token), ``jti`` (id of the request, hexadecimal), ``iat``,
        ``requested_ms``, ``erased_ms``, ``scope``, ``laws``, ``found``; ``deleted``, ``kept``, ``verified``,
        ``recipients`` and ``keys_destroyed`` (results of the steps); ``horizon`` as
        ``{stated: text, measured_ms: duration}``.
    """
    results = {step.name: step.output or {} for step in request.steps}
    profile_result = results.get(StepName.DELETE_PROFILE, {})
    erased_ms = request.received if request.snapshot is None else request.snapshot.taken_at
    return {
        "iss": issuer,
        "sub": request.subject,
        "jti": request.id.hex(),
        "iat": now // 1000,
        "requested_ms": request.received,
        "erased_ms": erased_ms,
        "scope": request.scope.build_members(),
        "laws": list(request.laws),
        "found": profile_result.get("found", False),
        "deleted": _count_deleted(profile_result, results.get(StepName.PURGE_COLLECTIONS, {})),
        "kept": profile_result.get("held", []),
        "verified": results.get(StepName.VERIFY_ERASURE, {}),
        "recipients": results.get(StepName.AWAIT_ACKNOWLEDGEMENTS, {}),
        "keys_destroyed": results.get(StepName.SHRED_KEYS, {}),
        "horizon": {
            "stated": _SCOPED_HORIZON if request.scope.is_partial else _FULL_HORIZON,
            "measured_ms": now - erased_ms,
        },
    }


def _count_deleted(
    profile_result: Mapping[str, JsonValue], purge_result: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Return deleted documents by collection; of a scoped erasure, values by attribute and events by type."""
    if "values" in profile_result:
        return {"values": profile_result["values"], "events": purge_result}
    return {"source_records": profile_result.get("records", 0), **purge_result}


_FULL_HORIZON = (
    "When this is signed, no copy of the erased data can be decrypted: the keys of all copies are destroyed."
)
_SCOPED_HORIZON = (
    "The key of the person is still used for the remaining data. Older copies of the erased data, in the log "
    "of the database and in backups, can be decrypted until they are overwritten."
)
