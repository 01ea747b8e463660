"""The checks of a token before its claims are read: a table of forgeries, each with its code."""

from __future__ import annotations

import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from discretion.errors import Unauthenticated
from discretion.token.grant import Grant
from tests.unit.token.forged_tokens import (
    EC,
    ED,
    KEYS,
    LEFT_OUT,
    P256_ORDER,
    STRANGER,
    b64,
    build_claims,
    build_header,
    build_token,
    build_token_with_header,
    build_verifier,
    derive_p256_key,
    encode_raw_signature,
    read_outcome,
    sign_token,
    unb64,
)

GOOD = build_token()
HEAD, BODY, SIGNATURE = GOOD.split(".")
EC_GOOD = build_token(EC)
PUBLIC = unb64(ED.jwk["x"])
PUBLIC_JWK = json.dumps(KEYS.public_jwks()["keys"][0]).encode()
PEM = KEYS.active.verifying.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
VERIFIER = build_verifier()


def replace_signature(signature: bytes, text: str = GOOD) -> str:
    """Return a token with another signature."""
    return f"{text.rpartition('.')[0]}.{b64(signature)}"


def build_unsigned(algorithm: str) -> str:
    """Return a token whose algorithm needs no signature, with one byte of signature for a valid format."""
    return sign_token(build_header(alg=algorithm), build_claims(), lambda _: b"x")


def sign_with_hmac(secret: bytes, algorithm: str = "HS256") -> str:
    """Return a token that is signed by HMAC with public bytes as its secret."""
    return sign_token(
        build_header(alg=algorithm),
        build_claims(),
        lambda signing_input: hmac.digest(secret, signing_input, "sha256"),
    )


def flip_bit(text: str, index: int) -> str:
    """Return a token with one bit of its signature flipped."""
    raw = bytearray(unb64(text.rpartition(".")[2]))
    raw[index] ^= 1
    return replace_signature(bytes(raw), text)


def encode_der(raw: bytes) -> bytes:
    """Return an ES256 signature in DER, the format of certificates, which JOSE does not use."""
    return encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))


def add_order(raw: bytes) -> bytes:
    """Return an EdDSA signature with S + L for S, which incomplete verifiers accept."""
    order = 2**252 + 27742317777372353535851937790883648493
    return raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")


def prepend_members(head: bytes = b"", body: bytes = b"") -> str:
    """Return a token with members written before those of its header or of its claims."""
    heads, bodies = json.dumps(build_header()).encode(), json.dumps(build_claims()).encode()
    return sign_token(b"{" + head + heads[1:], b"{" + body + bodies[1:], ED.sign)


def pad_segment(pad: str, segment: int) -> str:
    """Return a valid token with padding on one of its segments."""
    return ".".join(part + pad * (index == segment) for index, part in enumerate(GOOD.split(".")))


ALGORITHM = [
    *(
        (f"alg {name!r} is no algorithm", build_unsigned(name))
        for name in ("none", "None", "NONE", "nOnE", "", " ")
    ),
    ("alg may not be left out", sign_token(build_header(alg=LEFT_OUT), build_claims(), ED.sign)),
    ("HS256 keyed with the public key's PEM", sign_with_hmac(PEM)),
    ("HS256 keyed with the public key's bytes", sign_with_hmac(PUBLIC)),
    ("HS256 keyed with the published JWK", sign_with_hmac(PUBLIC_JWK)),
    ("HS256 keyed with nothing", sign_with_hmac(b"")),
    ("HS512 keyed with the public key's bytes", sign_with_hmac(PUBLIC, "HS512")),
    ("ES256 on an Ed25519 key", build_token_with_header(ED, alg="ES256")),
    ("EdDSA on a P-256 key", build_token_with_header(EC, alg="EdDSA")),
    (
        "ES256 signed by our P-256 key under the Ed25519 kid",
        sign_token(build_header(ED, alg="ES256"), build_claims(), EC.sign),
    ),
    *(
        (f"{name} is not served", build_token_with_header(alg=name))
        for name in ("RS256", "PS256", "ES384", "ES256K", "Ed25519")
    ),
    ("alg in another case", build_token_with_header(alg="eddsa")),
    ("alg with a space", build_token_with_header(alg="EdDSA ")),
]

