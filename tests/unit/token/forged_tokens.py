"""Makes tokens by hand, good and bad: base64, JSON and a signature, and no JWT library.

What verifies here was not made by the library that verifies, so the two cannot be wrong together.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from discretion.errors import Unauthenticated
from discretion.token.grant import Grant
from discretion.token.keys import KeySet, PrivateKey
from discretion.token.verify import Verifier

NOW = 1_800_000_000
LEEWAY = 5
DAY = 24 * 3600
ISSUER = "https://id.shop.example"
AUDIENCE = "discretion"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""How many points P-256 has; r and s of a signature are below it."""

PURPOSES = (
    "analytics",
    "analytics.reporting",
    "essential.service",
    "marketing",
    "marketing.communications.email",
    "self",
)
GONE: Final = object()
"""As a changed claim or header: left out."""

Sign = Callable[[bytes], bytes]


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def raw_signature(r: int, s: int) -> bytes:
    """An ES256 signature as RFC 7518, section 3.4, writes it."""
    return r.to_bytes(32) + s.to_bytes(32)


@dataclass(frozen=True)
class Key:
    """A private key with its id, as a forger would hold it."""

    algorithm: str
    jwk: dict[str, str]
    sign: Sign

    @property
    def kid(self) -> str:
        """RFC 7638: the digest of the public members in order."""
        members = {name: self.jwk[name] for name in ("crv", "kty", "x", "y") if name in self.jwk}
        return b64(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def ed25519(seed: str) -> Key:
    """The Ed25519 key grown from a word."""
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": b64(key.public_key().public_bytes_raw()),
        "d": b64(key.private_bytes_raw()),
        "alg": "EdDSA",
    }
    return Key("EdDSA", jwk, key.sign)


def p256(seed: str) -> Key:
    """The P-256 key grown from a word."""
    secret = int.from_bytes(hashlib.sha256(seed.encode()).digest()) % (ORDER - 1) + 1
    key = derive_private_key(secret, SECP256R1())
    numbers = key.public_key().public_numbers()
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": b64(numbers.x.to_bytes(32)),
        "y": b64(numbers.y.to_bytes(32)),
        "d": b64(secret.to_bytes(32)),
        "alg": "ES256",
    }
    return Key(
        "ES256", jwk, lambda message: raw_signature(*decode_dss_signature(key.sign(message, ECDSA(SHA256()))))
    )


def key_set(*keys: Key) -> KeySet:
    """These keys, as they are kept; the first signs."""
    return KeySet.from_private_json(json.dumps({"keys": [one.jwk for one in keys]}).encode())


ED, EC, STRANGER = ed25519("ours"), p256("ours"), ed25519("a stranger's")
KEYS = key_set(ED, EC)
PRIVATE: tuple[PrivateKey, ...] = tuple(one.key for one in KEYS.signing)


def header(key: Key = ED, **changes: Any) -> dict[str, Any]:
    """The header of a good token, changed."""
    return _changed({"alg": key.algorithm, "typ": "at+jwt", "kid": key.kid}, changes)


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token, changed."""
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "staff@shop.example",
        "client_id": "campaigns",
        "scope": "",
        "purposes": ["marketing.communications.email"],
        "iat": NOW,
        "exp": NOW + 600,
        "jti": "0123456789abcdef",
    }
    return _changed(good, changes)


def _changed(good: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**good, **changes}.items() if value is not GONE}


def signed(head: dict[str, Any] | bytes, body: dict[str, Any] | bytes, sign: Sign) -> str:
    """A token of a header and claims, or of the very bytes given for them."""
    parts = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in (head, body)]
    signing_input = ".".join(map(b64, parts))
    return f"{signing_input}.{b64(sign(signing_input.encode()))}"


def token(key: Key = ED, /, **changes: Any) -> str:
    """A token whose signature holds, with these claims changed."""
    return signed(header(key), claims(**changes), key.sign)


def headed(key: Key = ED, /, **changes: Any) -> str:
    """A token whose signature holds, with these header members changed."""
    return signed(header(key, **changes), claims(), key.sign)


@dataclass
class Clock:
    """A clock that stands where it is put."""

    ms: int = NOW * 1000

    def __call__(self) -> int:
        """The time in ms since 1970."""
        return self.ms


def verifier(keys: KeySet = KEYS, clock: Clock | None = None, capacity: int = 10_000) -> Verifier:
    """A verifier that stands at NOW unless it is given a clock."""
    return Verifier(
        keys,
        ISSUER,
        AUDIENCE,
        clock or Clock(),
        frozenset(PURPOSES).__contains__,
        leeway_s=LEEWAY,
        max_life_s=DAY,
        capacity=capacity,
    )


def outcome(judge: Verifier, text: str) -> Grant | str:
    """The grant of a token, or the code it is refused with; anything else that is raised is a bug."""
    try:
        return judge.verify(text)
    except Unauthenticated as refused:
        return refused.code
