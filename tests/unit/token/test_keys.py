"""Keys: what is taken in, what is shown, and how they are replaced."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.algorithms import ECAlgorithm

from discretion.errors import Misconfigured
from discretion.token.issue import Issuer
from discretion.token.keys import KeySet
from tests.unit.token.forged_tokens import (
    AUDIENCE,
    EC,
    ED,
    ISSUER,
    KEYS,
    STRANGER,
    Clock,
    b64,
    claims,
    key_set,
    outcome,
    signed,
    token,
    verifier,
)

PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
ED_JWK, EC_JWK = KEYS.public_jwks()["keys"]
P384 = json.loads(ECAlgorithm.to_jwk(generate_private_key(SECP384R1()).public_key()))
PRIME = 2**255 - 19
ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
SMALL = [0, 1, PRIME - 1, ORDER_8, PRIME - ORDER_8, PRIME, PRIME + 1]
"""The heights of the points of small order: under such a key anybody can sign."""


def issue(keys: KeySet) -> str:
    """A token by the active key of a set."""
    one = Issuer(keys, ISSUER, AUDIENCE, Clock(), bytes)
    return one.issue("campaigns", "staff@shop.example", (), ("analytics",))


def test_a_key_set_is_read_back_as_it_was() -> None:
    """Kept keys sign and verify again, in their order, under their ids."""
    kept = KeySet.from_private_json(KEYS.to_private_json())
    assert [one.verifying.kid for one in kept.signing] == [ED.kid, EC.kid]
    assert kept.public_jwks() == KEYS.public_jwks()
    assert verifier(KEYS).verify(issue(kept)) == verifier(kept).verify(issue(kept))


def test_a_key_is_named_by_its_thumbprint() -> None:
    """RFC 8037, appendix A: its key, and the thumbprint it gives."""
    example = {
        "kty": "OKP",
        "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "alg": "EdDSA",
    }
    keys = KeySet.from_private_json(json.dumps({"keys": [example]}).encode())
    assert keys.active.verifying.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_only_public_members_are_published(algorithm: str) -> None:
    """Whatever the algorithm, and after a rotation: exactly what RFC 7517 and 8037 call public."""
    for jwk in KeySet.generate(algorithm).rotated(algorithm).public_jwks()["keys"]:
        members = {"kty", "crv", "x", "kid", "alg", "use"} | ({"y"} if algorithm == "ES256" else set())
        assert jwk.keys() == members
        assert (jwk["alg"], jwk["use"]) == (algorithm, "sig")


def test_no_text_of_a_key_shows_it() -> None:
    """Printing, formatting, an error or a log line: none carries a private part, and none is pickled."""
    made = Issuer(KEYS, ISSUER, AUDIENCE, Clock(), bytes)
    shown = "".join(
        f"{one!r}{one!s}{one}"
        for one in (KEYS, *KEYS.signing, *KEYS.verifying.values(), made, verifier(KEYS))
    )
    for key in (ED, EC):
        assert key.jwk["d"] not in shown
    with pytest.raises(TypeError):
        pickle.dumps(KEYS)


def test_a_rotated_set_signs_with_the_new_key_and_verifies_the_old() -> None:
    """Nobody's token ends because a key was replaced; it ends when the old key leaves the set."""
    old = key_set(ED)
    before = issue(old)
    new = old.rotated("ES256").rotated("EdDSA")
    assert len(new.signing) == len(new.verifying) == 3
    assert new.active.verifying.kid not in old.verifying
    judge = verifier(KeySet.from_private_json(new.to_private_json()))
    assert judge.verify(before)
    assert judge.verify(issue(new))
    assert outcome(verifier(old), issue(new)) == "TOKEN_KEY_UNKNOWN"
    assert outcome(verifier(KeySet.generate()), before) == "TOKEN_KEY_UNKNOWN"


def test_a_published_set_verifies_and_cannot_sign() -> None:
    """What others fetch from us is enough to check our tokens."""
    theirs = KeySet.from_public_jwks(json.loads(json.dumps(KEYS.public_jwks())))
    assert verifier(theirs).verify(token(ED))
    assert verifier(theirs).verify(token(EC))
    with pytest.raises(Misconfigured) as refused:
        issue(theirs)
    assert refused.value.code == "SIGNING_KEY_MISSING"


def test_an_empty_set_verifies_nothing() -> None:
    """No key is no reason to believe."""
    empty = KeySet.from_public_jwks({"keys": []})
    assert outcome(verifier(empty), token()) == "TOKEN_KEY_UNKNOWN"
    with pytest.raises(Misconfigured):
        assert empty.active


def ed(**changes: Any) -> list[Any]:
    """A list of one Ed25519 key, changed."""
    return [{name: value for name, value in {**ED_JWK, **changes}.items() if value is not None}]