TYPE = [
    ("typ may not be left out", build_token_with_header(typ=LEFT_OUT)),
    ("typ 'JWT': an identity token is not an access token", build_token_with_header(typ="JWT")),
    ("typ of a logout token", build_token_with_header(typ="logout+jwt")),
    ("typ of a DPoP proof", build_token_with_header(typ="dpop+jwt")),
    ("typ with a parameter", build_token_with_header(typ="at+jwt;v=1")),
    ("typ with a space", build_token_with_header(typ=" at+jwt")),
    ("typ empty", build_token_with_header(typ="")),
    ("typ of another media tree", build_token_with_header(typ="text/at+jwt")),
]

UNKNOWN_KEY = [
    ("kid may not be left out", build_token_with_header(kid=LEFT_OUT)),
    ("kid of an unknown key", sign_token(build_header(STRANGER), build_claims(), STRANGER.sign)),
    *(
        (f"kid {name!r} is only looked up", build_token_with_header(kid=name))
        for name in (
            "",
            "../../dev/null",
            "/dev/null",
            "' OR '1'='1",
            "$ne",
            "*",
            "\x00",
            "\ud800",
            ED.kid[:-1],
        )
    ),
    ("kid in another case", build_token_with_header(kid=ED.kid.swapcase())),
    ("kid with a space", build_token_with_header(kid=ED.kid + " ")),
    ("kid very long", build_token_with_header(kid="k" * 4000)),
]

WRONG_SIGNATURE = [
    ("our kid, a stranger's signature", sign_token(build_header(), build_claims(), STRANGER.sign)),
    ("one bit of R flipped", flip_bit(GOOD, 0)),
    ("one bit of S flipped", flip_bit(GOOD, 63)),
    ("the signature of another token", f"{HEAD}.{BODY}.{build_token(jti='another').rpartition('.')[2]}"),
    (
        "the header of another token",
        f"{build_token_with_header(typ='application/at+jwt').partition('.')[0]}.{BODY}.{SIGNATURE}",
    ),
    ("the claims of another token", f"{HEAD}.{build_token(scope='steward').split('.')[1]}.{SIGNATURE}"),
    ("S + L for S", replace_signature(add_order(unb64(SIGNATURE)))),
    ("half a signature", replace_signature(unb64(SIGNATURE)[:32])),
    ("a signature and a byte", replace_signature(unb64(SIGNATURE) + b"\0")),
    ("64 zeros", replace_signature(bytes(64))),
    ("the neutral point and zero", replace_signature(b"\1" + bytes(63))),
    ("one byte", replace_signature(b"\0")),
    ("ES256: one bit of r flipped", flip_bit(EC_GOOD, 0)),
    ("ES256: one bit of s flipped", flip_bit(EC_GOOD, 63)),
    ("ES256 in DER", replace_signature(encode_der(unb64(EC_GOOD.rpartition(".")[2])), EC_GOOD)),
    ("ES256: r and s zero", replace_signature(bytes(64), EC_GOOD)),
    ("ES256: r zero", replace_signature(bytes(32) + unb64(EC_GOOD.rpartition(".")[2])[32:], EC_GOOD)),
    ("ES256: s zero", replace_signature(unb64(EC_GOOD.rpartition(".")[2])[:32] + bytes(32), EC_GOOD)),
    (
        "ES256: r and s are the order",
        replace_signature(encode_raw_signature(P256_ORDER, P256_ORDER), EC_GOOD),
    ),
    ("ES256: r and s are one", replace_signature(encode_raw_signature(1, 1), EC_GOOD)),
    ("ES256: r and s as large as they can be", replace_signature(b"\xff" * 64, EC_GOOD)),
    (
        "ES256: by another P-256 key",
        sign_token(build_header(EC), build_claims(), derive_p256_key("a stranger's").sign),
    ),
    ("an EdDSA signature under ES256", sign_token(build_header(EC), build_claims(), ED.sign)),
]

