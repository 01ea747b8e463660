"""Keys that sign and verify tokens: Ed25519 (EdDSA) and P-256 (ES256), and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
_PRIME = 2**255 - 19
_OF_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL = frozenset({0, 1, _PRIME - 1, _OF_ORDER_8, _PRIME - _OF_ORDER_8})
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key, and the one algorithm it may be used with."""

    kid: str
    algorithm: str
    key: PublicKey
    jwk: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key. Prints as its id."""

    verifying: VerifyingKey
    key: PrivateKey

    def __repr__(self) -> str:
        """Without the key."""
        return f"SigningKey({self.verifying.kid!r})"


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by ``kid``. The first of ``signing`` signs; the others only verify what they signed."""

    signing: tuple[SigningKey, ...]
    verifying: Mapping[str, VerifyingKey]

    @property
    def active(self) -> SigningKey:
        """The key that signs.

        Raises:
            Misconfigured: ``SIGNING_KEY_MISSING``; this set only verifies.
        """
        if not self.signing:
            raise Misconfigured("SIGNING_KEY_MISSING", "This key set has no private key.")
        return self.signing[0]

    @classmethod
    def generate(cls, algorithm: str = "EdDSA") -> KeySet:
        """A set of one new key."""
        private: PrivateKey = (
            Ed25519PrivateKey.generate() if algorithm == "EdDSA" else generate_private_key(SECP256R1())
        )
        return cls._of([_signing(algorithm, private)])

    def rotated(self, algorithm: str = "EdDSA") -> KeySet:
        """This set with a new key in front; tokens signed by the older ones still verify."""
        return self._of([*KeySet.generate(algorithm).signing, *self.signing])

    @classmethod
    def _of(cls, signing: list[SigningKey]) -> KeySet:
        return cls(tuple(signing), {one.verifying.kid: one.verifying for one in signing})

    def public_jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys as a JWK Set (RFC 7517), for ``/.well-known/jwks.json``."""
        return {"keys": [dict(one.jwk) for one in self.verifying.values()]}

    def to_private_json(self) -> bytes:
        """All keys, for keeping sealed."""
        keys = []
        for one in self.signing:
            jwk = json.loads(_to_jwk(one.verifying.algorithm, one.key))
            keys.append({**jwk, "alg": one.verifying.algorithm})
        return json.dumps({"keys": keys}).encode()

    @classmethod
    def from_private_json(cls, body: bytes) -> KeySet:
        """What ``to_private_json`` gave.

        Raises:
            Misconfigured: ``SIGNING_KEYS_DAMAGED``.
        """
        try:
            kept = cls._of([_private(jwk) for jwk in json.loads(body)["keys"]])
        except Exception:  # noqa: BLE001 - whatever is wrong, nothing can be signed with it
            raise _damaged() from None
        if not kept.signing or len(kept.signing) != len(kept.verifying):
            raise _damaged()
        return kept

    @classmethod
    def from_public_jwks(cls, jwks: Mapping[str, Any]) -> KeySet:
        """A set that only verifies, from somebody's public JWK Set.

        Raises:
            Misconfigured: ``JWKS_INVALID``: two keys of one id, a private or symmetric key, a key
                for another use, another curve or another algorithm than EdDSA and ES256.
        """
        keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
        if not isinstance(keys, list):
            raise _invalid("it has no list of keys")
        verifying: dict[str, VerifyingKey] = {}
        for jwk in keys:
            one = _public(jwk)
            if one.kid in verifying:
                raise _invalid("two keys have the same kid")
            verifying[one.kid] = one
        return cls((), verifying)


def _public(jwk: Any) -> VerifyingKey:
    if not isinstance(jwk, dict):
        raise _invalid("a key is not an object")
    if _PRIVATE & jwk.keys():
        raise _invalid("it holds a private or symmetric key")
    kid, algorithm = jwk.get("kid"), jwk.get("alg")
    if not isinstance(kid, str) or not kid:
        raise _invalid("a key has no kid")
    if algorithm not in ALGORITHMS or (jwk.get("kty"), jwk.get("crv")) != _CURVES[algorithm]:
        raise _invalid("a key is not Ed25519 for EdDSA or P-256 for ES256")
    if jwk.get("use", "sig") != "sig" or jwk.get("key_ops", ["verify"]) != ["verify"]:
        raise _invalid("a key is not for verifying signatures")
    try:
        key = _from_jwk(algorithm, jwk)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is not a key
        raise _invalid("a key does not hold") from None
    if not isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey):
        raise _invalid("a key is not public")
    if isinstance(key, Ed25519PublicKey) and _small(key):
        raise _invalid("anybody could sign for a key")
    described = _described(algorithm, key, kid)
    if any(jwk[name] != described[name] for name in _MEMBERS[jwk["kty"]]):
        raise _invalid("a key is not written in its one canonical way")
    return VerifyingKey(kid, algorithm, key, described)


def _small(key: Ed25519PublicKey) -> bool:
    """Whether the point is of small order, or not reduced (RFC 8032, section 5.1.3).

    Under such a key the neutral point and zero are a signature of every message, and the library
    verifies it; somebody who may publish a key must not be able to publish everybody's.
    """
    height = int.from_bytes(key.public_bytes_raw(), "little") & (2**255 - 1)
    return height >= _PRIME or height in _SMALL


def _private(jwk: Mapping[str, Any]) -> SigningKey:
    if (jwk["kty"], jwk["crv"]) != _CURVES[jwk["alg"]]:
        raise ValueError("another curve than the algorithm's")
    key = _from_jwk(jwk["alg"], jwk)
    if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise TypeError("not a private key")
    return _signing(jwk["alg"], key)


def _signing(algorithm: str, private: PrivateKey) -> SigningKey:
    public = private.public_key()
    jwk = json.loads(_to_jwk(algorithm, public))
    kid = _thumbprint(jwk)
    return SigningKey(VerifyingKey(kid, algorithm, public, _described(algorithm, public, kid)), private)


def _described(algorithm: str, public: PublicKey, kid: str) -> dict[str, str]:
    jwk = json.loads(_to_jwk(algorithm, public))
    members = {name: jwk[name] for name in _MEMBERS[jwk["kty"]]}
    return {**members, "use": "sig", "alg": algorithm, "kid": kid}


def _thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638."""
    members = {name: jwk[name] for name in sorted(_MEMBERS[jwk["kty"]])}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _to_jwk(algorithm: str, key: PrivateKey | PublicKey) -> str:
    kind: Any = OKPAlgorithm if algorithm == "EdDSA" else ECAlgorithm
    text: str = kind.to_jwk(key)
    return text


def _from_jwk(algorithm: str, jwk: Mapping[str, Any]) -> object:
    kind: Any = OKPAlgorithm if algorithm == "EdDSA" else ECAlgorithm
    key: object = kind.from_jwk(dict(jwk))
    return key


def _invalid(why: str) -> Misconfigured:
    return Misconfigured(
        "JWKS_INVALID", f"The key set is refused: {why}.", "Publish public Ed25519 or P-256 keys."
    )


def _damaged() -> Misconfigured:
    return Misconfigured(
        "SIGNING_KEYS_DAMAGED",
        "The kept signing keys cannot be read.",
        "Restore the file from a backup, or delete it: new keys are made, and tokens issued so far end.",
    )
