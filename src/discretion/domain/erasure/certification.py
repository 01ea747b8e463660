"""The certificate of an erasure: signed, for the person to keep and to show to anybody.

A JSON Web Signature in compact form (RFC 7515) of the type ``erasure-certificate+jwt``, verified by the keys
at ``/.well-known/jwks.json``. It says how many documents of each collection went, what is kept under which
law until when, which recipients were told, and the *horizon*: by when no copy anywhere can be opened. It has
no personal value in it, and there is none while any store is unfinished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.step_outcome import Done, Outcome
from discretion.errors import Conflict
from discretion.token.keys import KeySet

TYPE = "erasure-certificate+jwt"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Certify:
    """Signs certificates. ``needed`` are the steps that must be done before there is one."""

    keys: KeySet = field(repr=False)
    issuer: str
    now_ms: Callable[[], int]
    needed: tuple[str, ...]

    async def __call__(self, document: Document, hold: Hold) -> Outcome:
        """Sign the certificate of a request and destroy its snapshot; signed already, it stays.

        Raises:
            Conflict: ``ERASURE_UNFINISHED``; a step before this one is not done.
        """
        if "certificate" in document.get("result", {}):
            return Done({"signed": True})
        steps = {one["name"]: one for one in document["steps"]}
        open_ = [one for one in self.needed if steps.get(one, {}).get("state") != "done"]
        if open_:
            raise Conflict("ERASURE_UNFINISHED", f"Steps of the erasure are not done: {', '.join(open_)}.")
        signed = self.sign(document, {name: one.get("told", {}) for name, one in steps.items()})
        # Who asks again finds the certificate, and nothing by which the person could be told.
        await hold.save({"result.certificate": signed, "snapshot": None, "sealed": {}})
        return Done({"signed": True})

    def sign(self, document: Document, told: Mapping[str, Document]) -> str:
        """The certificate of a request whose steps told this."""
        active = self.keys.active
        return jwt.encode(
            payload(document, told, self.issuer, self.now_ms()),
            active.key,
            algorithm=active.verifying.algorithm,
            headers={"typ": TYPE, "kid": active.verifying.kid},
        )


def payload(document: Document, told: Mapping[str, Document], issuer: str, now: int) -> dict[str, Any]:
    """What a certificate says; times in seconds since 1970, but ``*_ms``."""
    departed, shredded = told.get("depart", {}), told.get("shred", {})
    erased = document["snapshot"]["at"] if "snapshot" in document else document["received"]
    return {
        "iss": issuer,
        "sub": document["subject"],
        "jti": document["_id"].hex(),
        "iat": now // 1000,
        "requested_ms": document["received"],
        "erased_ms": erased,
        "scope": dict(document["scope"]),
        "laws": list(document["laws"]),
        "found": departed.get("found", False),
        "deleted": _deleted(departed, told.get("purge", {})),
        "kept": [dict(one) for one in departed.get("held", ())],
        "verified": dict(told.get("verify", {})),
        "recipients": dict(told.get("told", {})),
        "keys_destroyed": dict(shredded),
        "horizon": {
            "stated": _PART if document["scope"] else _WHOLE,
            "measured_ms": now - erased,
        },
    }


def _deleted(departed: Document, purged: Document) -> dict[str, Any]:
    """How many documents went by collection; of a part, how many values by attribute and events by type."""
    if "values" in departed:
        return {"values": dict(departed["values"]), "events": dict(purged)}
    return {"source_records": departed.get("records", 0), **purged}


_WHOLE = "When this is signed no copy of what was erased opens: the key of each is destroyed."
_PART = (
    "The key of the person is in use for what stays: older copies of the part, in the database's log and in "
    "backups, open until those are written over."
)