MALFORMED = [
    ("crit", build_token_with_header(crit=["exp"])),
    ("crit, empty", build_token_with_header(crit=[])),
    ("crit, a string", build_token_with_header(crit="b64")),
    ("b64 false", build_token_with_header(b64=False, crit=["b64"])),
    ("b64 false, not critical", build_token_with_header(b64=False)),
    (
        "b64 false, detached",
        f"{b64(json.dumps(build_header(b64=False, crit=['b64'])).encode())}..{SIGNATURE}",
    ),
    ("jku", build_token_with_header(jku="https://keys.attacker.example/jwks.json")),
    ("x5u", build_token_with_header(x5u="https://keys.attacker.example/cert.pem")),
    ("x5c", build_token_with_header(x5c=["MIIB"])),
    ("x5t", build_token_with_header(x5t="abc")),
    ("jwk, and signed with it", sign_token(build_header(jwk=STRANGER.jwk), build_claims(), STRANGER.sign)),
    ("zip", build_token_with_header(zip="DEF")),
    ("cty: a token in a token", build_token_with_header(cty="JWT")),
    ("an unknown header member", build_token_with_header(extra="1")),
    ("kid an object", build_token_with_header(kid={"$ne": ""})),
    ("kid a list", build_token_with_header(kid=[ED.kid])),
    ("kid a number", build_token_with_header(kid=1)),
    ("kid null", build_token_with_header(kid=None)),
    ("alg a list", build_token_with_header(alg=["EdDSA"])),
    ("alg null", build_token_with_header(alg=None)),
    ("typ a list", build_token_with_header(typ=["at+jwt"])),
    ("alg twice in the header", prepend_members(head=b'"alg": "none",')),
    ("kid twice, once escaped", prepend_members(head=b'"\\u006bid": "x",')),
    ("sub twice in the claims", prepend_members(body=b'"sub": "x",')),
    ("exp twice, once escaped", prepend_members(body=b'"\\u0065xp": 1,')),
    ("a name twice deeper down", prepend_members(body=b'"act": {"sub": "a", "sub": "b"},')),
    ("NaN", prepend_members(body=b'"x": NaN,')),
    ("Infinity", prepend_members(body=b'"x": Infinity,')),
    ("minus Infinity", prepend_members(body=b'"x": -Infinity,')),
    ("a number too large to be one", prepend_members(body=b'"x": 1e999,')),
    ("a negative number too large to be one", prepend_members(body=b'"x": -1e999,')),
    ("a number of 4,400 digits", prepend_members(body=b'"x": ' + b"9" * 4400 + b",")),
    (
        "nested deeper than a token has reason to",
        prepend_members(body=b'"x": ' + b"[" * 300 + b"]" * 300 + b","),
    ),
    ("nested as deep as fits", prepend_members(body=b'"x": ' + b"[" * 2700 + b"]" * 2700 + b",")),
    ("nested and never closed", sign_token(build_header(), b"[" * 5900, ED.sign)),
    ("nested in the header", sign_token(b'{"kid":' * 400 + b"1" + b"}" * 400, build_claims(), ED.sign)),
    ("claims that are a list", sign_token(build_header(), b"[]", ED.sign)),
    ("claims that are a string", sign_token(build_header(), b'"claims"', ED.sign)),
    ("claims that are null", sign_token(build_header(), b"null", ED.sign)),
    ("a header that is a list", sign_token(b"[]", build_claims(), ED.sign)),
    (
        "claims with something after them",
        sign_token(build_header(), json.dumps(build_claims()).encode() + b"{}", ED.sign),
    ),
    (
        "claims with a byte order mark",
        sign_token(build_header(), b"\xef\xbb\xbf" + json.dumps(build_claims()).encode(), ED.sign),
    ),
    ("claims in UTF-16", sign_token(build_header(), json.dumps(build_claims()).encode("utf-16-le"), ED.sign)),
    ("claims that are not UTF-8", prepend_members(body=b'"x": "\xff",')),
    ("claims with a comment", prepend_members(body=b'"x": 1, /* */')),
    ("an encrypted token: five segments", f"{GOOD}.{SIGNATURE}.{SIGNATURE}"),
    ("four segments", f"{GOOD}.{SIGNATURE}"),
    ("two segments", f"{HEAD}.{BODY}"),
    ("two segments and a dot", f"{HEAD}.{BODY}."),
    ("no header", f".{BODY}.{SIGNATURE}"),
    ("no claims", f"{HEAD}..{SIGNATURE}"),
    ("dots only", ".."),
    ("nothing", ""),
    ("JSON serialisation", json.dumps({"protected": HEAD, "payload": BODY, "signature": SIGNATURE})),
    *((f"padding {pad!r} on segment {at}", pad_segment(pad, at)) for pad in ("=", "==") for at in range(3)),
    *((f"whitespace {space!r} in front", space + GOOD) for space in (" ", "\n", "\t", "\ufeff", "\u00a0")),
    *((f"whitespace {space!r} behind", GOOD + space) for space in (" ", "\n", "\r\n", "\0")),
    ("whitespace within", GOOD.replace(".", ". ", 1)),
    ("the other base64 alphabet", f"{HEAD}.{BODY}.{'+/' + SIGNATURE[2:]}"),
    ("digits that are not ASCII", f"{HEAD}.{BODY}.{chr(0x661) + SIGNATURE[1:]}"),
    ("a lone surrogate", GOOD + "\ud800"),
    ("a segment of an impossible length", f"{HEAD}.{BODY}.{SIGNATURE[:85]}"),
    ("unused bits set", f"{HEAD}.{BODY}.{SIGNATURE[:-1]}{chr(ord(SIGNATURE[-1]) + 1)}"),
    ("larger than 8 KiB, and signed", build_token(other="x" * 8192)),
    ("a megabyte", "a" * 2**20 + ".a.a"),
]

