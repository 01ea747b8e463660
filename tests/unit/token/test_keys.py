"""Signing and verifying keys: which are accepted and what is published."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.algorithms import ECAlgorithm

from discretion.errors import Misconfigured
from discretion.token.issue import TokenIssuer
from discretion.token.keys import KeySet, parse_private_jwk
from tests.unit.token.forged_tokens import (
    AUDIENCE,
    EC,
    ED,
    ISSUER,
    KEYS,
    Clock,
    b64,
    build_claims,
    build_token,
    build_verifier,
    read_outcome,
    sign_token,
)

PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
ED_JWK, EC_JWK = KEYS.public_jwks()["keys"]
P384 = json.loads(ECAlgorithm.to_jwk(generate_private_key(SECP384R1()).public_key()))
PRIME = 2**255 - 19
ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
SMALL_ORDER_HEIGHTS = [0, 1, PRIME - 1, ORDER_8, PRIME - ORDER_8, PRIME, PRIME + 1]
"""The y coordinates of points of small order; for such a key anybody can make a signature."""


def issue_token(keys: KeySet) -> str:
    """Return a token signed by the active key of a set."""
    issuer = TokenIssuer(lambda: keys, ISSUER, AUDIENCE, Clock(), bytes)
    return issuer.issue_token("campaigns", "staff@shop.example", (), ("analytics",))


def test_a_key_is_named_by_its_thumbprint() -> None:
    """The key and its thumbprint are from RFC 8037, appendix A."""
    example = {
        "kty": "OKP",
        "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "alg": "EdDSA",
    }
    assert parse_private_jwk(example).verifying.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_only_public_members_are_published(algorithm: str) -> None:
    """For every algorithm, the members are those RFC 7517 and 8037 call public."""
    for jwk in KeySet.generate(algorithm).public_jwks()["keys"]:
        members = {"kty", "crv", "x", "kid", "alg", "use"} | ({"y"} if algorithm == "ES256" else set())
        assert jwk.keys() == members
        assert (jwk["alg"], jwk["use"]) == (algorithm, "sig")


def test_no_text_form_of_a_key_shows_its_secret() -> None:
    """Neither ``repr`` nor formatting shows a private part, and a key set cannot be pickled."""
    issuer = TokenIssuer(lambda: KEYS, ISSUER, AUDIENCE, Clock(), bytes)
    texts = "".join(
        f"{key!r}{key!s}{key}"
        for key in (KEYS, *KEYS.signing, *KEYS.verifying.values(), issuer, build_verifier(KEYS))
    )
    for key in (ED, EC):
        assert key.jwk["d"] not in texts
    with pytest.raises(TypeError):
        pickle.dumps(KEYS)


def test_a_published_set_verifies_and_cannot_sign() -> None:
    """The published keys are sufficient to verify tokens."""
    published = KeySet.from_public_jwks(json.loads(json.dumps(KEYS.public_jwks())))
    assert build_verifier(published).verify(build_token(ED))
    assert build_verifier(published).verify(build_token(EC))
    with pytest.raises(Misconfigured) as refusal:
        issue_token(published)
    assert refusal.value.code == "SIGNING_KEY_MISSING"


def test_an_empty_set_verifies_nothing() -> None:
    """Without a key no token is accepted."""
    empty = KeySet.from_public_jwks({"keys": []})
    assert read_outcome(build_verifier(empty), build_token()) == "TOKEN_KEY_UNKNOWN"
    with pytest.raises(Misconfigured):
        assert empty.active


def change_ed_jwk(**changes: Any) -> list[Any]:
    """Return a list of one Ed25519 key with changed members; None removes a member."""
    return [{name: value for name, value in {**ED_JWK, **changes}.items() if value is not None}]


def change_ec_jwk(**changes: Any) -> list[Any]:
    """Return a list of one P-256 key with changed members; None removes a member."""
    return [{name: value for name, value in {**EC_JWK, **changes}.items() if value is not None}]


JUNK: list[Any] = [None, 1, "key", []]
ALGORITHMS: list[Any] = [None, "none", "HS256", "RS256", "ES256", 1, ["EdDSA"], {}]

REFUSED: list[tuple[str, Any]] = [
    ("no object", []),
    ("nothing", None),
    ("no keys", {}),
    ("keys that are no list", {"keys": {"a": ED_JWK}}),
    *((f"a key that is {junk!r}", {"keys": [junk]}) for junk in JUNK),
    ("two keys of one kid", {"keys": [ED_JWK, {**EC_JWK, "kid": ED_JWK["kid"]}]}),
    ("the same key twice", {"keys": [ED_JWK, ED_JWK]}),
    ("a good and a bad key", {"keys": [ED_JWK, {"kty": "oct"}]}),
    ("a private Ed25519 key", {"keys": change_ed_jwk(d=ED.jwk["d"])}),
    ("a private P-256 key", {"keys": change_ec_jwk(d=EC.jwk["d"])}),
    *((f"a key with {name!r}", {"keys": change_ed_jwk(**{name: "AQAB"})}) for name in sorted(PRIVATE)),
    ("a symmetric key", {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "a", "alg": "HS256"}]}),
    ("an RSA key", {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a", "alg": "RS256"}]}),
    ("an unknown kty", {"keys": change_ed_jwk(kty="LWE")}),
    ("no kty", {"keys": change_ed_jwk(kty=None)}),
    *((f"kid {kid!r}", {"keys": change_ed_jwk(kid=kid)}) for kid in (None, "", 1, ["a"])),
    *((f"alg {alg!r}", {"keys": change_ed_jwk(alg=alg)}) for alg in ALGORITHMS),
    ("EdDSA on a P-256 key", {"keys": change_ec_jwk(alg="EdDSA")}),
    ("P-384", {"keys": [{**P384, "kid": "a", "alg": "ES256"}]}),
    ("P-384 that says P-256", {"keys": [{**P384, "crv": "P-256", "kid": "a", "alg": "ES256"}]}),
    ("secp256k1", {"keys": change_ec_jwk(crv="secp256k1")}),
    ("X25519, which does not sign", {"keys": change_ed_jwk(crv="X25519")}),
    ("Ed448", {"keys": change_ed_jwk(crv="Ed448", x=b64(bytes(57)))}),
    ("a curve that is a list", {"keys": change_ed_jwk(crv=["Ed25519"])}),
    ("a key for encrypting", {"keys": change_ed_jwk(use="enc")}),
    ("a use that is a list", {"keys": change_ed_jwk(use=["sig"])}),
    *(
        (f"key_ops {ops!r}", {"keys": [{**ED_JWK, "key_ops": ops}]})
        for ops in ([], ["sign"], ["encrypt"], "verify", "noverify", None, 1, {"verify": 1}, [["verify"]])
    ),
    *(
        (f"x {x!r}", {"keys": change_ed_jwk(x=x)})
        for x in (None, "", "AQAB", 1, "A" * 44, ED_JWK["x"] + "=", "!" + ED_JWK["x"])
    ),
    (
        "x with bits that mean nothing",
        {"keys": change_ed_jwk(x=ED_JWK["x"][:-1] + chr(ord(ED_JWK["x"][-1]) + 1))},
    ),
    (
        "a point that is not on P-256",
        {"keys": change_ec_jwk(x=b64(bytes(31) + b"\1"), y=b64(bytes(31) + b"\1"))},
    ),
    ("the point at infinity", {"keys": change_ec_jwk(x=b64(bytes(32)), y=b64(bytes(32)))}),
    ("no y", {"keys": change_ec_jwk(y=None)}),
    *(
        (f"a point of small order: {point:x}", {"keys": change_ed_jwk(x=b64(point.to_bytes(32, "little")))})
        for height in SMALL_ORDER_HEIGHTS
        for point in (height, height + 2**255)
    ),
]


@pytest.mark.parametrize(("case", "jwks"), REFUSED, ids=[case for case, _ in REFUSED])
def test_a_key_set_that_could_be_misused_is_refused(case: str, jwks: Any) -> None:
    """The whole set is refused with a code, and the error does not show its content."""
    with pytest.raises(Misconfigured) as refusal:
        KeySet.from_public_jwks(jwks)
    assert refusal.value.code == "JWKS_INVALID", case
    assert ED.jwk["d"] not in str(refusal.value)


@pytest.mark.parametrize(
    "jwks",
    [
        {"keys": [{**ED_JWK, "key_ops": ["verify"]}]},
        {"keys": [{name: value for name, value in ED_JWK.items() if name != "use"}]},
        {"keys": [{**ED_JWK, "x5t": "abc", "name": "private member"}], "other": 1},
        {"keys": [{**ED_JWK, "kid": "chosen by the issuer"}]},
    ],
)
def test_a_key_set_of_another_issuer_is_accepted(jwks: dict[str, Any]) -> None:
    """Optional members of RFC 7517 may be absent; unknown members are ignored."""
    (key,) = KeySet.from_public_jwks(jwks).verifying.values()
    assert key.jwk == {**ED_JWK, "kid": key.kid}


def test_a_small_order_key_verifies_a_signature_that_nobody_made() -> None:
    """Such keys are refused because the library verifies this signature, which was made without a key."""
    Ed25519PublicKey.from_public_bytes(b"\1" + bytes(31)).verify(b"\1" + bytes(63), b"anything")


def test_a_key_signs_with_its_own_algorithm_only() -> None:
    """Each key id has exactly one algorithm."""
    for key, other_key in ((ED, EC), (EC, ED)):
        header = {"alg": other_key.algorithm, "typ": "at+jwt", "kid": key.kid}
        for sign in (key.sign, other_key.sign):
            assert (
                read_outcome(build_verifier(), sign_token(header, build_claims(), sign)) == "TOKEN_ALGORITHM"
            )