def ec(**changes: Any) -> list[Any]:
    """A list of one P-256 key, changed."""
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
    ("a private Ed25519 key", {"keys": ed(d=ED.jwk["d"])}),
    ("a private P-256 key", {"keys": ec(d=EC.jwk["d"])}),
    *((f"a key with {name!r}", {"keys": ed(**{name: "AQAB"})}) for name in sorted(PRIVATE)),
    ("a symmetric key", {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "a", "alg": "HS256"}]}),
    ("an RSA key", {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a", "alg": "RS256"}]}),
    ("a kty nobody knows", {"keys": ed(kty="LWE")}),
    ("no kty", {"keys": ed(kty=None)}),
    *((f"kid {kid!r}", {"keys": ed(kid=kid)}) for kid in (None, "", 1, ["a"])),
    *((f"alg {alg!r}", {"keys": ed(alg=alg)}) for alg in ALGORITHMS),
    ("EdDSA on a P-256 key", {"keys": ec(alg="EdDSA")}),
    ("P-384", {"keys": [{**P384, "kid": "a", "alg": "ES256"}]}),
    ("P-384 that says P-256", {"keys": [{**P384, "crv": "P-256", "kid": "a", "alg": "ES256"}]}),
    ("secp256k1", {"keys": ec(crv="secp256k1")}),
    ("X25519, which does not sign", {"keys": ed(crv="X25519")}),
    ("Ed448", {"keys": ed(crv="Ed448", x=b64(bytes(57)))}),
    ("a curve that is a list", {"keys": ed(crv=["Ed25519"])}),
    ("a key for encrypting", {"keys": ed(use="enc")}),
    ("a use that is a list", {"keys": ed(use=["sig"])}),
    *(
        (f"key_ops {ops!r}", {"keys": [{**ED_JWK, "key_ops": ops}]})
        for ops in ([], ["sign"], ["encrypt"], "verify", "noverify", None, 1, {"verify": 1}, [["verify"]])
    ),
    *(
        (f"x {x!r}", {"keys": ed(x=x)})
        for x in (None, "", "AQAB", 1, "A" * 44, ED_JWK["x"] + "=", "!" + ED_JWK["x"])
    ),
    ("x with bits that mean nothing", {"keys": ed(x=ED_JWK["x"][:-1] + chr(ord(ED_JWK["x"][-1]) + 1))}),
    ("a point that is not on P-256", {"keys": ec(x=b64(bytes(31) + b"\1"), y=b64(bytes(31) + b"\1"))}),
    ("the point at infinity", {"keys": ec(x=b64(bytes(32)), y=b64(bytes(32)))}),
    ("no y", {"keys": ec(y=None)}),
    *(
        (f"a point of small order: {point:x}", {"keys": ed(x=b64(point.to_bytes(32, "little")))})
        for height in SMALL
        for point in (height, height + 2**255)
    ),
]


@pytest.mark.parametrize(("law", "jwks"), REFUSED, ids=[law for law, _ in REFUSED])
def test_a_key_set_that_could_be_misused_is_refused(law: str, jwks: Any) -> None:
    """Whole, with a code, and without showing what it held."""
    with pytest.raises(Misconfigured) as refused:
        KeySet.from_public_jwks(jwks)
    assert refused.value.code == "JWKS_INVALID", law
    assert ED.jwk["d"] not in str(refused.value)


@pytest.mark.parametrize(
    "jwks",
    [
        {"keys": [{**ED_JWK, "key_ops": ["verify"]}]},
        {"keys": [{name: value for name, value in ED_JWK.items() if name != "use"}]},
        {"keys": [{**ED_JWK, "x5t": "abc", "name": "of their own"}], "other": 1},
        {"keys": [{**ED_JWK, "kid": "chosen by them"}]},
    ],
)
def test_a_key_set_of_somebody_else_is_taken(jwks: dict[str, Any]) -> None:
    """What RFC 7517 leaves open is left open; what we do not know is left out."""
    (key,) = KeySet.from_public_jwks(jwks).verifying.values()
    assert key.jwk == {**ED_JWK, "kid": key.kid}


def test_under_a_point_of_small_order_anybody_signs() -> None:
    """Why such keys are refused: the library verifies what nobody signed."""
    Ed25519PublicKey.from_public_bytes(b"\1" + bytes(31)).verify(b"\1" + bytes(63), b"anything")


KEPT: list[tuple[str, bytes]] = [
    ("no JSON", b"{"),
    ("no list", b'{"keys": 1}'),
    ("no key", b'{"keys": []}'),
    ("no keys", b"{}"),
    ("a public key", json.dumps({"keys": [ED_JWK]}).encode()),
    ("no alg", json.dumps({"keys": [{**ED.jwk, "alg": None}]}).encode()),
    ("another alg", json.dumps({"keys": [{**ED.jwk, "alg": "RS256"}]}).encode()),
    ("the other alg", json.dumps({"keys": [{**ED.jwk, "alg": "ES256"}]}).encode()),
    ("another curve", json.dumps({"keys": [{**P384, "alg": "ES256", "d": "AQ"}]}).encode()),
    ("a secret that is not its key's", json.dumps({"keys": [{**ED.jwk, "d": STRANGER.jwk["d"]}]}).encode()),
    ("the same key twice", json.dumps({"keys": [ED.jwk, ED.jwk]}).encode()),
]


@pytest.mark.parametrize(("law", "body"), KEPT, ids=[law for law, _ in KEPT])
def test_kept_keys_that_are_damaged_stop_the_start(law: str, body: bytes) -> None:
    """With a code for the operator, and not in the middle of a request."""
    with pytest.raises(Misconfigured) as refused:
        KeySet.from_private_json(body)
    assert refused.value.code == "SIGNING_KEYS_DAMAGED", law
    assert ED.jwk["d"] not in str(refused.value)


def test_a_key_signs_with_its_own_algorithm_only() -> None:
    """One header for each kid, however the claims look."""
    for key, other in ((ED, EC), (EC, ED)):
        head = {"alg": other.algorithm, "typ": "at+jwt", "kid": key.kid}
        for sign in (key.sign, other.sign):
            assert outcome(verifier(), signed(head, claims(), sign)) == "TOKEN_ALGORITHM"