MESSAGES = {
    "TOKEN_ALGORITHM": "The token is refused: its algorithm is not that of its key.",
    "TOKEN_TYPE": "The token is refused: its type is not at+jwt.",
    "TOKEN_KEY_UNKNOWN": "The token is refused: its key is not known.",
    "TOKEN_SIGNATURE": "The token is refused: its signature is invalid.",
}
"""The complete messages for forgeries; that for a malformed token names the broken rule."""

TABLE = [
    *((case, text, "TOKEN_ALGORITHM") for case, text in ALGORITHM),
    *((case, text, "TOKEN_TYPE") for case, text in TYPE),
    *((case, text, "TOKEN_KEY_UNKNOWN") for case, text in UNKNOWN_KEY),
    *((case, text, "TOKEN_SIGNATURE") for case, text in WRONG_SIGNATURE),
    *((case, text, "TOKEN_MALFORMED") for case, text in MALFORMED),
]
VALID = [
    ("EdDSA", GOOD),
    ("ES256", EC_GOOD),
    ("typ in another case: media types have none", build_token_with_header(typ="AT+JWT")),
    ("typ in full", build_token_with_header(typ="application/at+jwt")),
    ("an unknown claim", build_token(acr="1", amr=["pwd"], act={"sub": "x"})),
    (
        "spaces within the JSON",
        sign_token(b" " + json.dumps(build_header(), indent=1).encode(), build_claims(), ED.sign),
    ),
    ("just under 8 KiB", build_token(other="x" * 5600)),
]


@pytest.mark.parametrize(("case", "text", "code"), TABLE, ids=[case for case, _, _ in TABLE])
def test_a_forgery_is_refused_with_its_code(case: str, text: str, code: str) -> None:
    """The message does not quote the token."""
    with pytest.raises(Unauthenticated) as refusal:
        VERIFIER.verify(text)
    assert refusal.value.code == code, case
    assert refusal.value.message == MESSAGES.get(code, refusal.value.message)
    assert not any(len(part) > 3 and part in str(refusal.value) for part in text.split("."))


@pytest.mark.parametrize(("case", "text"), VALID, ids=[case for case, _ in VALID])
def test_a_valid_token_is_granted(case: str, text: str) -> None:
    """Valid variants are accepted, so the forgeries are refused for their own reason."""
    assert isinstance(read_outcome(VERIFIER, text), Grant), case
