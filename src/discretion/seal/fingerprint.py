"""The fingerprint of an installation's keys, which the database holds.

Two hosts that each made keys of their own would write customers that the other cannot open, and issue tokens
that the other does not know. So the database remembers whose keys it was set up with.

The keys themselves cannot be part of the fingerprint: each erasure replaces a bucket key, and signing keys
are replaced too. Instead each file of keys has a random id that is made with it and stays when keys in it are
replaced: ``KeyRing.id``, and the id of the first signing key (``KeySchedule.installation_id``). The
fingerprint is a digest of each id under a key that is derived from the root key. Whoever has only the
database learns nothing from it, and it differs also when the root key does.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from discretion.seal.key_files import derive_key


@dataclass(frozen=True, slots=True)
class KeyFingerprint:
    """Keyed digests of the ids of the bucket keys and of the signing keys."""

    bucket_keys: bytes
    signing_keys: bytes


def compute_fingerprint(root: bytes, ring_id: bytes, signing_id: str) -> KeyFingerprint:
    """Return the fingerprint of a ring of bucket keys and a set of signing keys."""
    key = derive_key(root, "fingerprint")

    def digest(use: bytes, key_id: bytes) -> bytes:
        return hmac.digest(key, use + b"\0" + key_id, hashlib.sha256)

    return KeyFingerprint(digest(b"bucket keys", ring_id), digest(b"signing keys", signing_id.encode()))
