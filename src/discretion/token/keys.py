"""Keys that sign and verify tokens: Ed25519 (EdDSA) and P-256 (ES256), and no other algorithm."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from discretion.errors import Misconfigured

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey
PublicKey = Ed25519PublicKey | EllipticCurvePublicKey

ALGORITHMS = ("EdDSA", "ES256")
_CURVES = {"EdDSA": ("OKP", "Ed25519"), "ES256": ("EC", "P-256")}
_MEMBERS = {"OKP": ("crv", "kty", "x"), "EC": ("crv", "kty", "x", "y")}
_FIELD_PRIME = 2**255 - 19
_ORDER_8_HEIGHT = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
# y coordinates of the points of order 1, 2, 4 and 8 on edwards25519.
_SMALL_ORDER_HEIGHTS = frozenset({0, 1, _FIELD_PRIME - 1, _ORDER_8_HEIGHT, _FIELD_PRIME - _ORDER_8_HEIGHT})
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key, and the only algorithm it may be used with."""

    kid: str
    algorithm: str
    key: PublicKey
    jwk: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key. Its representation contains only the key id."""

    verifying: VerifyingKey
    key: PrivateKey

    def __repr__(self) -> str:
        """Return the key id without the key."""
        return f"SigningKey({self.verifying.kid!r})"

    def sign_jwt(self, claims: Mapping[str, Any], token_type: str) -> str:
        """Return the claims as a JSON Web Signature of this ``typ`` in compact form."""
        return jwt.encode(
            dict(claims),
            self.key,
            algorithm=self.verifying.algorithm,
            headers={"typ": token_type, "kid": self.verifying.kid},
        )


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by ``kid``. The first of ``signing`` signs new tokens; the others verify older ones."""

    signing: tuple[SigningKey, ...]
    verifying: Mapping[str, VerifyingKey]

    @property
    def active(self) -> SigningKey:
        """The key that signs new tokens.

        Raises:
            Misconfigured: ``SIGNING_KEY_MISSING``; this set can only verify.
        """
        if not self.signing:
            raise Misconfigured("SIGNING_KEY_MISSING", "This key set has no private key.")
        return self.signing[0]

    @classmethod
    def generate(cls, algorithm: str = "EdDSA") -> KeySet:
        """Return a set with one new key."""
        return cls.from_signing_keys(generate_signing_key(algorithm))

    @classmethod
    def from_signing_keys(cls, *keys: SigningKey) -> KeySet:
        """Return the set of these keys, the active one first."""
        return cls(keys, {key.verifying.kid: key.verifying for key in keys})

    def public_jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys as a JWK Set (RFC 7517), for ``/.well-known/jwks.json``."""
        return {"keys": [dict(key.jwk) for key in self.verifying.values()]}

    @classmethod
    def from_public_jwks(cls, jwks: Mapping[str, Any]) -> KeySet:
        """Return a set that can only verify, from a public JWK Set.

        Raises:
            Misconfigured: ``JWKS_INVALID``: two keys with one id, a private or symmetric key, a key for
                another use, or another curve or algorithm than those of EdDSA and ES256.
        """
        keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
        if not isinstance(keys, list):
            raise _build_jwks_error("it has no list of keys")
        verifying: dict[str, VerifyingKey] = {}
        for jwk in keys:
            verifying_key = parse_public_jwk(jwk)
            if verifying_key.kid in verifying:
                raise _build_jwks_error("two keys have the same kid")
            verifying[verifying_key.kid] = verifying_key
        return cls((), verifying)


def generate_signing_key(algorithm: str = "EdDSA") -> SigningKey:
    """Return a new key."""
    private: PrivateKey = (
        Ed25519PrivateKey.generate() if algorithm == "EdDSA" else generate_private_key(SECP256R1())
    )
    return _build_signing_key(algorithm, private)


def parse_public_jwk(jwk: Any) -> VerifyingKey:
    """Return the key of a public JWK.

    Raises:
        Misconfigured: ``JWKS_INVALID``.
    """
    if not isinstance(jwk, dict):
        raise _build_jwks_error("a key is not an object")
    # A published private key is compromised, so its owner must notice.
    if _PRIVATE_MEMBERS & jwk.keys():
        raise _build_jwks_error("it contains a private or symmetric key")
    kid, algorithm = jwk.get("kid"), jwk.get("alg")
    if not isinstance(kid, str) or not kid:
        raise _build_jwks_error("a key has no kid")
    if algorithm not in ALGORITHMS or (jwk.get("kty"), jwk.get("crv")) != _CURVES[algorithm]:
        raise _build_jwks_error("a key is not Ed25519 for EdDSA or P-256 for ES256")
    if jwk.get("use", "sig") != "sig" or jwk.get("key_ops", ["verify"]) != ["verify"]:
        raise _build_jwks_error("a key is not for verifying signatures")
    try:
        key = _from_jwk(algorithm, jwk)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is not a key
        raise _build_jwks_error("a key is invalid") from None
    if not isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey):
        raise _build_jwks_error("a key is not public")
    if isinstance(key, Ed25519PublicKey) and _is_small_order(key):
        raise _build_jwks_error("a key accepts signatures that anyone can make")
    canonical = _describe_jwk(algorithm, key, kid)
    if any(jwk[name] != canonical[name] for name in _MEMBERS[jwk["kty"]]):
        raise _build_jwks_error("a key is not in canonical form")
    return VerifyingKey(kid, algorithm, key, canonical)


def _is_small_order(key: Ed25519PublicKey) -> bool:
    """Return whether the point has a small order or is not reduced (RFC 8032, section 5.1.3).

    Under such a key, the neutral point and zero are a valid signature of every message, and the library
    accepts it. Then anyone could sign for the owner of the key.
    """
    height = int.from_bytes(key.public_bytes_raw(), "little") & (2**255 - 1)
    return height >= _FIELD_PRIME or height in _SMALL_ORDER_HEIGHTS


def describe_private_key(key: SigningKey) -> dict[str, str]:
    """Return the JWK of a key with its private part, to be stored sealed."""
    jwk: dict[str, str] = json.loads(_to_jwk(key.verifying.algorithm, key.key))
    return {**jwk, "alg": key.verifying.algorithm}


def parse_private_jwk(jwk: Mapping[str, Any]) -> SigningKey:
    """Return the key of a JWK with its private part. Errors of parsers are raised as they are."""
    if (jwk["kty"], jwk["crv"]) != _CURVES[jwk["alg"]]:
        raise ValueError("the curve is not that of the algorithm")
    key = _from_jwk(jwk["alg"], jwk)
    if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise TypeError("not a private key")
    return _build_signing_key(jwk["alg"], key)


def _build_signing_key(algorithm: str, private: PrivateKey) -> SigningKey:
    public = private.public_key()
    jwk = json.loads(_to_jwk(algorithm, public))
    kid = _thumbprint(jwk)
    return SigningKey(VerifyingKey(kid, algorithm, public, _describe_jwk(algorithm, public, kid)), private)


def _describe_jwk(algorithm: str, public: PublicKey, kid: str) -> dict[str, str]:
    jwk = json.loads(_to_jwk(algorithm, public))
    members = {name: jwk[name] for name in _MEMBERS[jwk["kty"]]}
    return {**members, "use": "sig", "alg": algorithm, "kid": kid}


def _thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the JWK thumbprint (RFC 7638), which is the key id."""
    members = {name: jwk[name] for name in sorted(_MEMBERS[jwk["kty"]])}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _to_jwk(algorithm: str, key: PrivateKey | PublicKey) -> str:
    algorithm_class: Any = OKPAlgorithm if algorithm == "EdDSA" else ECAlgorithm
    text: str = algorithm_class.to_jwk(key)
    return text


def _from_jwk(algorithm: str, jwk: Mapping[str, Any]) -> object:
    algorithm_class: Any = OKPAlgorithm if algorithm == "EdDSA" else ECAlgorithm
    key: object = algorithm_class.from_jwk(dict(jwk))
    return key


def _build_jwks_error(reason: str) -> Misconfigured:
    return Misconfigured(
        "JWKS_INVALID", f"The key set is refused: {reason}.", "Publish public Ed25519 or P-256 keys."
    )
