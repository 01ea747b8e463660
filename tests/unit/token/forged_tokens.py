"""Builds valid and forged tokens from base64, JSON and a signature, without a JWT library.

The tokens do not come from the library that verifies them, so both cannot share a defect.
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
from discretion.token.keys import KeySet, PrivateKey, parse_private_jwk
from discretion.token.verify import TokenVerifier

NOW = 1_800_000_000
LEEWAY = 5
DAY = 24 * 3600
ISSUER = "https://id.shop.example"
AUDIENCE = "discretion"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256; r and s of a signature are smaller."""

PURPOSES = (
    "analytics",
    "analytics.reporting",
    "essential.service",
    "marketing",
    "marketing.communications.email",
    "self",
)
LEFT_OUT: Final = object()
"""The value of a changed claim or header member that is left out."""

Sign = Callable[[bytes], bytes]


def b64(raw: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Return the bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode_raw_signature(r: int, s: int) -> bytes:
    """Return an ES256 signature in the format of RFC 7518, section 3.4."""
    return r.to_bytes(32) + s.to_bytes(32)


@dataclass(frozen=True)
class ForgerKey:
    """A private key with its id, as a forger would have it."""

    algorithm: str
    jwk: dict[str, str]
    sign: Sign

    @property
    def kid(self) -> str:
        """Return the thumbprint of RFC 7638: the digest of the public members in order."""
        members = {name: self.jwk[name] for name in ("crv", "kty", "x", "y") if name in self.jwk}
        return b64(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def derive_ed25519_key(seed: str) -> ForgerKey:
    """Return the Ed25519 key that is derived from a text."""
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": b64(key.public_key().public_bytes_raw()),
        "d": b64(key.private_bytes_raw()),
        "alg": "EdDSA",
    }
    return ForgerKey("EdDSA", jwk, key.sign)


def derive_p256_key(seed: str) -> ForgerKey:
    """Return the P-256 key that is derived from a text."""
    secret = int.from_bytes(hashlib.sha256(seed.encode()).digest()) % (P256_ORDER - 1) + 1
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
    return ForgerKey(
        "ES256",
        jwk,
        lambda message: encode_raw_signature(*decode_dss_signature(key.sign(message, ECDSA(SHA256())))),
    )


def build_key_set(*keys: ForgerKey) -> KeySet:
    """Return a key set of these keys; the first key signs."""
    return KeySet.from_signing_keys(*(parse_private_jwk(key.jwk) for key in keys))


ED, EC, STRANGER = derive_ed25519_key("ours"), derive_p256_key("ours"), derive_ed25519_key("a stranger's")
KEYS = build_key_set(ED, EC)
PRIVATE: tuple[PrivateKey, ...] = tuple(key.key for key in KEYS.signing)


def build_header(key: ForgerKey = ED, **changes: Any) -> dict[str, Any]:
    """Return the header of a valid token with changes."""
    return _changed({"alg": key.algorithm, "typ": "at+jwt", "kid": key.kid}, changes)


def build_claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a valid token with changes."""
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
    return {name: value for name, value in {**good, **changes}.items() if value is not LEFT_OUT}


def sign_token(head: dict[str, Any] | bytes, body: dict[str, Any] | bytes, sign: Sign) -> str:
    """Return a token of a header and claims, or of the exact bytes that are passed for them."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (head, body)]
    signing_input = ".".join(map(b64, parts))
    return f"{signing_input}.{b64(sign(signing_input.encode()))}"


def build_token(key: ForgerKey = ED, /, **changes: Any) -> str:
    """Return a token with changed claims and a valid signature."""
    return sign_token(build_header(key), build_claims(**changes), key.sign)


def build_token_with_header(key: ForgerKey = ED, /, **changes: Any) -> str:
    """Return a token with changed header members and a valid signature."""
    return sign_token(build_header(key, **changes), build_claims(), key.sign)


@dataclass
class Clock:
    """A clock that stands still at ``ms``."""

    ms: int = NOW * 1000

    def __call__(self) -> int:
        """Return the time in ms since 1970."""
        return self.ms


def build_verifier(keys: KeySet = KEYS, clock: Clock | None = None, capacity: int = 10_000) -> TokenVerifier:
    """Return a verifier at NOW or with another clock."""
    return TokenVerifier(
        lambda: keys,
        ISSUER,
        AUDIENCE,
        clock or Clock(),
        frozenset(PURPOSES).__contains__,
        leeway_s=LEEWAY,
        max_lifetime_s=DAY,
        capacity=capacity,
    )


def read_outcome(verifier: TokenVerifier, text: str) -> Grant | str:
    """Return the grant of a token, or the code with which it is refused.

    Any other exception is a defect of the verifier and fails the test.
    """
    try:
        return verifier.verify(text)
    except Unauthenticated as refused:
        return refused.code
